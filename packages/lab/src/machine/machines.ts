import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { VmGuestMetricsRef, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import { failure } from '../calls/failure.ts'
import { guestHasStopped } from '../classes/vm-life.ts'
import { LabError } from '../error.ts'
import type { Pool } from '../pool.ts'
import { guestMetrics, sharedData, takeLine } from './agent.ts'
import type { MachineSettings } from './command-line.ts'
import { assertEmulator, startMachine, type Machine } from './machine.ts'

/** The machines of a pool whose VMs really run. */
export interface Machines extends AsyncDisposable {
  /** Makes the machine of a VM, which stands still until `run`. @throws XenApiError INTERNAL_ERROR */
  create(vm: VmRef): Promise<void>
  run(vm: VmRef): Promise<void>
  pause(vm: VmRef): Promise<void>
  /** Presses the power button and waits until the machine is off. @throws XenApiError VM_SHUTDOWN_TIMEOUT; the signal's reason */
  powerOff(vm: VmRef, signal: AbortSignal): Promise<void>
  reset(vm: VmRef): Promise<void>
  /** Takes the power away; nothing where no machine runs. */
  kill(vm: VmRef): Promise<void>
  /** What the VM's guest wrote on its first serial line since it was made. */
  consoleLog(vm: VmRef): string
}

interface Running {
  readonly machine: Machine
  /** A call ends it and says so itself: the end is no news. */
  isExpected: boolean
}

/** A guest that switches its machine off halts its VM, as does a machine that dies. */
export async function openMachines(directory: string, pool: () => Pool): Promise<Machines> {
  await assertEmulator()
  const running = new Map<VmRef, Running>()
  const logs = join(directory, 'consoles')
  await mkdir(logs, { recursive: true })
  const logOf = (vm: VmRef): string => join(logs, `${pool().db.get('VM', vm).uuid}.log`)
  const theMachine = (vm: VmRef): Machine =>
    running.get(vm)?.machine ?? failure('INTERNAL_ERROR', 'the VM has no machine')

  async function create(vm: VmRef): Promise<void> {
    const report = new Map<string, string>()
    const settings = await settingsOf(pool(), vm, logOf(vm))
    const machine = await startMachine(settings, {
      onLine: (line) => told(pool(), vm, report, line),
      onEvent: (event) => {
        if (event !== 'RESET') return
        report.clear()
        forgetGuest(pool(), vm)
      },
    })
    const entry: Running = { machine, isExpected: false }
    running.set(vm, entry)
    void machine.ended.then(() => {
      if (running.get(vm) === entry) running.delete(vm)
      if (!entry.isExpected) guestHasStopped(pool(), vm)
    })
  }

  async function kill(vm: VmRef): Promise<void> {
    const entry = running.get(vm)
    if (entry === undefined) return
    entry.isExpected = true
    await entry.machine.kill()
  }

  async function powerOff(vm: VmRef, signal: AbortSignal): Promise<void> {
    const entry = running.get(vm)
    if (entry === undefined) return
    const limitMs = pool().options.shutdownTimeoutMs
    entry.isExpected = true
    try {
      await entry.machine.pressPower().catch(() => entry.machine.ended) // refused because it is just ending
      await inTime(entry.machine.ended, limitMs, signal)
    } catch (error) {
      if (running.get(vm) !== entry) return // it ended while it was asked to
      entry.isExpected = false
      if (error instanceof LabError) failure('VM_SHUTDOWN_TIMEOUT', vm, String(limitMs / 1000))
      throw error
    }
  }

  return {
    create,
    run: (vm) => theMachine(vm).run(),
    pause: (vm) => theMachine(vm).pause(),
    powerOff,
    reset: (vm) => theMachine(vm).reset(),
    kill,
    consoleLog: logOf,
    async [Symbol.asyncDispose]() {
      await Promise.all([...running.keys()].map(kill))
    },
  }
}

/** @throws LabError LAB_MACHINE after the limit; the signal's reason */
async function inTime(work: Promise<unknown>, limitMs: number, signal: AbortSignal): Promise<void> {
  const { promise: over, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new LabError('LAB_MACHINE', 'the guest does not switch off')), limitMs)
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

async function settingsOf(pool: Pool, vm: VmRef, consoleLog: string): Promise<MachineSettings> {
  const { db, guests } = pool
  const { uuid, name_label: name, memory_dynamic_max: memory, VCPUs_at_startup, VBDs, VIFs, ...boot } = db.get('VM', vm)
  const drives = VBDs.map((ref) => db.get('VBD', ref)).filter(({ empty }) => !empty)
  const disks = await Promise.all(
    drives.map(async ({ userdevice: slot, VDI, mode, type }) => ({
      slot,
      socket: await guests.socketOf(db.get('VDI', VDI).uuid),
      readOnly: mode === 'RO',
      isCd: type === 'CD',
    })),
  )
  const cards = VIFs.map((ref) => db.get('VIF', ref)).map(({ device: slot, MAC: mac }) => ({ slot, mac }))
  const { PV_kernel: image, PV_ramdisk: ramdisk, PV_args: args } = boot
  return {
    uuid,
    name,
    memory,
    processors: VCPUs_at_startup,
    disks: disks.toSorted(bootOrder(boot.HVM_boot_params['order'] ?? 'cd')),
    cards,
    kernel: image === '' ? undefined : { image, ramdisk, args },
    consoleLog,
  }
}

/** HVM_boot_params.order: c for disks, d for CDs, each by slot. */
const bootOrder =
  (order: string) =>
  (one: { readonly slot: string; readonly isCd: boolean }, other: typeof one): number =>
    rank(order, one.isCd) - rank(order, other.isCd) || Number(one.slot) - Number(other.slot)

const rank = (order: string, isCd: boolean): number => (order.indexOf(isCd ? 'd' : 'c') + order.length) % order.length

/** Takes a line of the agent. As with xenstore, a report counts once `data/updated` is written; `vm-data/` counts at once. */
function told(pool: Pool, vm: VmRef, report: Map<string, string>, line: string): void {
  const path = takeLine(report, line)
  const record = pool.db.find('VM', vm)
  if (path === undefined || record === undefined || record.power_state === 'Halted') return
  if (path.startsWith('vm-data/')) {
    pool.db.update('VM', vm, { xenstore_data: { ...record.xenstore_data, ...sharedData(report) } })
  } else if (path === 'data/updated') tellMetrics(pool, vm, report)
}

function tellMetrics({ db, options }: Pool, vm: VmRef, report: ReadonlyMap<string, string>): void {
  const { guest_metrics } = db.get('VM', vm)
  const fields = { ...guestMetrics(report), last_updated: options.clock.now() }
  db.change((draft) => {
    if (db.find('VM_guest_metrics', guest_metrics) !== undefined)
      draft.update('VM_guest_metrics', guest_metrics, fields)
    else draft.update('VM', vm, { guest_metrics: draft.insert('VM_guest_metrics', fields) })
  })
}

/** A guest that starts anew has said nothing yet. */
function forgetGuest({ db }: Pool, vm: VmRef): void {
  const { guest_metrics } = db.find('VM', vm) ?? {}
  if (guest_metrics === undefined || db.find('VM_guest_metrics', guest_metrics) === undefined) return
  db.change((draft) => {
    draft.remove('VM_guest_metrics', guest_metrics)
    draft.update('VM', vm, { guest_metrics: NULL_REF as VmGuestMetricsRef })
  })
}
