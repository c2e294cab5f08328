import { RepositoryError, type Repository } from '@tidemark/repository'
import type { Clock } from '../clock.ts'
import { EngineError } from '../error.ts'
import type { Journal, Ledger } from '../ledger/ledger.ts'
import type { DiskPlan, PlanOptions } from '../plan.ts'
import type { DiskParent } from '../planner.ts'
import { openPoint, type RestorePoint } from '../points.ts'
import type { Disk, Pool, Vm, VmSnapshot } from '../pool.ts'
import type { Afresh, AfreshReason } from './afresh.ts'
import { soFarOf, type RunSoFar } from './entry.ts'
import { cutRunOf, overLimit, type CutRun } from './limit.ts'

interface TakeOverContext {
  readonly pool: Pool
  readonly repository: Repository
  readonly ledger: Ledger
  readonly clock: Clock
}

/** A run that was cut, as this process goes on with it. */
export interface TakenOver {
  readonly journal: Journal
  readonly snapshot: VmSnapshot
  readonly soFar: RunSoFar
  /** By live disk. */
  readonly parents: ReadonlyMap<string, DiskParent>
  /** How often the run was gone on with, this time included. */
  readonly times: number
  readonly until: Date
}

/** The VM's newest run that was cut between its snapshot and its restore point. */
export async function findCutRun({ pool, repository, ledger }: TakeOverContext, vm: Vm): Promise<CutRun | undefined> {
  const cut = (await ledger.unfinished())
    .filter(({ header }) => header.pool === pool.identity.uuid && header.repository === repository.id)
    .filter(({ header }) => header.vm.uuid === vm.uuid)
    .flatMap((run) => cutRunOf(run) ?? [])
  return cut.toSorted((a, b) => a.taken.takenAt.localeCompare(b.taken.takenAt)).at(-1)
}

/** The snapshot that the VM's next run will go on with, if disks, base and options are the same then; undefined when it begins anew. */
export async function resumableSnapshot(
  context: TakeOverContext,
  vm: Vm,
): Promise<{ readonly takenAt: Date; readonly until: Date } | undefined> {
  const cut = await findCutRun(context, vm)
  if (cut?.limit === undefined || overLimit(cut, context.clock.now()) !== undefined) return undefined
  return { takenAt: new Date(cut.taken.takenAt), until: cut.limit.until }
}

/**
 * Goes on with a run that was cut, or says why that cannot be. All that the point will say must hold: the disks are those of the
 * snapshot, the changes are counted from the same base, and no newer point has moved on from it.
 * @param vm with the disks that are to be backed up
 * @param history restore points of this VM, oldest first; the index must be loaded
 */
export async function takeOver(
  context: TakeOverContext,
  vm: Vm,
  cut: CutRun,
  history: readonly RestorePoint[],
  options: PlanOptions,
  signal: AbortSignal,
): Promise<TakenOver | Afresh> {
  const { pool, ledger, clock } = context
  const over = overLimit(cut, clock.now())
  if (over !== undefined || cut.limit === undefined) return { reason: over ?? 'not-kept' }
  const takenAt = new Date(cut.taken.takenAt)
  const soFar = soFarOf(await ledger.checkpoints(cut.run.run))
  if (soFar === undefined) return { reason: 'checkpoint-lost' }
  const reason = misfit(soFar, vm, options) ?? (isOutrun(history, takenAt) ? 'newer-point' : undefined)
  if (reason !== undefined) return { reason }
  const parents = await parentsOf(context, soFar, history, signal)
  if (!(parents instanceof Map)) return parents
  const { uuid, disks } = cut.taken
  const snapshot = await pool.reopenSnapshot(vm, { uuid, name: cut.name, takenAt, disks }, signal)
  if (snapshot === undefined) return { reason: 'snapshot-gone' }
  const journal = await ledger.resume(cut.run.run)
  if (journal === undefined) return { reason: 'taken-over' }
  await journal.note({ step: 'resumed', at: clock.now().toISOString() })
  return { journal, snapshot, soFar, parents, times: cut.resumed + 1, until: cut.limit.until }
}

const isOutrun = (history: readonly RestorePoint[], takenAt: Date): boolean =>
  history.some(({ snapshot }) => snapshot.time.getTime() > takenAt.getTime())

function misfit({ run }: RunSoFar, { disks }: Vm, { full, source }: PlanOptions): AfreshReason | undefined {
  if (run.options.full !== full || run.options.source !== source) return 'options-changed'
  const before = run.plans.map(({ disk }) => placeOf(disk))
  const now = disks.map(placeOf)
  return before.length === now.length && before.every((place) => now.includes(place)) ? undefined : 'disks-changed'
}

const placeOf = ({ position, vdiUuid, size, storage }: Disk): string =>
  [position, vdiUuid, size, storage.uuid].join(' ')

async function parentsOf(
  { repository }: TakeOverContext,
  { run: { plans, parents } }: RunSoFar,
  history: readonly RestorePoint[],
  signal: AbortSignal,
): Promise<Map<string, DiskParent> | Afresh> {
  const found = new Map<string, DiskParent>()
  for (const plan of plans) {
    const point = history.find(({ id }) => id === parents[plan.disk.vdiUuid])
    if (plan.action === 'full') continue
    try {
      const parent = point && (await parentIn(repository, point, plan, signal))
      if (parent === undefined) return { reason: 'base-lost' }
      found.set(plan.disk.vdiUuid, parent)
    } catch (error) {
      if (error instanceof EngineError || error instanceof RepositoryError)
        return { reason: 'base-lost', detail: error.message }
      throw error
    }
  }
  return found
}

async function parentIn(
  repository: Repository,
  point: RestorePoint,
  { previous }: Exclude<DiskPlan, { action: 'full' }>,
  signal: AbortSignal,
): Promise<DiskParent | undefined> {
  const open = await openPoint(repository, point, signal)
  const record = open.record.disks.find(({ vdi }) => vdi === previous.vdi)
  const stored = open.parts.disks.find(({ vdiUuid }) => vdiUuid === previous.vdi)
  await stored?.content(signal) // every blob it needs is known
  return record && stored && { point: open, record, stored }
}
