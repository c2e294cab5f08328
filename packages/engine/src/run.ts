import { RepositoryError } from '@tidemark/repository'
import type { BackupContext, BackupOptions, PlannedRun } from './backup-context.ts'
import type { Afresh } from './checkpoint/afresh.ts'
import { CHECKPOINT_VERSION, type RunSoFar } from './checkpoint/entry.ts'
import { CheckpointKeeper } from './checkpoint/keeper.ts'
import { findCutRun, takeOver } from './checkpoint/take-over.ts'
import { EngineError } from './error.ts'
import type { Journal } from './ledger/ledger.ts'
import { listPoints } from './points.ts'
import type { Vm, VmSnapshot } from './pool.ts'
import type { VmRecord } from './vm-record.ts'

/** A run that has its snapshot: one of its own, or that of a run that was cut. */
export interface Run {
  readonly planned: PlannedRun
  readonly snapshot: VmSnapshot
  /** The VM's settings, of when the snapshot was taken. */
  readonly metadata: Uint8Array
  readonly journal: Journal
  readonly keeper: CheckpointKeeper
  readonly soFar: RunSoFar | undefined
  /** What the point will say of a cut. */
  readonly history: Pick<VmRecord, 'resumed' | 'afresh'>
  /** Until when the next run may go on with this one, if it is cut. */
  readonly until: Date | undefined
}

/** Takes over the run that was cut last, if its point would still be true. */
export async function resumeRun(
  context: BackupContext,
  vm: Vm,
  options: BackupOptions,
  signal: AbortSignal,
): Promise<Run | Afresh | undefined> {
  const cut = await findCutRun(context, vm)
  if (cut === undefined) return undefined
  if (options.resume === undefined) return { reason: 'not-kept' }
  const history = await listPoints(context.repository, { vm: vm.uuid }, signal)
  const takenAt = new Date(cut.taken.takenAt).getTime()
  if (history.some(({ snapshot }) => snapshot.time.getTime() === takenAt)) return undefined // it was saved: only tidying is left
  await context.repository.loadIndex(signal)
  const chosen = { ...vm, disks: vm.disks.filter(options.include) }
  const taken = await takeOver(context, chosen, cut, history, options, signal)
  if ('reason' in taken) return taken
  const { journal, snapshot, soFar, parents, times, until } = taken
  const plan = { vm: chosen, disks: soFar.run.plans }
  context.on({ type: 'resumed', takenAt: snapshot.takenAt, times })
  return {
    planned: { plan, parents, history },
    snapshot,
    metadata: new Uint8Array(soFar.run.data), // a copy: the file is large
    journal,
    keeper: keeperOf(context, journal, options),
    soFar,
    history: { resumed: { times, lastAt: context.clock.now().toISOString() } },
    until,
  }
}

/** Notes what a run is to do, for the next one should it be cut. Comes before its snapshot. */
export async function noteRun(
  context: BackupContext,
  journal: Journal,
  { plan, parents }: PlannedRun,
  options: BackupOptions,
  metadata: Uint8Array,
): Promise<CheckpointKeeper> {
  const keeper = keeperOf(context, journal, options)
  const { full, source } = options
  if (options.resume !== undefined)
    await keeper.note({
      kind: 'run',
      version: CHECKPOINT_VERSION,
      plans: plan.disks,
      parents: Object.fromEntries([...parents].map(([disk, { point }]) => [disk, point.id])),
      options: { full, source },
      data: metadata,
    })
  return keeper
}

function keeperOf(
  { repository, clock, on }: BackupContext,
  journal: Journal,
  { resume }: BackupOptions,
): CheckpointKeeper {
  const message = 'where the run is cannot be noted: if it is cut now, the next one begins where the last note was made'
  const onFailed = (cause: unknown) => on({ type: 'attention', message, cause })
  const everyMs = journal.isKept && resume !== undefined ? resume.everyMs : Infinity
  return new CheckpointKeeper({ journal, repository, clock, everyMs, onFailed })
}

/** Bounds what a cancelled run still does. */
const LAST_MS = 700

/**
 * Leaves a run that failed to the next one, when that can go on with it: the pool or the storage went away, or somebody stopped it.
 * @returns whether it did: the snapshot is to stay
 */
export async function cutRun(
  { clock, on }: BackupContext,
  { journal, keeper, until }: Run,
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  if (!journal.isKept || until === undefined || !(signal.aborted || mayPass(error))) return false
  const done = new AbortController()
  const last = keeper.last().finally(() => done.abort())
  await Promise.race([last, clock.sleep(LAST_MS, done.signal).catch(() => undefined)]) // aborted when the checkpoint was first
  const why = error instanceof Error ? error.message : String(error)
  await journal.note({ step: 'cut', at: clock.now().toISOString(), why })
  on({ type: 'cut', until })
  return true
}

/** Failures that would come again with the same snapshot and the same repository. */
function mayPass(error: unknown): boolean {
  if (error instanceof EngineError) return error.code === 'ENGINE_BUSY'
  return !(error instanceof RepositoryError) || error.code.startsWith('BACKEND_') || LOST.has(error.code)
}

const LOST: ReadonlySet<string> = new Set(['REPOSITORY_LOCK_LOST', 'REPOSITORY_FULL', 'REPOSITORY_CACHE'])
