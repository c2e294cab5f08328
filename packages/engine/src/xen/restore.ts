import { BlocksError, bytes, decodeBitmap } from '@tidemark/blocks'
import {
  isFailure,
  XenApiError,
  type Session,
  type SrRecord,
  type VdiRecord,
  type VdiRef,
  type VmRef,
} from '@tidemark/xenapi'
import { EngineError } from '../error.ts'
import type { Changes, DiskState, NewVmParts, RestoreTarget, Vm } from '../pool.ts'
import { readInventory } from './inventory.ts'
import { clearTorn, MARK_MADE, MARK_REPOSITORY, MARK_ROLE, MARK_SELF, markTorn } from './marks.ts'
import { fromTheBeginning, madeOnce, repeated, type Seen } from './outcome.ts'
import { whileBusy } from './patience.ts'
import { makeCards, settingsOf, targetFacts, withoutCards } from './settings.ts'
import { destroyDisk, destroyVm, type SnapshotContext } from './snapshot.ts'

/** The writing half of a pool over XenAPI. */
export function xenRestore(context: SnapshotContext): RestoreTarget {
  const { session } = context
  return {
    facts: (signal) => targetFacts(session, signal),
    settingsOf,
    async createDisk({ name, size, storageUuid, repository, mark }, signal) {
      const SR = await session.SR.get_by_uuid(storageUuid, { signal })
      const record = {
        SR,
        virtual_size: size,
        type: 'user',
        sharable: false,
        read_only: false,
        other_config: { [MARK_MADE]: mark, [MARK_ROLE]: 'restoring', [MARK_REPOSITORY]: repository },
      } as const
      const create = () => session.Async.VDI.create({ ...record, name_label: name }) // not aborted: its reference would be lost
      const ref = await madeOnce(create, () => diskMarked(session, name, mark)).catch(async (error: unknown) => {
        await using failed = new AsyncDisposableStack() // a task may fail after its work was done, and the caller will not hear of that disk
        failed.defer(() => destroyUnclaimed(context, name, mark))
        throw error
      })
      await using undo = new AsyncDisposableStack()
      undo.defer(() => destroyDisk(context, ref)) // until the caller knows of it, nobody else removes it
      const made = await session.VDI.get_record(ref)
      await repeated(async () => {
        await session.VDI.remove_from_other_config(ref, MARK_SELF)
        await session.VDI.add_to_other_config(ref, MARK_SELF, made.uuid)
      })
      await destroyUnclaimed(context, name, mark)
      const isZeroed = readsAsZeros(await session.SR.get_record(SR), made)
      undo.move()
      return { uuid: made.uuid, size: bytes(made.virtual_size), isZeroed }
    },
    async destroyDisk(uuid) {
      const ref = await session.VDI.get_by_uuid(uuid)
      await destroyTwins(context, ref)
      await destroyDisk(context, ref)
    },
    async releaseDisk(uuid) {
      const ref = await session.VDI.get_by_uuid(uuid)
      await destroyTwins(context, ref)
      for (const key of [MARK_SELF, MARK_ROLE, MARK_REPOSITORY, MARK_MADE]) {
        await repeated(() => session.VDI.remove_from_other_config(ref, key))
      }
    },
    diskState: (uuid, signal) => diskState(session, uuid, signal),
    markTorn: (uuid, torn, signal) => markTorn(session, uuid, torn, signal),
    clearTorn: (uuid) => clearTorn(session, uuid),
    writesParts: true,
    async writeDisk(uuid, { extents, body }, signal) {
      const vdi = await session.VDI.get_by_uuid(uuid, { signal })
      const write = () => session.importVdiStretches(vdi, extents, body(), signal)
      const disk = { ...context, vdi, what: 'the disk to restore to' }
      await fromTheBeginning(() => whileBusy(disk, write, signal)) // after a broken way it is still held for a moment
    },
    changedSince: (uuid, snapshot, signal) => changedSince(context, uuid, snapshot, signal),
    safetySnapshots: (uuids, name, signal) => safetySnapshots(session, uuids, name, signal),
    importVm: (metadata, parts, signal) => importVm(context, metadata, parts, signal),
    attachDisk: (vdi, vm) => attachDisk(context, vdi, vm),
  }
}

