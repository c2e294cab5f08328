import { forEachBounded } from '@tidemark/blocks'
import {
  backupDefaults,
  type BackupContext,
  type BackupOptions,
  type BackupResult,
  type PlannedRun,
} from './backup-context.ts'
import { backupDisk, type DiskDone, type DiskListener, type DiskWork } from './disk-backup.ts'
import { EngineError } from './error.ts'
import type { OnBackup } from './events.ts'
import { noHooks, takeBetween } from './hooks.ts'
import { inspectPool, tidyPool } from './janitor.ts'
import type { Journal } from './ledger/ledger.ts'
import { Undo } from './ledger/undo.ts'
import { Limits } from './limits/limits.ts'
import { canBeTracked, planCompare, type DiskPlan, type VmPlan } from './plan.ts'
import { planVm } from './planner.ts'
import { listPoints, type RestorePoint } from './points.ts'
import type { DiskSnapshot, Vm, VmSnapshot } from './pool.ts'
import { cutRun, noteRun, resumeRun, type Run } from './run.ts'
import { assertSpace, withRoomOfNow } from './space.ts'
import { saveVmPoint } from './vm-point.ts'

/** As a run has it. */
interface RunContext extends BackupContext {
  readonly limits: Limits
  /** What it holds of them until it is over; what is cut and stays on the pool is not waited for. */
  readonly held: DisposableStack
}

/**
 * Makes one restore point of a VM: one snapshot of all its disks, read by changed blocks where the last point's
 * snapshot still serves as base. The point exists when its snapshot file is durable in the repository; only then the
 * data of the pool's snapshot are dropped and its tracking is kept as the next base. A run that was cut before is gone on with, from
 * the same snapshot (docs/runs.md).
 * @throws EngineError, RepositoryError, XenApiError, NbdError; the pool's snapshot is removed again, or left to the next run
 */
export async function backupVm(
  outer: BackupContext,
  vm: Vm,
  options: BackupOptions = backupDefaults,
  signal?: AbortSignal,
): Promise<BackupResult> {
  let clean = true
  const on: OnBackup = (event) => {
    if (['attention', 'wrong-bitmap', 'unusual', 'incompressible'].includes(event.type)) clean = false
    outer.on(event)
  }
  using held = new DisposableStack()
  const context: RunContext = { ...outer, on, limits: outer.limits ?? new Limits(), held }
  await using lock = await context.repository.lock('shared', signal)
  const running = signal === undefined ? lock.signal : AbortSignal.any([signal, lock.signal])
  await using undo = new Undo(undefined, context.clock)
  const run = await openRun(context, vm, options, undo, running)
  const { point, record } = await makePoint(context, vm, run, options, running).catch(async (error: unknown) => {
    if (await cutRun(context, run, error, running)) undo.keep() // left to the next run, by its journal
    throw error
  })
  on({ type: 'stage', stage: 'clean-up' })
  await run.journal.note({ step: 'saved', point: point.id })
  await run.keeper.settled()
  await cleanPool(context, run.planned.plan, run.snapshot, point, undo)
  return { point, record, clean }
}

/** Goes on with the run that was cut, or begins one. What `undo` gets makes it undone. */
async function openRun(
  context: RunContext,
  vm: Vm,
  options: BackupOptions,
  undo: Undo,
  signal: AbortSignal,
): Promise<Run> {
  const { on } = context
  const resumed = await resumeRun(context, vm, options, signal)
  const isOn = resumed !== undefined && 'journal' in resumed
  if (resumed !== undefined && !isOn) on({ type: 'afresh', why: resumed })
  if (isOn) context.held.use(context.limits.openSnapshot(resumed.planned.plan.vm.disks))
  if (isOn) undo.remembers(resumed.journal)
  if (isOn) undo.defer(() => resumed.snapshot[Symbol.asyncDispose]())
  await tidyBefore(context, vm, isOn ? resumed.snapshot.uuid : undefined, signal)
  if (!isOn) return begin(context, vm, options, undo, { afresh: resumed }, signal)
  on({ type: 'plan', plan: resumed.planned.plan })
  return resumed
}

