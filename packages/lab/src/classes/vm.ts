import type { VmConstructor, VmOperations, VmPowerState, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Draft } from '../database/database.ts'
import type { Fields } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { possibleHosts } from './placement.ts'
import { freeSlots } from './vbd.ts'
import { freeVifSlots } from './vif.ts'

export const vmHandlers: Handlers = {
  'VM.create': ({ pool }, given: VmConstructor) => createVm(pool, given),
  'VM.destroy': destroyVm,
  'VM.get_allowed_VBD_devices': ({ pool }, vm: VmRef) => freeSlots(pool, vm),
  'VM.get_allowed_VIF_devices': ({ pool }, vm: VmRef) => freeVifSlots(pool, vm),
  'VM.get_possible_hosts': ({ pool }, vm: VmRef) => possibleHosts(pool, vm),
  'VM.update_allowed_operations': ({ pool: { db } }, vm: VmRef) => {
    db.update('VM', vm, { allowed_operations: allowedVmOperations(db.get('VM', vm)) })
  },
  'VM.assert_operation_valid': ({ pool }, vm: VmRef, operation: VmOperations) => {
    assertNotBlocked(pool, vm, operation)
  },
  'VM.set_is_a_template': setIsATemplate,
  'VM.set_memory_limits': setMemory,
  'VM.set_memory': (call, vm: VmRef, bytes: number) => setMemory(call, vm, bytes, bytes, bytes, bytes),
}

/** Makes a VM with what belongs to it. Only members that the constructor knows are taken from `given`. */
export function createVm(pool: Pool, given: VmConstructor): VmRef {
  return pool.db.change((draft) =>
    insertVm(pool, draft, {
      ...given,
      power_state: given.power_state === 'Suspended' ? 'Suspended' : 'Halted',
      allowed_operations: allowedVmOperations({
        power_state: 'Halted',
        is_a_template: given.is_a_template,
        is_a_snapshot: false,
      }),
    }),
  )
}

/** A VM record with its metrics. */
export function insertVm({ options: { random, clock } }: Pool, draft: Draft, fields: Fields<'VM'>): VmRef {
  const metrics = draft.insert('VM_metrics', {
    memory_actual: fields.memory_static_max ?? 0,
    VCPUs_number: fields.VCPUs_max ?? 1,
    install_time: clock.now(),
    last_updated: clock.now(),
  })
  return draft.insert('VM', {
    domid: -1,
    domarch: '',
    ...fields,
    metrics,
    other_config: { mac_seed: random.uuid(), ...fields.other_config },
  })
}

/** What may be done to a VM in its state; a client asks before it offers it. */
export function allowedVmOperations({
  power_state,
  is_a_template,
  is_a_snapshot,
}: {
  readonly power_state: VmPowerState
  readonly is_a_template: boolean
  readonly is_a_snapshot: boolean
}): readonly VmOperations[] {
  const always: VmOperations[] = ['snapshot', 'metadata_export', 'update_allowed_operations']
  if (is_a_snapshot) return ['clone', 'copy', 'revert', 'destroy', 'export', ...always]
  if (power_state === 'Running')
    return ['clean_shutdown', 'hard_shutdown', 'clean_reboot', 'hard_reboot', 'pause', ...always]
  if (power_state === 'Paused') return ['unpause', 'hard_shutdown', ...always]
  const halted: VmOperations[] = [
    'clone',
    'copy',
    'destroy',
    'export',
    'make_into_template',
    'changing_VCPUs',
    ...always,
  ]
  return is_a_template ? halted : ['start', 'start_on', ...halted]
}

/** @throws XenApiError OPERATION_BLOCKED when somebody forbade the operation */
export function assertNotBlocked({ db }: Pool, vm: VmRef, operation: VmOperations): void {
  const code = db.get('VM', vm).blocked_operations[operation]
  if (code !== undefined) failure('OPERATION_BLOCKED', vm, code)
}

/** Removes the VM with its VBDs, VIFs and metrics; its disks stay. */
function destroyVm({ pool }: Call, vm: VmRef): void {
  assertNotBlocked(pool, vm, 'destroy')
  const { power_state, is_default_template, is_control_domain } = pool.db.get('VM', vm)
  if (is_default_template) failure('VM_CANNOT_DELETE_DEFAULT_TEMPLATE', vm)
  if (is_control_domain) failure('OPERATION_NOT_ALLOWED', 'a control domain is not destroyed')
  if (power_state !== 'Halted' && power_state !== 'Suspended') {
    failure('VM_BAD_POWER_STATE', vm, 'halted', power_state.toLowerCase())
  }
  pool.db.change((draft) => removeVm(pool, draft, vm))
}

/** Takes a VM out of the database with all that has no sense without it. Its children are joined to its parent. */
export function removeVm({ db }: Pool, draft: Draft, vm: VmRef): void {
  const { VBDs, VIFs, VTPMs, metrics, guest_metrics, children, parent } = db.get('VM', vm)
  for (const vbd of VBDs) draft.remove('VBD', vbd)
  for (const vif of VIFs) draft.remove('VIF', vif)
  for (const vtpm of VTPMs) draft.remove('VTPM', vtpm)
  if (metrics !== NULL_REF) draft.remove('VM_metrics', metrics)
  if (guest_metrics !== NULL_REF) draft.remove('VM_guest_metrics', guest_metrics)
  for (const child of children) draft.update('VM', child, { parent })
  draft.remove('VM', vm)
}

/** A VM becomes a template when it is halted only; what may be done to it is another then. */
function setIsATemplate({ pool }: Call, vm: VmRef, is_a_template: boolean): void {
  if (is_a_template) assertNotBlocked(pool, vm, 'make_into_template')
  const record = pool.db.get('VM', vm)
  const { power_state } = record
  if (is_a_template && power_state !== 'Halted') {
    failure('VM_BAD_POWER_STATE', vm, 'halted', power_state.toLowerCase())
  }
  pool.db.update('VM', vm, {
    is_a_template,
    allowed_operations: allowedVmOperations({ ...record, is_a_template }),
  })
}

function setMemory({ pool }: Call, vm: VmRef, staticMin: number, staticMax: number, min: number, max: number): void {
  pool.db.update('VM', vm, {
    memory_static_min: staticMin,
    memory_static_max: staticMax,
    memory_dynamic_min: min,
    memory_dynamic_max: max,
  })
}
