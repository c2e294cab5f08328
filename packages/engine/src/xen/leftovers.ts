import { isFailure, type VbdRecord, type VdiRecord, type VdiRef, type VmRecord } from '@tidemark/xenapi'
import { nothingKnown, type Leftover } from '../pool.ts'
import { destroyTrial } from './boot.ts'
import { isMarked, MARK_MADE, MARK_POINT, MARK_REPOSITORY, MARK_ROLE, tornOf } from './marks.ts'
import { destroyDisk, destroySnapshot, destroyVm, disksOf, keepLog, type SnapshotContext } from './snapshot.ts'

/** The pool's objects by reference. */
interface Objects {
  readonly vms: Readonly<Record<string, VmRecord>>
  readonly vdis: Readonly<Record<string, VdiRecord>>
  readonly vbds: Readonly<Record<string, VbdRecord>>
}

/**
 * Everything on the pool that runs made and that is not finished: marked as ours by its own UUID, or called as a journal says.
 * @param names names of snapshots, and marks of disks
 */
export async function readLeftovers(
  { session }: SnapshotContext,
  names: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<readonly Leftover[]> {
  const [vms, vdis, vbds] = await Promise.all([
    session.VM.get_all_records({ signal }),
    session.VDI.get_all_records({ signal }),
    session.VBD.get_all_records({ signal }),
  ])
  const objects: Objects = { vms, vdis, vbds }
  const snapshots = Object.values(vms).flatMap((vm) => snapshotLeft(objects, vm, names) ?? [])
  const inSnapshots = new Set(snapshots.flatMap(({ disks }) => disks))
  const disks = Object.values(vdis).flatMap((vdi) => diskLeft(objects, vdi, names) ?? [])
  const loose = disks.filter(({ kind, uuid }) => kind !== 'disk-snapshot' || !inSnapshots.has(uuid))
  const torn = Object.values(vdis).flatMap((vdi) => tornDisk(vdi) ?? [])
  return [...snapshots, ...newVms(objects, loose), ...loose, ...torn]
}

function snapshotLeft(objects: Objects, vm: VmRecord, names: ReadonlySet<string>): Leftover | undefined {
  if (!vm.is_a_snapshot || !(isMarked(vm) || names.has(vm.name_label))) return undefined
  return {
    ...nothingKnown,
    kind: 'vm-snapshot',
    uuid: vm.uuid,
    name: vm.name_label,
    repository: isMarked(vm) ? vm.other_config[MARK_REPOSITORY] : undefined,
    vm: objects.vms[vm.snapshot_of]?.uuid,
    disks: disksOfVm(objects, vm),
  }
}

function diskLeft(objects: Objects, vdi: VdiRecord, names: ReadonlySet<string>): Leftover | undefined {
  const marks = vdi.other_config
  const isNamed = !vdi.is_a_snapshot && names.has(marks[MARK_MADE] ?? '')
  const kind = isNamed ? 'new-disk' : isMarked(vdi) ? kindOf(vdi) : undefined
  if (kind === undefined) return undefined
  return {
    ...nothingKnown,
    kind,
    uuid: vdi.uuid,
    name: vdi.name_label,
    repository: marks[MARK_REPOSITORY],
    disk: objects.vdis[vdi.snapshot_of]?.uuid,
    point: marks[MARK_POINT],
    mark: marks[MARK_MADE],
    usedBy: vdi.VBDs.flatMap((ref) => {
      const vm = objects.vms[objects.vbds[ref]?.VM ?? '']
      return vm === undefined || vm.is_control_domain ? [] : [vm.name_label]
    }),
  }
}

function tornDisk(vdi: VdiRecord): Leftover | undefined {
  const torn = tornOf(vdi)
  return torn && { ...nothingKnown, ...torn, kind: 'torn-disk', uuid: vdi.uuid, name: vdi.name_label, disk: vdi.uuid }
}

/** A copy that was tidied half may be a base already, with the role of before, or with none when its run died while it changed. */
function kindOf({ other_config: marks, is_a_snapshot: isSnapshot, type }: VdiRecord): Leftover['kind'] | undefined {
  const role = marks[MARK_ROLE]
  if (role === 'restoring') return isSnapshot ? undefined : 'new-disk'
  if (!isSnapshot) return undefined
  return type === 'cbt_metadata' ? 'base' : 'disk-snapshot'
}

/** VMs that were made of exported settings for disks whose restore did not end. */
function newVms(objects: Objects, disks: readonly Leftover[]): Leftover[] {
  const unfinished = new Set(disks.filter(({ kind }) => kind === 'new-disk').map(({ uuid }) => uuid))
  return Object.values(objects.vms).flatMap((vm) => {
    if (vm.is_a_snapshot || vm.is_control_domain) return []
    const held = disksOfVm(objects, vm)
    const [first] = held.filter((uuid) => unfinished.has(uuid))
    if (first === undefined) return []
    const { repository } = disks.find(({ uuid }) => uuid === first) ?? nothingKnown
    const isOurs = held.every((uuid) => unfinished.has(uuid) || isShared(objects, uuid))
    const isTrial = isMarked(vm) && vm.other_config[MARK_ROLE] === 'trial' // a boot test's: it may run
    const usedBy = (vm.power_state === 'Halted' || isTrial) && isOurs ? [] : [vm.name_label]
    return [{ ...nothingKnown, kind: 'new-vm', uuid: vm.uuid, name: vm.name_label, repository, disks: held, usedBy }]
  })
}

/** A VM just imported still has the places of disks that are the original's. Somebody's own VM has disks of its own. */
function isShared({ vms, vdis, vbds }: Objects, uuid: string): boolean {
  const vdi = Object.values(vdis).find((each) => each.uuid === uuid)
  const holders = new Set((vdi?.VBDs ?? []).map((ref) => vbds[ref]?.VM ?? ''))
  return [...holders].filter((vm) => vms[vm]?.is_control_domain === false).length > 1
}

const disksOfVm = ({ vbds, vdis }: Objects, vm: VmRecord): string[] =>
  vm.VBDs.flatMap((ref) => {
    const vbd = vbds[ref]
    return vbd === undefined || vbd.type !== 'Disk' || vbd.empty ? [] : (vdis[vbd.VDI]?.uuid ?? [])
  })

/** Ends what a run left after its restore point was saved. */
export async function finishLeftover(context: SnapshotContext, leftover: Leftover, point: string): Promise<void> {
  const { session } = context
  if (leftover.kind === 'vm-snapshot') {
    const ref = await session.VM.get_by_uuid(leftover.uuid)
    const made = await disksOf(session, ref)
    await destroyVm(session, ref)
    for (const disk of made) await finishDisk(context, disk, point)
  } else await finishDisk(context, await session.VDI.get_by_uuid(leftover.uuid), point)
}

async function finishDisk(context: SnapshotContext, ref: VdiRef, point: string): Promise<void> {
  const { uuid, cbt_enabled: isTracked, name_label: name } = await context.session.VDI.get_record(ref)
  if (isTracked) await keepLog(context, { ref, uuid, what: `the snapshot of '${name}'` }, point)
  else await destroyDisk(context, ref)
}

/** Removes a leftover, a snapshot of a VM with its disks; a new VM without its disks, which are leftovers of their own. */
export async function removeLeftover(context: SnapshotContext, { kind, uuid }: Leftover): Promise<void> {
  const { session } = context
  try {
    if (kind === 'vm-snapshot') await destroySnapshot(context, await session.VM.get_by_uuid(uuid), [])
    else if (kind === 'new-vm') {
      await destroyTrial(session, await session.VM.get_by_uuid(uuid))
    } else await destroyDisk(context, await session.VDI.get_by_uuid(uuid))
  } catch (error) {
    if (!isFailure(error, 'UUID_INVALID') && !isFailure(error, 'HANDLE_INVALID')) throw error
  }
}
