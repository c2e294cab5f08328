import type { VbdOperations, VbdRecord, VbdRef, VdiRef, VmOperations, VmRecord, VmRef } from '@tidemark/xenapi'
import type { Refusal } from '../calls/failure.ts'
import type { Database } from '../database/database.ts'

/** What may be done to a drive, and what is said otherwise. xapi: xapi_vbd_helpers.ml */

const SIDE_BY_SIDE: ReadonlySet<VbdOperations> = new Set(['pause', 'unpause'])
const HOTPLUG: ReadonlySet<VbdOperations> = new Set(['plug', 'unplug', 'unplug_force'])
const ATTACHING: ReadonlySet<VbdOperations> = new Set(['attach', 'plug', 'insert'])

/** Why an operation is refused, the first reason in xapi's order; undefined when it may go on. */
export function vbdRefusal(db: Database, ref: VbdRef, operation: VbdOperations): Refusal | undefined {
  const vbd = db.get('VBD', ref)
  return refusalBySelf(db, ref, operation) ?? (vbd.empty ? undefined : bySharing(db, ref, vbd, operation))
}

/** The same, without a look at who else uses the disk. */
function refusalBySelf(db: Database, ref: VbdRef, operation: VbdOperations): Refusal | undefined {
  const vbd = db.get('VBD', ref)
  const vm = db.get('VM', vbd.VM)
  return (
    busy(ref, vbd, operation) ??
    ofMedium(ref, vbd, operation) ??
    ofPower(ref, vbd, vm, operation) ??
    (operation === 'plug' || operation === 'unplug' ? vmHoldsDevices(vbd.VM, vm) : undefined) ??
    ofCd(vbd, vm, operation) ??
    (vbd.empty ? undefined : ofDisk(db, ref, vbd, operation))
  )
}

function busy(ref: VbdRef, { current_operations }: VbdRecord, operation: VbdOperations): Refusal | undefined {
  const running = Object.entries(current_operations)
  const others = SIDE_BY_SIDE.has(operation) ? running.filter(([, each]) => !SIDE_BY_SIDE.has(each)) : running
  const [first] = others
  return first && ['OTHER_OPERATION_IN_PROGRESS', 'VBD', ref, first[1], first[0]]
}

function ofMedium(ref: VbdRef, { unpluggable, type, empty }: VbdRecord, operation: VbdOperations): Refusal | undefined {
  if (!unpluggable && (operation === 'unplug' || operation === 'unplug_force')) return ['VBD_NOT_UNPLUGGABLE', ref]
  if (operation !== 'insert' && operation !== 'eject') return undefined
  if (type !== 'CD') return ['VBD_NOT_REMOVABLE_MEDIA', ref]
  if (empty && operation === 'eject') return ['VBD_IS_EMPTY', ref]
  return !empty && operation === 'insert' ? ['VBD_NOT_EMPTY', ref] : undefined
}

function ofPower(
  ref: VbdRef,
  { VM, currently_attached }: VbdRecord,
  { power_state }: VmRecord,
  operation: VbdOperations,
): Refusal | undefined {
  if (power_state === 'Running') {
    if (operation === 'plug' && currently_attached) return ['DEVICE_ALREADY_ATTACHED', ref]
    const unplugging = operation === 'unplug' || operation === 'unplug_force'
    return unplugging && !currently_attached ? ['DEVICE_ALREADY_DETACHED', ref] : undefined
  }
  const pausing = SIDE_BY_SIDE.has(operation) && power_state !== 'Paused'
  if (!HOTPLUG.has(operation) && !pausing) return undefined
  return ['VM_BAD_POWER_STATE', VM, 'running', power_state.toLowerCase()]
}

const HOLDING: ReadonlySet<VmOperations> = new Set(['clean_shutdown', 'hard_shutdown', 'suspend', 'pause'])

