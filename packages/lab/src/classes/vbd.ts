import type { VbdConstructor, VbdMode, VbdRef, VdiRef, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import { attachedVbds } from './vdi-operation.ts'

export const vbdHandlers: Handlers = {
  'VBD.create': createVbd,
  'VBD.destroy': destroyVbd,
  'VBD.plug': plug,
  'VBD.unplug': (call, vbd: VbdRef) => unplug(call, vbd, { force: false }),
  'VBD.unplug_force': (call, vbd: VbdRef) => unplug(call, vbd, { force: true }),
  'VBD.insert': insert,
  'VBD.eject': eject,
  'VBD.set_mode': setMode,
  'VBD.assert_attachable': ({ pool }, vbd: VbdRef) => assertAttachable(pool, vbd),
}

/** Slots of one VM. xapi offers 255 to HVM guests. */
const SLOTS = 255

const UNATTACHABLE: ReadonlySet<string> = new Set(['cbt_metadata', 'ha_statefile', 'redo_log'])

function createVbd({ pool }: Call, given: VbdConstructor): VbdRef {
  const { db } = pool
  const { VM, VDI, mode, type, empty } = given
  const { name_label } = db.get('VM', VM)
  if (!empty) {
    const disk = db.get('VDI', VDI)
    if (UNATTACHABLE.has(disk.type)) failure('VDI_INCOMPATIBLE_TYPE', VDI, disk.type)
    if (mode === 'RW' && disk.read_only) failure('VDI_READONLY', VDI)
  }
  if (type === 'CD' && mode !== 'RO') failure('VBD_CDS_MUST_BE_READONLY')
  if (type !== 'CD' && empty) failure('INTERNAL_ERROR', `an empty disk for ${name_label}: only CD drives can be empty`)
  const userdevice = slotFor(pool, VM, given.userdevice)
  return db.insert('VBD', {
    ...given,
    VDI: empty ? (NULL_REF as VdiRef) : VDI,
    userdevice,
    device: '',
    currently_attached: false,
    unpluggable: given.unpluggable ?? true,
    allowed_operations: ['attach'],
  })
}

/** `autodetect` takes the first free slot; a name like xvdb or hda stands for its number. */
export function slotFor(pool: Pool, vm: VmRef, wanted: string): string {
  const free = freeSlots(pool, vm)
  if (wanted === 'autodetect' || wanted === '') return free[0] ?? failure('INVALID_DEVICE', wanted)
  const slot = slotNumber(wanted)
  if (slot === undefined || slot >= SLOTS) return failure('INVALID_DEVICE', wanted)
  if (!free.includes(String(slot))) failure('DEVICE_ALREADY_EXISTS', wanted)
  return String(slot)
}

function slotNumber(device: string): number | undefined {
  if (/^\d{1,3}$/.test(device)) return Number(device)
  const [, letter] = /^(?:xvd|hd|sd)([a-z])$/.exec(device) ?? []
  return letter === undefined ? undefined : letter.charCodeAt(0) - 'a'.charCodeAt(0)
}

export function freeSlots({ db }: Pool, vm: VmRef): string[] {
  const taken = new Set(db.get('VM', vm).VBDs.map((vbd) => db.get('VBD', vbd).userdevice))
  return Array.from({ length: SLOTS }, (_, slot) => String(slot)).filter((slot) => !taken.has(slot))
}

/** The name of the slot in the guest: xvda, xvdb, … */
const deviceOf = (slot: string): string =>
  Number(slot) < 26 ? `xvd${String.fromCharCode('a'.charCodeAt(0) + Number(slot))}` : `xvd${slot}`

function destroyVbd({ pool: { db } }: Call, vbd: VbdRef): void {
  const { currently_attached } = db.get('VBD', vbd)
  if (currently_attached) failure('OPERATION_NOT_ALLOWED', `VBD '${vbd}' still attached to a running VM`)
  db.remove('VBD', vbd)
}

function plug({ pool }: Call, vbd: VbdRef): void {
  const { db } = pool
  const { VM, userdevice, currently_attached } = db.get('VBD', vbd)
  assertRunning(pool, VM)
  if (currently_attached) failure('DEVICE_ALREADY_ATTACHED', userdevice)
  assertAttachable(pool, vbd)
  db.update('VBD', vbd, attached(userdevice))
}

export const attached = (userdevice: string) =>
  ({ currently_attached: true, device: deviceOf(userdevice), allowed_operations: ['unplug', 'unplug_force'] }) as const
export const detached = { currently_attached: false, device: '', allowed_operations: ['attach', 'plug'] } as const

interface Unplug {
  readonly force: boolean
}

function unplug({ pool }: Call, vbd: VbdRef, { force }: Unplug): void {
  const { db } = pool
  const { VM, userdevice, unpluggable, currently_attached } = db.get('VBD', vbd)
  assertRunning(pool, VM)
  if (!currently_attached) failure('DEVICE_ALREADY_DETACHED', userdevice)
  if (!unpluggable && !force) failure('VBD_NOT_UNPLUGGABLE', vbd)
  db.update('VBD', vbd, detached)
}

function assertRunning({ db }: Pool, vm: VmRef): void {
  const { power_state } = db.get('VM', vm)
  if (power_state !== 'Running') failure('VM_BAD_POWER_STATE', vm, 'running', power_state.toLowerCase())
}

/** A disk has one writer; the control domain may read beside it. */
export function assertAttachable(pool: Pool, vbd: VbdRef): void {
  const { db } = pool
  const { VDI, VM, mode, empty } = db.get('VBD', vbd)
  if (empty) return
  const disk = db.get('VDI', VDI)
  if (UNATTACHABLE.has(disk.type)) failure('VDI_INCOMPATIBLE_TYPE', VDI, disk.type)
  if (disk.sharable) return
  if (mode === 'RO' && db.get('VM', VM).is_control_domain) return
  const others = attachedVbds(pool, VDI).map((each) => db.get('VBD', each))
  const conflicts = others.filter(
    (other) => other.VM !== VM && !db.get('VM', other.VM).is_control_domain && (mode === 'RW' || other.mode === 'RW'),
  )
  if (conflicts.length > 0) failure('VDI_IN_USE', VDI, 'attach')
}

function insert({ pool: { db } }: Call, vbd: VbdRef, vdi: VdiRef): void {
  const { empty, type } = db.get('VBD', vbd)
  if (type !== 'CD') failure('OPERATION_NOT_ALLOWED', `VBD '${vbd}' is no CD drive`)
  if (!empty) failure('OPERATION_NOT_ALLOWED', `VBD '${vbd}' holds a medium`)
  db.get('VDI', vdi)
  db.update('VBD', vbd, { VDI: vdi, empty: false })
}

function eject({ pool: { db } }: Call, vbd: VbdRef): void {
  const { empty, type } = db.get('VBD', vbd)
  if (type !== 'CD') failure('OPERATION_NOT_ALLOWED', `VBD '${vbd}' is no CD drive`)
  if (empty) failure('VBD_IS_EMPTY', vbd)
  db.update('VBD', vbd, { VDI: NULL_REF as VdiRef, empty: true })
}

function setMode({ pool: { db } }: Call, vbd: VbdRef, mode: VbdMode): void {
  const { type, currently_attached, userdevice } = db.get('VBD', vbd)
  if (currently_attached) failure('DEVICE_ALREADY_ATTACHED', userdevice)
  if (type === 'CD' && mode === 'RW') failure('VBD_CDS_MUST_BE_READONLY')
  db.update('VBD', vbd, { mode })
}
