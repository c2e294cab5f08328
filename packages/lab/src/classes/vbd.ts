import type {
  VbdConstructor,
  VbdMode,
  VbdOperations,
  VbdRef,
  VdiRef,
  VdiType,
  VmOperations,
  VmRef,
} from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure, refuse, type Refusal } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import { vbdRefusal } from './vbd-operation.ts'

export const vbdHandlers: Handlers = {
  'VBD.create': createVbd,
  'VBD.destroy': destroyVbd,
  'VBD.plug': plug,
  'VBD.unplug': (call, vbd: VbdRef) => unplug(call, vbd, 'unplug'),
  'VBD.unplug_force': (call, vbd: VbdRef) => unplug(call, vbd, 'unplug_force'),
  'VBD.insert': insert,
  'VBD.eject': eject,
  'VBD.set_mode': setMode,
  'VBD.assert_attachable': ({ pool }, vbd: VbdRef) => assertAttachable(pool, vbd),
}

/** Slots of one VM. xapi offers 255 to HVM guests. */
const SLOTS = 255

const UNATTACHABLE: ReadonlySet<VdiType> = new Set(['cbt_metadata', 'ha_statefile', 'redo_log'])
const MIGRATING: ReadonlySet<VmOperations> = new Set(['migrate_send', 'pool_migrate'])

export function createVbd({ pool }: Call, given: VbdConstructor): VbdRef {
  const { db } = pool
  const { VM, VDI, mode, type, empty } = given
  const { power_state, current_operations } = db.get('VM', VM)
  if (!empty) assertAttachableType(db.get('VDI', VDI).type, VDI)
  if (type === 'CD' && mode !== 'RO') failure('VBD_CDS_MUST_BE_READONLY')
  if (type !== 'CD' && empty) failure('VBD_NOT_REMOVABLE_MEDIA', 'in constructor')
  if (!empty && mode === 'RW' && db.get('VDI', VDI).read_only) failure('VDI_READONLY', VDI)
  const moving = Object.entries(current_operations).find(([, each]) => MIGRATING.has(each))
  if (moving !== undefined) failure('OTHER_OPERATION_IN_PROGRESS', 'VM', VM, moving[1], moving[0])
  const userdevice = slotFor(pool, VM, given.userdevice)
  const suspended = power_state === 'Suspended'
  return db.insert('VBD', {
    ...given,
    VDI: empty ? (NULL_REF as VdiRef) : VDI,
    userdevice,
    // only a suspended VM, as an import makes it, has devices of before
    device: suspended ? (given.device ?? '') : '',
    currently_attached: suspended && given.currently_attached === true,
    unpluggable: given.unpluggable ?? true,
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
  const { currently_attached, VM, current_operations } = db.get('VBD', vbd)
  const [moving] = Object.entries(current_operations)
  if (moving !== undefined) failure('OTHER_OPERATION_IN_PROGRESS', 'VBD', vbd, moving[1], moving[0])
  // the drives of a suspended VM are attached in name only
  if (currently_attached && db.get('VM', VM).power_state !== 'Suspended') {
    failure('OPERATION_NOT_ALLOWED', `VBD '${vbd}' still attached to '${db.get('VM', VM).uuid}'`)
  }
  db.remove('VBD', vbd)
}

/** Runs an operation on a drive, noted in its current_operations while it runs. */
function operateOnVbd(call: Call, vbd: VbdRef, operation: VbdOperations, work: () => void): Promise<void> {
  const { db, operations } = call.pool
  const noted = { class: 'VBD', ref: vbd, operation, refusal: () => vbdRefusal(db, vbd, operation) } as const
  return operations.during(call, [noted], async () => work())
}

function plug(call: Call, vbd: VbdRef): Promise<void> {
  return operateOnVbd(call, vbd, 'plug', () => {
    const { db } = call.pool
    const { userdevice, type, mode, empty, VM } = db.get('VBD', vbd)
    if (empty) failure('VBD_IS_EMPTY', vbd)
    if (type === 'Disk' && mode === 'RO' && !db.get('VM', VM).is_control_domain) {
      failure('DISK_VBD_MUST_BE_READWRITE_FOR_HVM', vbd)
    }
    db.update('VBD', vbd, attached(userdevice))
  })
}

export const attached = (userdevice: string) => ({ currently_attached: true, device: deviceOf(userdevice) }) as const
export const detached = { currently_attached: false, device: '' } as const

function unplug(call: Call, vbd: VbdRef, operation: 'unplug' | 'unplug_force'): Promise<void> {
  return operateOnVbd(call, vbd, operation, () => call.pool.db.update('VBD', vbd, detached))
}

/** A disk has one writer; the control domain may read beside it. */
export function assertAttachable({ db }: Pool, vbd: VbdRef): void {
  refuse(attachRefusal(db, vbd))
}

/** Why a drive cannot be attached now. */
export function attachRefusal(db: Pool['db'], vbd: VbdRef): Refusal | undefined {
  const { VDI, empty } = db.get('VBD', vbd)
  const { type } = empty ? { type: undefined } : db.get('VDI', VDI)
  if (type !== undefined && UNATTACHABLE.has(type)) return ['VDI_INCOMPATIBLE_TYPE', VDI, type]
  return vbdRefusal(db, vbd, 'attach')
}

function assertAttachableType(type: VdiType, vdi: VdiRef): void {
  if (UNATTACHABLE.has(type)) failure('VDI_INCOMPATIBLE_TYPE', vdi, type)
}

/** The medium of a running VM is there at once. */
function insert(call: Call, vbd: VbdRef, vdi: VdiRef): Promise<void> {
  return operateOnVbd(call, vbd, 'insert', () => {
    const { db } = call.pool
    const { managed, type } = db.get('VDI', vdi)
    if (!managed) failure('VDI_NOT_MANAGED', vdi)
    assertAttachableType(type, vdi)
    const { VM, userdevice } = db.get('VBD', vbd)
    const runs = db.get('VM', VM).power_state === 'Running'
    db.update('VBD', vbd, { VDI: vdi, empty: false, ...(runs ? attached(userdevice) : {}) })
  })
}

function eject(call: Call, vbd: VbdRef): Promise<void> {
  return operateOnVbd(call, vbd, 'eject', () =>
    call.pool.db.update('VBD', vbd, { VDI: NULL_REF as VdiRef, empty: true, ...detached }),
  )
}

function setMode({ pool: { db } }: Call, vbd: VbdRef, mode: VbdMode): void {
  const { type, VM } = db.get('VBD', vbd)
  const { power_state } = db.get('VM', VM)
  if (power_state !== 'Halted') failure('VM_BAD_POWER_STATE', VM, 'halted', power_state.toLowerCase())
  if (type === 'CD' && mode === 'RW') failure('VBD_CDS_MUST_BE_READONLY')
  db.update('VBD', vbd, { mode })
}
