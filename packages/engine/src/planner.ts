import { RepositoryError, type PointDisk, type Repository } from '@tidemark/repository'
import { EngineError } from './error.ts'
import { planDisk, type DiskPlan, type PlanOptions, type VmPlan } from './plan.ts'
import { openPoint, type OpenPoint, type RestorePoint } from './points.ts'
import type { Disk, Pool, Vm } from './pool.ts'
import type { DiskRecord } from './vm-record.ts'

/** Where a disk was stored last. */
export interface DiskParent {
  readonly point: OpenPoint
  readonly record: DiskRecord
  readonly stored: PointDisk
}

/** The plan of a VM's next run, and by live disk what it builds on. */
export interface PlannedVm {
  readonly plan: VmPlan
  readonly parents: ReadonlyMap<string, DiskParent>
}

/** Points looked through for a disk's last place; disks that are backed up apart from each other need more than one. */
const POINTS_SEARCHED = 20

/**
 * Decides what the next run does to each disk, and why. Reads the repository and asks the pool, changes neither.
 * @param history restore points of this VM, oldest first; the index must be loaded
 * @throws EngineError ENGINE_NO_DISKS
 */
export async function planVm(
  pool: Pool,
  repository: Repository,
  vm: Vm,
  history: readonly RestorePoint[],
  options: PlanOptions,
  signal?: AbortSignal,
): Promise<PlannedVm> {
  if (vm.disks.length === 0) {
    throw new EngineError('ENGINE_NO_DISKS', `VM '${vm.name}' has no disk to back up; 'tidemark vm ls' shows its disks`)
  }
  if (vm.powerState === 'Suspended') {
    throw new EngineError(
      'ENGINE_VM_STATE',
      `VM '${vm.name}' is suspended, and its memory image cannot be backed up: resume it or shut it down first`,
    )
  }
  const { parents, damaged } = options.full ? none : await findParents(repository, vm.disks, history, signal)
  const disks: DiskPlan[] = []
  for (const disk of vm.disks) {
    const previous = parents.get(disk.vdiUuid)?.record
    const isSame = previous?.vdi === disk.vdiUuid
    const base = isSame && previous.snapshot ? await pool.baseOf(disk, previous.snapshot, signal) : undefined
    disks.push(planDisk(disk, { previous, base, damaged }, options, history.length > 0))
  }
  return { plan: { vm, disks }, parents }
}

interface Parents {
  readonly parents: ReadonlyMap<string, DiskParent>
  /** Why the newest point that could not be used could not. */
  readonly damaged: string | undefined
}

const none: Parents = { parents: new Map(), damaged: undefined }

/** A point that is damaged serves nobody as parent: an older one does, or the disk is read in full. */
async function findParents(
  repository: Repository,
  disks: readonly Disk[],
  history: readonly RestorePoint[],
  signal: AbortSignal | undefined,
): Promise<Parents> {
  const parents = new Map<string, DiskParent>()
  let damaged: string | undefined
  for (const point of history.toReversed().slice(0, POINTS_SEARCHED)) {
    if (parents.size === disks.length) break
    try {
      await addParents(repository, disks, point, parents, signal)
    } catch (error) {
      if (!(error instanceof EngineError) && !(error instanceof RepositoryError)) throw error
      damaged ??= error.message
    }
  }
  const newest = history.at(-1)
  if (parents.size < disks.length && newest !== undefined && damaged === undefined) {
    await addReplaced(repository, disks, newest, parents, signal)
  }
  return { parents, damaged }
}

async function addParents(
  repository: Repository,
  disks: readonly Disk[],
  point: RestorePoint,
  parents: Map<string, DiskParent>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const open = await openPoint(repository, point, signal)
  for (const record of open.record.disks) {
    const stored = open.parts.disks.find(({ vdiUuid }) => vdiUuid === record.vdi)
    const wanted = disks.some(({ vdiUuid }) => vdiUuid === record.vdi)
    if (stored === undefined || !wanted || parents.has(record.vdi)) continue
    await stored.content(signal) // every blob it needs is known, or this disk is not built upon
    parents.set(record.vdi, { point: open, record, stored })
  }
}

/** A disk that was reverted, moved to other storage or exchanged has a new UUID: the one in its place before is the nearest to it. */
async function addReplaced(
  repository: Repository,
  disks: readonly Disk[],
  newest: RestorePoint,
  parents: Map<string, DiskParent>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const open = await openPoint(repository, newest, signal)
  for (const disk of disks.filter(({ vdiUuid }) => !parents.has(vdiUuid))) {
    const record = open.record.disks.find(({ position, vdi }) => position === disk.position && !parents.has(vdi))
    const stored = open.parts.disks.find(({ vdiUuid }) => vdiUuid === record?.vdi)
    if (record === undefined || stored === undefined || disks.some(({ vdiUuid }) => vdiUuid === record.vdi)) continue
    await stored.content(signal)
    parents.set(disk.vdiUuid, { point: open, record, stored })
  }
}

/** Finds a VM by UUID or name. @throws EngineError ENGINE_VM_UNKNOWN, ENGINE_VM_AMBIGUOUS */
export function chooseVm(vms: readonly Vm[], selector: string): Vm {
  const found = vms.filter(({ uuid, name }) => uuid === selector || name === selector)
  const [vm] = found
  if (vm === undefined) {
    throw new EngineError(
      'ENGINE_VM_UNKNOWN',
      `the pool has no VM '${selector}'; 'tidemark vm ls' lists its ${vms.length} VMs`,
    )
  }
  if (found.length > 1) {
    const uuids = found.map(({ uuid }) => uuid).join(', ')
    throw new EngineError('ENGINE_VM_AMBIGUOUS', `${found.length} VMs are called '${selector}'; use a UUID: ${uuids}`)
  }
  return vm
}