async function begin(
  context: RunContext,
  vm: Vm,
  options: BackupOptions,
  undo: Undo,
  history: Run['history'],
  signal: AbortSignal,
): Promise<Run> {
  const { pool, repository, on, clock, limits } = context
  const disks = vm.disks.filter(options.include)
  context.held.use(await limits.snapshot(disks, (wait) => on({ type: 'waiting', wait }), signal))
  const planned = await planBackup(context, vm, options, signal)
  on({ type: 'plan', plan: planned.plan })
  if (!options.ignoreSpace) assertSpace(disks)
  await enableTracking(context, planned.plan, signal)
  on({ type: 'stage', stage: 'metadata' })
  const metadata = await pool.exportMetadata(vm, signal)
  using _turn = await limits.snapshooting(disks, signal)
  if (!options.ignoreSpace) assertSpace(await withRoomOfNow(pool, disks, signal))
  on({ type: 'stage', stage: 'snapshot' })
  const journal = await context.ledger.begin({
    kind: 'backup',
    pool: pool.identity.uuid,
    repository: repository.id,
    vm: { uuid: vm.uuid, name: vm.name },
  })
  undo.remembers(journal)
  const keeper = await noteRun(context, journal, planned, options, metadata)
  const { resume } = options
  const until = resume && new Date(clock.now().getTime() + resume.withinMs)
  const limit = resume && until && { until: until.toISOString(), tries: resume.tries }
  const take = () => undo.around(() => snapshotVm(context, vm, options, journal, limit, signal))
  const snapshot = await takeBetween(context.hooks ?? noHooks, vm, take, on, signal)
  undo.defer(() => snapshot[Symbol.asyncDispose]())
  return { planned, snapshot, metadata, journal, keeper, soFar: undefined, history, until }
}

async function makePoint(
  context: RunContext,
  vm: Vm,
  run: Run,
  options: BackupOptions,
  signal: AbortSignal,
): Promise<Pick<BackupResult, 'point' | 'record'>> {
  const { on } = context
  const works = await planReads(context, run, options, signal)
  on({ type: 'stage', stage: 'disks' })
  const disks: DiskDone[] = []
  const backUp = async ([i, work]: [number, DiskWork], stop: AbortSignal) => {
    disks[i] = await backupInTurn(context, work, stop)
  }
  await forEachBounded(works.entries(), works.length, backUp, signal)
  on({ type: 'stage', stage: 'saving' })
  return await saveVmPoint(context, vm, run, disks, options, signal)
}

/** Reads a disk as soon as it may. */
async function backupInTurn(
  { repository, limits, on }: RunContext,
  work: DiskWork,
  signal: AbortSignal,
): Promise<DiskDone> {
  using _place = await limits.disk(work.plan.disk, (wait) => on({ type: 'waiting', wait }), signal)
  return await backupDisk(repository, work, listener(on), signal)
}

/** Ends or undoes what earlier runs of this VM left, but for `own`. What cannot be tidied now calls for attention, and stops nothing. */
async function tidyBefore(context: BackupContext, vm: Vm, own: string | undefined, signal: AbortSignal): Promise<void> {
  const { repository, on } = context
  const othersAtWork = await repository.isShared(signal)
  const inspection = await inspectPool(context, { vm, othersAtWork, leaveResumable: false }, signal)
  for (const verdict of inspection.verdicts) if (verdict.leftover.uuid !== own) on({ type: 'leftover', verdict })
  for (const { verdict, cause } of await tidyPool(context, inspection)) {
    on({ type: 'attention', message: `what an earlier run left, '${verdict.leftover.name}', is not tidied yet`, cause })
  }
}

async function snapshotVm(
  { pool, repository, clock }: BackupContext,
  vm: Vm,
  { include }: BackupOptions,
  journal: Journal,
  resume: { readonly until: string; readonly tries: number } | undefined,
  signal: AbortSignal,
): Promise<VmSnapshot> {
  const leftOut = vm.disks.filter((disk) => !include(disk))
  const name = `tidemark ${clock.now().toISOString()} ${journal.run.slice(0, 8)}`
  await journal.note({ step: 'snapshot', name, ...(resume && { resume }) })
  const snapshot = await pool.snapshot(vm, { repository: repository.id, leftOut, name }, signal)
  const { uuid, takenAt, disks } = snapshot
  await journal.note({ step: 'snapshot-taken', uuid, takenAt: takenAt.toISOString(), disks: [...disks.keys()] })
  return snapshot
}

