import type { HostRef, VdiRef, VmGuestMetricsRef, VmOperations, VmPowerState, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import type { Draft } from '../database/database.ts'
import { assertCanRunOn, hostFor } from './placement.ts'
import { assertAttachable, attached, detached } from './vbd.ts'
import { destroyVdi } from './vdi.ts'
import { operateOnVm } from './vm-operation.ts'

/**
 * Power. Without machines no guest really runs, but disks are attached and states go their way; with them a guest does what it
 * likes, and the states follow.
 */
export const vmLifeHandlers: Handlers = {
  'VM.start': (call, vm: VmRef, paused: boolean) => start(call, vm, { operation: 'start', paused }),
  'VM.start_on': (call, vm: VmRef, host: HostRef, paused: boolean) =>
    start(call, vm, { operation: 'start_on', paused, host }),
  'VM.clean_shutdown': (call, vm: VmRef) => stop(call, vm, 'clean_shutdown'),
  'VM.shutdown': (call, vm: VmRef) => stop(call, vm, 'shutdown'),
  'VM.hard_shutdown': (call, vm: VmRef) => stop(call, vm, 'hard_shutdown'),
  'VM.power_state_reset': resetPowerState,
  'VM.clean_reboot': (call, vm: VmRef) => reboot(call, vm, 'clean_reboot'),
  'VM.hard_reboot': (call, vm: VmRef) => reboot(call, vm, 'hard_reboot'),
  'VM.pause': (call, vm: VmRef) => become(call, vm, { operation: 'pause', to: 'Paused' }),
  'VM.unpause': (call, vm: VmRef) => become(call, vm, { operation: 'unpause', to: 'Running' }),
}

interface Start {
  readonly operation: 'start' | 'start_on'
  readonly paused: boolean
  readonly host?: HostRef
}

async function start(call: Call, vm: VmRef, { operation, paused, host }: Start): Promise<void> {
  const { pool } = call
  if (host !== undefined) pool.db.get('host', host)
  await operateOnVm(call, vm, operation, async () => {
    assertDisksAttachable(pool, vm)
    if (host !== undefined) assertCanRunOn(pool, vm, host)
    await startVm(pool, vm, paused ? 'Paused' : 'Running', host)
  })
}

function assertDisksAttachable(pool: Pool, vm: VmRef): void {
  for (const vbd of pool.db.get('VM', vm).VBDs) assertAttachable(pool, vbd)
}

/** Attaches the disks and cards of a VM, and lets its guest run, or at least report. */
export async function startVm(
  pool: Pool,
  vm: VmRef,
  power_state: 'Running' | 'Paused',
  host: HostRef = hostFor(pool, vm),
): Promise<void> {
  await pool.machines?.create(vm)
  attachAll(pool, vm, power_state, host)
  if (power_state === 'Running') await pool.machines?.run(vm)
}

function attachAll(pool: Pool, vm: VmRef, power_state: 'Running' | 'Paused', host: HostRef): void {
  const { db, options } = pool
  const { metrics, VBDs, VIFs } = db.get('VM', vm)
  const now = options.clock.now()
  db.change((draft) => {
    if (db.find('VM_metrics', metrics) !== undefined) {
      draft.update('VM_metrics', metrics, { start_time: now, last_updated: now })
    }
    for (const vbd of VBDs) {
      const { empty, userdevice } = db.get('VBD', vbd)
      if (!empty) draft.update('VBD', vbd, attached(userdevice))
    }
    for (const vif of VIFs) draft.update('VIF', vif, { currently_attached: true })
    bringUp(pool, draft, vm, { power_state, host })
  })
}

/** Puts a VM on a host: by a start, or out of its suspend image. */
export function bringUp(
  pool: Pool,
  draft: Draft,
  vm: VmRef,
  { power_state, host }: { readonly power_state: 'Running' | 'Paused'; readonly host: HostRef },
): void {
  const { db, options } = pool
  const { guest_metrics: before } = db.get('VM', vm)
  if (db.find('VM_guest_metrics', before) !== undefined) draft.remove('VM_guest_metrics', before)
  const guest_metrics = pool.machines === undefined ? imagined(draft, options.clock.now()) : UNKNOWN
  draft.update('VM', vm, {
    power_state,
    guest_metrics,
    resident_on: host,
    domid: 1 + Math.max(0, ...db.all('VM').map(([, { domid }]) => domid)),
  })
}

/** A guest that really runs has not reported yet. */
const UNKNOWN = NULL_REF as VmGuestMetricsRef

/** What a guest would report. */
const imagined = (draft: Draft, now: Date): VmGuestMetricsRef =>
  draft.insert('VM_guest_metrics', {
    PV_drivers_detected: true,
    PV_drivers_up_to_date: true,
    PV_drivers_version: { major: '8', minor: '4', micro: '0', build: '1' },
    os_version: { name: 'Tidemark lab guest', distro: 'lab', major: '1', minor: '0' },
    live: true,
    last_updated: now,
  })

type Stop = 'clean_shutdown' | 'shutdown' | 'hard_shutdown' | 'power_state_reset'

async function stop(call: Call, vm: VmRef, operation: Stop): Promise<void> {
  await operateOnVm(call, vm, operation, async () => {
    const isAsked = operation === 'clean_shutdown' || operation === 'shutdown'
    if (isAsked) await askToStop(call, vm, operation)
    await haltVm(call.pool, vm)
    await dropSuspendImage(call, vm)
  })
}

/** `shutdown` takes the power away when the guest does not go by itself. */
async function askToStop({ pool, signal }: Call, vm: VmRef, operation: Stop): Promise<void> {
  if (pool.machines === undefined || pool.db.get('VM', vm).power_state !== 'Running') return
  try {
    await pool.machines.powerOff(vm, signal)
  } catch (error) {
    if (operation === 'clean_shutdown' || signal.aborted) throw error
  }
}

/** The memory of a suspended VM is given up with its power. */
async function dropSuspendImage(call: Call, vm: VmRef): Promise<void> {
  const { db } = call.pool
  const { suspend_VDI } = db.get('VM', vm)
  if (suspend_VDI === NULL_REF) return
  db.update('VM', vm, { suspend_VDI: NULL_REF as VdiRef })
  if (db.find('VDI', suspend_VDI) !== undefined) await destroyVdi({ ...call, signal: call.pool.closing }, suspend_VDI)
}

async function resetPowerState(call: Call, vm: VmRef): Promise<void> {
  if (call.pool.db.get('VM', vm).is_control_domain) failure('CANNOT_RESET_CONTROL_DOMAIN', vm)
  await stop(call, vm, 'power_state_reset')
}

/** Takes a VM's power away, whatever its state. */
export async function haltVm(pool: Pool, vm: VmRef): Promise<void> {
  await pool.machines?.kill(vm)
  if (pool.db.find('VM', vm) !== undefined) stopVm(pool, vm)
}

/** A guest has switched its machine off, or the machine died. */
export function guestHasStopped(pool: Pool, vm: VmRef): void {
  const { power_state } = pool.db.find('VM', vm) ?? {}
  if (!pool.closing.aborted && (power_state === 'Running' || power_state === 'Paused')) stopVm(pool, vm)
}

/** Says of a VM that has no machine that it is halted. */
export function stopVm({ db }: Pool, vm: VmRef): void {
  db.change((draft) => {
    const { VBDs, VIFs } = db.get('VM', vm)
    for (const vbd of VBDs) draft.update('VBD', vbd, detached)
    for (const vif of VIFs) draft.update('VIF', vif, { currently_attached: false })
    draft.update('VM', vm, { power_state: 'Halted', ...leaveHost(db, draft, vm) })
  })
}

/** What a VM has only while it is on a host. */
export function leaveHost(db: Pool['db'], draft: Draft, vm: VmRef) {
  const { guest_metrics } = db.get('VM', vm)
  if (db.find('VM_guest_metrics', guest_metrics) !== undefined) draft.remove('VM_guest_metrics', guest_metrics)
  return {
    domid: -1,
    guest_metrics: NULL_REF as VmGuestMetricsRef,
    resident_on: NULL_REF as HostRef,
    scheduled_to_be_resident_on: NULL_REF as HostRef,
  }
}

/** Devices stay as they are: a disk that was unplugged may be another VM's by now. */
async function reboot(call: Call, vm: VmRef, operation: 'clean_reboot' | 'hard_reboot'): Promise<void> {
  const { pool, signal } = call
  await operateOnVm(call, vm, operation, async () => {
    if (operation === 'clean_reboot') {
      await pool.machines?.powerOff(vm, signal)
      await pool.machines?.create(vm)
    }
    pool.db.change((draft) =>
      bringUp(pool, draft, vm, { power_state: 'Running', host: pool.db.get('VM', vm).resident_on }),
    )
    if (operation === 'hard_reboot') await pool.machines?.reset(vm)
    await pool.machines?.run(vm)
  })
}

interface Transition {
  readonly operation: VmOperations
  readonly to: VmPowerState
}

async function become(call: Call, vm: VmRef, { operation, to }: Transition): Promise<void> {
  const { db, machines } = call.pool
  await operateOnVm(call, vm, operation, async () => {
    await (to === 'Paused' ? machines?.pause(vm) : machines?.run(vm))
    db.update('VM', vm, { power_state: to })
  })
}
