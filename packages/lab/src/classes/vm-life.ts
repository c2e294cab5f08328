import type { VmGuestMetricsRef, VmOperations, VmPowerState, VmRecord, VmRef, HostRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import { assertCanRunOn, hostFor } from './placement.ts'
import { assertAttachable, attached, detached } from './vbd.ts'
import { allowedVmOperations, assertNotBlocked } from './vm.ts'

/** Power: no guest really runs, but disks are attached and states go their way. */
export const vmLifeHandlers: Handlers = {
  'VM.start': (call, vm: VmRef, paused: boolean) => start(call, vm, paused),
  'VM.start_on': (call, vm: VmRef, host: HostRef, paused: boolean) => start(call, vm, paused, host),
  'VM.clean_shutdown': (call, vm: VmRef) => stop(call, vm, 'clean_shutdown', ['Running']),
  'VM.shutdown': (call, vm: VmRef) => stop(call, vm, 'shutdown', ['Running', 'Paused']),
  'VM.hard_shutdown': (call, vm: VmRef) => stop(call, vm, 'hard_shutdown', ['Running', 'Paused', 'Suspended']),
  'VM.power_state_reset': (call, vm: VmRef) => stop(call, vm, 'power_state_reset', ['Running', 'Paused', 'Suspended']),
  'VM.clean_reboot': (call, vm: VmRef) => reboot(call, vm, 'clean_reboot'),
  'VM.hard_reboot': (call, vm: VmRef) => reboot(call, vm, 'hard_reboot'),
  'VM.pause': (call, vm: VmRef) => become(call, vm, { operation: 'pause', from: ['Running'], to: 'Paused' }),
  'VM.unpause': (call, vm: VmRef) => become(call, vm, { operation: 'unpause', from: ['Paused'], to: 'Running' }),
}

function start({ pool }: Call, vm: VmRef, paused: boolean, host?: HostRef): void {
  const record = ready(pool, vm, 'start', ['Halted'])
  if (record.is_a_snapshot) failure('VM_IS_SNAPSHOT', vm, 'start')
  if (record.is_a_template) failure('VM_IS_TEMPLATE', vm, 'start')
  for (const vbd of record.VBDs) assertAttachable(pool, vbd)
  if (host !== undefined) assertCanRunOn(pool, vm, host)
  startVm(pool, vm, paused ? 'Paused' : 'Running', host)
}

/** Attaches the disks and cards of a VM, and lets its guest report. */
export function startVm(
  pool: Pool,
  vm: VmRef,
  power_state: 'Running' | 'Paused',
  host: HostRef = hostFor(pool, vm),
): void {
  const { db, options } = pool
  const { VBDs, VIFs, metrics, is_a_template, is_a_snapshot } = db.get('VM', vm)
  const now = options.clock.now()
  db.change((draft) => {
    for (const vbd of VBDs) {
      const { empty, userdevice } = db.get('VBD', vbd)
      if (!empty) draft.update('VBD', vbd, attached(userdevice))
    }
    for (const vif of VIFs) draft.update('VIF', vif, { currently_attached: true, allowed_operations: ['unplug'] })
    if (metrics !== NULL_REF) draft.update('VM_metrics', metrics, { start_time: now, last_updated: now })
    const guest_metrics = draft.insert('VM_guest_metrics', {
      PV_drivers_detected: true,
      PV_drivers_up_to_date: true,
      PV_drivers_version: { major: '8', minor: '4', micro: '0', build: '1' },
      os_version: { name: 'Tidemark lab guest', distro: 'lab', major: '1', minor: '0' },
      live: true,
      last_updated: now,
    })
    draft.update('VM', vm, {
      power_state,
      guest_metrics,
      resident_on: host,
      domid: 1 + Math.max(0, ...db.all('VM').map(([, { domid }]) => domid)),
      allowed_operations: allowedVmOperations({
        power_state,
        is_a_template,
        is_a_snapshot,
      }),
    })
  })
}

function stop({ pool }: Call, vm: VmRef, operation: VmOperations, from: readonly VmPowerState[]): void {
  ready(pool, vm, operation, from)
  stopVm(pool, vm)
}

/** Halts a VM, whatever its state. */
export function stopVm({ db }: Pool, vm: VmRef): void {
  const { VBDs, VIFs, guest_metrics, is_a_template, is_a_snapshot } = db.get('VM', vm)
  const power_state = 'Halted'
  db.change((draft) => {
    for (const vbd of VBDs) draft.update('VBD', vbd, detached)
    for (const vif of VIFs) draft.update('VIF', vif, { currently_attached: false, allowed_operations: ['attach'] })
    if (guest_metrics !== NULL_REF) draft.remove('VM_guest_metrics', guest_metrics)
    draft.update('VM', vm, {
      power_state,
      domid: -1,
      guest_metrics: NULL_REF as VmGuestMetricsRef,
      resident_on: NULL_REF as HostRef,
      allowed_operations: allowedVmOperations({ power_state, is_a_template, is_a_snapshot }),
    })
  })
}

function reboot({ pool }: Call, vm: VmRef, operation: VmOperations): void {
  const { VBDs } = ready(pool, vm, operation, ['Running'])
  const { db } = pool
  const unplugged = VBDs.filter((vbd) => !db.get('VBD', vbd).currently_attached)
  stopVm(pool, vm)
  startVm(pool, vm, 'Running')
  // a disk that was not attached may be another VM's by now
  db.change((draft) => {
    for (const vbd of unplugged) draft.update('VBD', vbd, detached)
  })
}

interface Transition {
  readonly operation: VmOperations
  readonly from: readonly VmPowerState[]
  readonly to: VmPowerState
}

function become({ pool }: Call, vm: VmRef, { operation, from, to }: Transition): void {
  const record = ready(pool, vm, operation, from)
  pool.db.update('VM', vm, {
    power_state: to,
    allowed_operations: allowedVmOperations({ ...record, power_state: to }),
  })
}

function ready(pool: Pool, vm: VmRef, operation: VmOperations, from: readonly VmPowerState[]): VmRecord {
  assertNotBlocked(pool, vm, operation)
  const record = pool.db.get('VM', vm)
  if (record.is_control_domain) failure('OPERATION_NOT_ALLOWED', `${operation} of a control domain`)
  if (!from.includes(record.power_state)) {
    const expected = from.map((state) => state.toLowerCase()).join(', ')
    failure('VM_BAD_POWER_STATE', vm, expected, record.power_state.toLowerCase())
  }
  return record
}