/** Devices neither come nor go while their VM goes down. */
export function vmHoldsDevices(ref: VmRef, { current_operations }: VmRecord): Refusal | undefined {
  const held = Object.values(current_operations).find((operation) => HOLDING.has(operation))
  return held && ['OPERATION_NOT_ALLOWED', `Current operation on VM:${ref} is ${held}`]
}

function ofCd({ VM, type }: VbdRecord, { power_state }: VmRecord, operation: VbdOperations): Refusal | undefined {
  if (type !== 'CD') return undefined
  if (power_state === 'Running' && HOTPLUG.has(operation)) {
    return ['OPERATION_NOT_ALLOWED', 'HVM CDROMs cannot be hotplugged/unplugged, only inserted or ejected']
  }
  const changing = operation === 'insert' || operation === 'eject'
  return changing && power_state === 'Suspended'
    ? ['VM_BAD_POWER_STATE', VM, 'halted, running', 'suspended']
    : undefined
}

function ofDisk(db: Database, ref: VbdRef, { VDI }: VbdRecord, operation: VbdOperations): Refusal | undefined {
  const disk = db.find('VDI', VDI)
  if (disk === undefined) return ['HANDLE_INVALID', 'VDI', VDI]
  if (!disk.managed) return ['VDI_NOT_MANAGED', ref]
  if (!ATTACHING.has(operation)) return undefined
  const other = Object.entries(disk.current_operations).find(([, each]) => each !== 'mirror' && each !== 'copy')
  return other && ['OTHER_OPERATION_IN_PROGRESS', 'VDI', VDI, other[1], other[0]]
}

function bySharing(db: Database, ref: VbdRef, vbd: VbdRecord, operation: VbdOperations): Refusal | undefined {
  return vbd.currently_attached || !ATTACHING.has(operation) ? undefined : sharingRefusal(db, ref)
}

/** Why others' use of its disk keeps a drive from using it; also of a drive that is attached in name only. */
export function sharingRefusal(db: Database, ref: VbdRef): Refusal | undefined {
  const vbd = db.get('VBD', ref)
  if (vbd.empty) return undefined
  const { sharable, read_only } = db.get('VDI', vbd.VDI)
  // a host may read along, whoever writes
  const readsAlong = vbd.mode === 'RO' && db.get('VM', vbd.VM).is_control_domain
  if (!sharable && !readsAlong && isTaken(db, ref, vbd)) return ['VDI_IN_USE', vbd.VDI]
  return vbd.mode === 'RW' && read_only ? ['VDI_READONLY', vbd.VDI] : undefined
}

/** Whether somebody else uses the disk in a way that excludes this drive. Hosts and suspended VMs disturb nobody. */
function isTaken(db: Database, ref: VbdRef, { VDI, mode }: VbdRecord): boolean {
  const others = db.get('VDI', VDI).VBDs.filter((each) => each !== ref && isUsing(db, each))
  return others.some((each) => mode === 'RW' || db.get('VBD', each).mode === 'RW')
}

function isUsing(db: Database, ref: VbdRef): boolean {
  const { VM, currently_attached, current_operations } = db.get('VBD', ref)
  if (!currently_attached && Object.keys(current_operations).length === 0) return false
  const { power_state, is_control_domain } = db.get('VM', VM)
  return power_state !== 'Suspended' && !is_control_domain
}

const ALL: readonly VbdOperations[] = [
  'attach',
  'eject',
  'insert',
  'plug',
  'unplug',
  'unplug_force',
  'pause',
  'unpause',
]

/** What VBD.allowed_operations says. Who else uses the disk is looked at only when the operation is asked for. */
export const allowedOnVbd = (db: Database, vbd: VbdRef): readonly VbdOperations[] =>
  ALL.filter((operation) => refusalBySelf(db, vbd, operation) === undefined)

/** Through which somebody uses the disk right now. */
export const attachedVbds = ({ db }: { readonly db: Database }, vdi: VdiRef): readonly VbdRef[] =>
  db.get('VDI', vdi).VBDs.filter((vbd) => db.get('VBD', vbd).currently_attached)