const listener = (on: OnBackup): DiskListener => ({
  onDisk: (progress) => on({ type: 'disk', progress }),
  onWrong: (plan, differing) => on({ type: 'wrong-bitmap', plan, differing }),
})

/** What a run of this VM would do, without doing it. Takes no lock: nothing is written. */
export async function planBackup(
  context: Pick<BackupContext, 'pool' | 'repository'>,
  vm: Vm,
  options: BackupOptions = backupDefaults,
  signal?: AbortSignal,
): Promise<PlannedRun> {
  const history = await listPoints(context.repository, { vm: vm.uuid }, signal)
  await context.repository.loadIndex(signal) // after the snapshots: one seen before its index would look broken
  const chosen = { ...vm, disks: vm.disks.filter(options.include) }
  const planned = await planVm(context.pool, context.repository, chosen, history, options, signal)
  return { ...planned, history }
}

async function enableTracking({ pool, on }: BackupContext, plan: VmPlan, signal: AbortSignal): Promise<void> {
  const untracked = plan.disks.filter(({ disk }) => !disk.tracked && canBeTracked(disk))
  if (untracked.length === 0) return
  on({ type: 'stage', stage: 'tracking' })
  for (const { disk } of untracked) {
    try {
      await pool.enableTracking(disk, signal)
    } catch (cause) {
      signal.throwIfAborted()
      const message = `tracking of disk ${disk.position} could not be switched on: every run will read all of it`
      on({ type: 'attention', message, cause })
    }
  }
}

/** Asks for all bitmaps before any reader is opened: an attached reader makes `list_changed_blocks` fail. */
async function planReads(
  context: BackupContext,
  { planned: { plan, parents }, snapshot, keeper, soFar: before }: Run,
  { audit }: BackupOptions,
  signal: AbortSignal,
): Promise<DiskWork[]> {
  const works: DiskWork[] = []
  for (const each of plan.disks) {
    const frozen = snapshot.disks.get(each.disk.vdiUuid)
    if (frozen === undefined) {
      throw new EngineError('ENGINE_SOURCE', `the VM snapshot has no copy of disk ${each.disk.position}; run it again`)
    }
    const disk = each.disk.vdiUuid
    const soFar = before?.disks.get(disk) ?? {}
    const { plan: now, bitmap } = soFar.changes ?? (await askChanges(context, each, frozen, signal))
    if (soFar.changes === undefined)
      await keeper.note({ kind: 'changes', disk, plan: now, data: bitmap ?? new Uint8Array() })
    works.push({ plan: now, frozen, bitmap, parent: parents.get(disk), audit, soFar, keeper })
  }
  return works
}

async function askChanges(
  { on }: BackupContext,
  plan: DiskPlan,
  frozen: DiskSnapshot,
  signal: AbortSignal,
): Promise<Pick<DiskWork, 'plan' | 'bitmap'>> {
  if (plan.action !== 'incremental') return { plan, bitmap: undefined }
  const changes = await frozen.changedSince(plan.base, signal)
  if (changes.known) return { plan, bitmap: changes.bitmap }
  const compare = planCompare(plan.disk, plan.previous, { reason: 'base-unusable', detail: changes.detail })
  on({ type: 'replan', plan: compare })
  return { plan: compare, bitmap: undefined }
}

/** The point is safe by now, so a pool that will not be tidied is a reason for attention, never for failure. */
async function cleanPool(
  { pool, repository, on }: BackupContext,
  plan: VmPlan,
  snapshot: VmSnapshot,
  point: RestorePoint,
  undo: Undo,
): Promise<void> {
  try {
    await snapshot.keepAsBase(point.id)
    for (const { disk } of plan.disks) {
      const kept = snapshot.disks.get(disk.vdiUuid)
      if (kept !== undefined) await pool.dropOldBases(disk, repository.id, kept.uuid)
    }
  } catch (cause) {
    on({
      type: 'attention',
      message: 'the restore point is safe, but its snapshot on the pool is not tidied yet',
      cause,
    })
    await undo.leave(cause) // for the next run or the doctor
  }
}
