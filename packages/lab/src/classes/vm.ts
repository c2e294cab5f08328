import type {
  SrRef,
  VdiRef,
  VmApplianceRef,
  VmConstructor,
  VmGuestMetricsRef,
  VmMetricsRef,
  VmOperations,
  VmppRef,
  VmRef,
  VmssRef,
} from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure, refuse } from '../calls/failure.ts'
import type { Draft } from '../database/database.ts'
import type { Fields } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { possibleHosts } from './placement.ts'
import { freeSlots } from './vbd.ts'
import { freeVifSlots } from './vif.ts'
import { isDefaultTemplate, operateOnVm, vmRefusal } from './vm-operation.ts'

export const vmHandlers: Handlers = {
  'VM.create': ({ pool }, given: VmConstructor) => createVm(pool, given),
  'VM.destroy': (call, vm: VmRef) => operateOnVm(call, vm, 'destroy', () => destroyVm(call.pool, vm)),
  'VM.get_allowed_VBD_devices': ({ pool }, vm: VmRef) => freeSlots(pool, vm),
  'VM.get_allowed_VIF_devices': ({ pool }, vm: VmRef) => freeVifSlots(pool, vm),
  'VM.get_possible_hosts': ({ pool }, vm: VmRef) => possibleHosts(pool, vm),
  'VM.update_allowed_operations': ({ pool: { db } }, vm: VmRef) => {
    db.get('VM', vm)
  },
  'VM.assert_operation_valid': ({ pool: { db } }, vm: VmRef, operation: VmOperations) => {
    refuse(vmRefusal(db, vm, operation))
  },
  'VM.set_is_a_template': setIsTemplate,
  'VM.set_is_default_template': setIsDefaultTemplate,
}

/** Makes a VM with what belongs to it. Only members that the constructor knows are taken from `given`. */
export function createVm(pool: Pool, given: VmConstructor): VmRef {
  const { db } = pool
  const suspended = given.power_state === 'Suspended'
  if (suspended) db.get('VDI', given.suspend_VDI ?? (NULL_REF as VdiRef))
  return db.change((draft) =>
    insertVm(pool, draft, {
      ...given,
      power_state: suspended ? 'Suspended' : 'Halted',
      suspend_VDI: suspended ? given.suspend_VDI : (NULL_REF as VdiRef),
      suspend_SR: (given.suspend_SR ?? NULL_REF) as SrRef,
      // what a pool without these classes cannot have
      blocked_operations: {},
      protection_policy: NULL_REF as VmppRef,
      snapshot_schedule: NULL_REF as VmssRef,
      appliance: NULL_REF as VmApplianceRef,
    }),
  )
}

/** A VM record with its metrics, new ones where `fields` has none. */
export function insertVm(
  { options: { random, clock } }: Pick<Pool, 'options'>,
  draft: Draft,
  fields: Fields<'VM'>,
): VmRef {
  const now = clock.now()
  const fresh = {
    memory_actual: fields.memory_static_max ?? 0,
    VCPUs_number: fields.VCPUs_max ?? 1,
    install_time: now,
    last_updated: now,
  }
  return draft.insert('VM', {
    domid: -1,
    domarch: '',
    ...fields,
    metrics: fields.metrics ?? draft.insert('VM_metrics', fresh),
    other_config: { mac_seed: random.uuid(), ...fields.other_config },
  })
}

/** Removes the VM with its drives, cards and metrics; its disks stay. */
function destroyVm(pool: Pool, vm: VmRef): void {
  if (isDefaultTemplate(pool.db.get('VM', vm))) failure('VM_CANNOT_DELETE_DEFAULT_TEMPLATE')
  pool.db.change((draft) => removeVm(pool, draft, vm))
}

/** Takes a VM out of the database with all that has no sense without it. Its children are joined to its parent. */
export function removeVm({ db }: Pool, draft: Draft, vm: VmRef): void {
  const { VBDs, VIFs, VTPMs, children, parent } = db.get('VM', vm)
  for (const vbd of VBDs) draft.remove('VBD', vbd)
  for (const vif of VIFs) draft.remove('VIF', vif)
  for (const vtpm of VTPMs) draft.remove('VTPM', vtpm)
  removeMetrics(db, draft, vm)
  for (const child of children) draft.update('VM', child, { parent })
  draft.remove('VM', vm)
}

/** Removes what is measured of a VM, and what its guest reports. */
export function removeMetrics(db: Pool['db'], draft: Draft, vm: VmRef): void {
  const { metrics, guest_metrics } = db.get('VM', vm)
  if (db.find('VM_metrics', metrics) !== undefined) draft.remove('VM_metrics', metrics)
  if (db.find('VM_guest_metrics', guest_metrics) !== undefined) draft.remove('VM_guest_metrics', guest_metrics)
}

/** Copies of what is measured of another VM, and of what its guest reported: VMs never share them. */
export const copyMetrics = (db: Pool['db'], draft: Draft, vm: VmRef) =>
  ({ metrics: copyMeasured(db, draft, vm), guest_metrics: copyReported(db, draft, vm) }) as const

export function copyMeasured(db: Pool['db'], draft: Draft, vm: VmRef): VmMetricsRef {
  return draft.insert('VM_metrics', { ...db.find('VM_metrics', db.get('VM', vm).metrics), uuid: '' })
}

function copyReported(db: Pool['db'], draft: Draft, vm: VmRef): VmGuestMetricsRef {
  const reported = db.find('VM_guest_metrics', db.get('VM', vm).guest_metrics)
  return reported === undefined
    ? (NULL_REF as VmGuestMetricsRef)
    : draft.insert('VM_guest_metrics', { ...reported, uuid: '' })
}

/** A VM becomes a template only when it could be started; a template becomes a VM whenever somebody says so. */
export async function setIsTemplate(call: Call, vm: VmRef, is_a_template: boolean): Promise<void> {
  const { db, options } = call.pool
  if (is_a_template) {
    await operateOnVm(call, vm, 'make_into_template', () =>
      db.update('VM', vm, { is_a_template, ha_always_run: false }),
    )
    return
  }
  const { metrics } = db.get('VM', vm)
  db.change((draft) => {
    draft.update('VM', vm, { is_a_template })
    if (db.find('VM_metrics', metrics) !== undefined) {
      draft.update('VM_metrics', metrics, { install_time: options.clock.now() })
    }
  })
}

async function setIsDefaultTemplate(call: Call, vm: VmRef, is_default_template: boolean): Promise<void> {
  const { db } = call.pool
  if (is_default_template && !db.get('VM', vm).is_a_template) await setIsTemplate(call, vm, true)
  const { other_config } = db.get('VM', vm)
  db.update('VM', vm, {
    is_default_template,
    other_config: { ...other_config, default_template: String(is_default_template) },
  })
}