/**
 * As xapi judges it before it copies sparsely: an LVM storage of before VHD, a raw volume, and some arrays hand out what lay there.
 * xapi, sm_fs_ops.ml, must_write_zeroes_into_new_vdi.
 */
function readsAsZeros({ type, sm_config: sr }: SrRecord, { sm_config: vdi }: VdiRecord): boolean {
  const driver = type.toLowerCase()
  if (['lvm', 'lvmoiscsi', 'lvmohba'].includes(driver)) return sr['use_vhd'] === 'true' && vdi['type'] !== 'raw'
  return driver !== 'cslg' && !(driver === 'equal' && sr['allocation']?.toLowerCase() === 'thick')
}

/** Waits for what a transfer before it left attached: a disk in use is refused. */
async function changedSince(
  context: SnapshotContext,
  uuid: string,
  snapshot: string,
  signal: AbortSignal | undefined,
): Promise<Changes> {
  const { session } = context
  try {
    const from = await session.VDI.get_by_uuid(snapshot, { signal })
    const vdi = await session.VDI.get_by_uuid(uuid, { signal })
    const { snapshot_of: live, cbt_enabled: isTracked } = await session.VDI.get_record(from, { signal })
    if (live !== vdi || !isTracked) return { known: false, detail: 'the snapshot is not tracked, or another disk’s' }
    const size = bytes(await session.VDI.get_virtual_size(vdi, { signal }))
    const ask = () => repeated(() => session.Async.VDI.list_changed_blocks(from, vdi, { signal }))
    const text = await whileBusy({ ...context, vdi, what: 'the disk to restore to' }, ask, signal)
    return { known: true, bitmap: decodeBitmap(text, size) }
  } catch (error) {
    if (error instanceof BlocksError) return { known: false, detail: error.message }
    if (!(error instanceof XenApiError) || error.failure === undefined) throw error
    return { known: false, detail: error.failure.join(' ') }
  }
}

async function safetySnapshots(
  session: Session,
  uuids: readonly string[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const vms = new Set<VmRef>()
  for (const uuid of uuids) {
    const vdi = await session.VDI.get_by_uuid(uuid, { signal })
    for (const vbd of await session.VDI.get_VBDs(vdi, { signal })) {
      const vm = await session.VBD.get_VM(vbd, { signal })
      if (!(await session.VM.get_is_control_domain(vm, { signal }))) vms.add(vm)
    }
  }
  const made: string[] = []
  for (const vm of vms) made.push(await session.VM.get_uuid(await session.Async.VM.snapshot(vm, name)))
  return made
}

async function diskMarked(session: Session, name: string, mark: string): Promise<Seen<VdiRef>> {
  for (const ref of await session.VDI.get_by_name_label(name)) {
    if ((await session.VDI.get_other_config(ref))[MARK_MADE] === mark) return { result: ref }
  }
  return undefined
}

/** Removes what came of a request that a proxy sent twice, however late: the answer told of one disk, and the pool has two. */
async function destroyTwins(context: SnapshotContext, ref: VdiRef): Promise<void> {
  const { name_label: name, other_config: marks } = await context.session.VDI.get_record(ref)
  const mark = marks[MARK_MADE]
  if (mark !== undefined) await destroyUnclaimed(context, name, mark)
}

/** Removes disks that were made and never claimed. A clone that somebody made of one that was names another disk as itself. */
async function destroyUnclaimed(context: SnapshotContext, name: string, mark: string): Promise<void> {
  const { session } = context
  for (const ref of await session.VDI.get_by_name_label(name)) {
    const marks = await session.VDI.get_other_config(ref)
    if (marks[MARK_MADE] === mark && !(MARK_SELF in marks)) await destroyDisk(context, ref)
  }
}

async function diskState(session: Session, uuid: string, signal?: AbortSignal): Promise<DiskState | undefined> {
  let ref: VdiRef
  try {
    ref = await session.VDI.get_by_uuid(uuid, { signal })
  } catch (error) {
    if (isFailure(error, 'UUID_INVALID')) return undefined
    throw error
  }
  const record = await session.VDI.get_record(ref, { signal })
  const usedBy: string[] = []
  for (const vbd of record.VBDs) {
    const { currently_attached: attached, VM: vm } = await session.VBD.get_record(vbd, { signal })
    if (await session.VM.get_is_control_domain(vm, { signal })) continue // a transfer, which is waited for
    if (attached) usedBy.push(await session.VM.get_name_label(vm, { signal }))
  }
  return { size: bytes(record.virtual_size), usedBy }
}

async function importVm(
  context: SnapshotContext,
  metadata: Uint8Array,
  parts: NewVmParts,
  signal?: AbortSignal,
): Promise<Vm> {
  const { session } = context
  // `force`: a disk that was left out of the backup may be gone, which must not make the restore impossible
  const options = { vdiMap: parts.disks, force: true }
  const imported = session.importMetadata(withoutCards(metadata), options, signal)
  const [ref] = await imported.catch(async (error: unknown) => {
    await using failed = new AsyncDisposableStack() // the pool may have made it, and only its answer be lost
    failed.defer(() => destroyHolders(session, parts.disks.values()))
    throw error
  })
  if (ref === undefined) throw new EngineError('ENGINE_TARGET', 'the pool imported the VM settings but named no new VM')
  await using undo = new AsyncDisposableStack()
  undo.defer(() => destroyVm(session, ref)) // half done, it may still hold a disk of the original
  await makeCards(session, ref, metadata, parts.cards, signal)
  const vm = await finishVm(context, ref, parts, signal)
  undo.move()
  return vm
}

/** Removes the VMs that hold disks which this restore made: they are its own. The disks stay. */
async function destroyHolders(session: Session, disks: Iterable<string>): Promise<void> {
  const holders = new Set<VmRef>()
  for (const uuid of disks) {
    const vbds = await session.VDI.get_VBDs(await session.VDI.get_by_uuid(uuid))
    for (const vbd of vbds) holders.add(await session.VBD.get_VM(vbd))
  }
  for (const vm of holders) if (!(await session.VM.get_is_control_domain(vm))) await session.Async.VM.destroy(vm)
}

async function finishVm(
  { session, tracking }: SnapshotContext,
  ref: VmRef,
  { disks, name }: NewVmParts,
  signal: AbortSignal | undefined,
): Promise<Vm> {
  await detachOthers(session, await session.VM.get_VBDs(ref, { signal }), new Set(disks.values()), signal)
  await session.VM.set_name_label(ref, name, { signal })
  const uuid = await session.VM.get_uuid(ref, { signal })
  const vm = (await readInventory(session, tracking, signal)).vms.find((each) => each.uuid === uuid)
  if (vm === undefined) throw new EngineError('ENGINE_TARGET', `the new VM ${uuid} is not on the pool`)
  return vm
}

async function attachDisk(context: SnapshotContext, vdiUuid: string, vmUuid: string): Promise<string> {
  const { session } = context
  const VM = await session.VM.get_by_uuid(vmUuid)
  const VDI = await session.VDI.get_by_uuid(vdiUuid)
  const [userdevice] = await session.VM.get_allowed_VBD_devices(VM)
  if (userdevice === undefined) throw new EngineError('ENGINE_TARGET', 'the VM has no free place for another disk')
  const vbd = await session.VBD.create({
    VM,
    VDI,
    userdevice,
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    unpluggable: true,
    empty: false,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  })
  // the reading back let go of it, and the control domain will in a moment
  const disk = { ...context, vdi: VDI, what: 'the new disk' }
  if ((await session.VM.get_power_state(VM)) === 'Running') await whileBusy(disk, () => session.Async.VBD.plug(vbd))
  return userdevice
}

/** A disk that the point does not hold is found by its old place: the new VM must not share it with the original. */
async function detachOthers(
  session: Session,
  vbds: Awaited<ReturnType<Session['VM']['get_VBDs']>>,
  own: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const vbd of vbds) {
    const { type, empty, VDI } = await session.VBD.get_record(vbd, { signal })
    if (type !== 'Disk' || empty) continue
    if (!own.has(await session.VDI.get_uuid(VDI, { signal }))) await session.VBD.destroy(vbd, { signal })
  }
}
