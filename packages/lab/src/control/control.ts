import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { bytes } from '@tidemark/blocks'
import type { HostRef, VbdConstructor, VdiConstructor, VdiRef, VmConstructor } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import { ownCall, type Call } from '../calls/call.ts'
import { derivedFields } from '../classes/derived.ts'
import { handlers } from '../classes/handlers.ts'
import { appointCoordinator } from '../classes/pool.ts'
import { disableCbt } from '../classes/vdi-cbt.ts'
import { createVdi } from '../classes/vdi.ts'
import { startVm } from '../classes/vm-life.ts'
import { createVm } from '../classes/vm.ts'
import { LabError } from '../error.ts'
import { unguarded } from '../faults/storage.ts'
import { crashHosts, expireSessions, loseTracking } from '../faults/world.ts'
import type { Fronts } from '../host/fronts.ts'
import { isZero } from '../http/zero.ts'
import { violations } from '../invariants.ts'
import type { ConnectionLog } from '../nbd/connections.ts'
import type { ReadLog } from '../nbd/reads.ts'
import { thePool, type Pool } from '../pool.ts'
import type { LabControl, LabInfo, MadeDisk, MadeVm, NewDisk, NewVm } from './interface.ts'

/** What the control interface works on. */
export interface ControlSubject {
  readonly pool: Pool
  readonly reads: ReadLog
  readonly connections: ConnectionLog
  readonly info: LabInfo
  readonly fronts: Pick<Fronts, 'start' | 'stop'>
}

export function labControl({ pool, reads, connections, info, fronts }: ControlSubject): LabControl {
  const { db, storage, guests, faults } = pool
  const call = ownCall(pool)
  const vdiOf = (uuid: string): VdiRef => db.byUuid('VDI', uuid)
  const hostOf = (uuid: string): HostRef => db.byUuid('host', uuid)
  return {
    info: async () => info,
    createVm: (vm) => makeVm(call, vm),
    guestSocket: async (uuid) => guests.socketOf(db.get('VDI', vdiOf(uuid)).uuid),
    writeDisk: async (uuid, offset, data) => storage.write(uuid, offset, data),
    readDisk: async (uuid, offset, length) => unguarded(storage).read(uuid, offset, length),
    nbdReads: async (uuid) => reads.list().filter(({ vdi }) => uuid === undefined || vdi === uuid),
    resetNbdReads: async () => reads.clear(),
    nbdConnections: async () => connections.list(),
    resetNbdConnections: async () => connections.clear(),
    consoleLog: async (uuid) => {
      if (pool.machines === undefined)
        throw new LabError('LAB_MACHINE', "guests do not run: start the lab with machines 'qemu'")
      return pool.machines.consoleLog(db.byUuid('VM', uuid))
    },
    sha256: (uuid) => sha256(pool, uuid),
    usedSpace: () => storage.usedSpace(),

    disableCbtBehind: async (uuid) => disableCbt(call, vdiOf(uuid)),
    crashHost: async (uuid) => crashHosts(pool, uuid === undefined ? undefined : hostOf(uuid)),
    stopHost: async (uuid) => {
      await fronts.stop(hostOf(uuid))
      setLive(pool, hostOf(uuid), false)
    },
    startHost: async (uuid) => {
      await crashHosts(pool, hostOf(uuid))
      setLive(pool, hostOf(uuid), true)
      await fronts.start(hostOf(uuid))
    },
    appointCoordinator: async (uuid) => appointCoordinator(pool, hostOf(uuid)),
    breakTracking: async (uuid) => loseTracking(pool, vdiOf(uuid)),
    planFaults: async (plan) => faults.plan(plan),
    faultReport: async () => faults.report(),
    assertFaultsFired: async () => faults.assertFired(),
    failCall: async ({ method, times, failure, after = 0 }) =>
      faults.planShort('failCall', {
        at: 'call',
        match: { method },
        after,
        times,
        do: { action: 'fail', failure: [...failure] },
      }),
    cutNbdAfter: async (bytesRead) =>
      faults.planShort('cutNbdAfter', { at: 'nbd-reply', match: { bytesRead }, do: { action: 'cut' } }),
    removePurposes: async () =>
      db.change((draft) => {
        for (const [network] of db.all('network')) draft.update('network', network, { purpose: [] })
      }),
    setRestriction: async (name, value) => {
      const [ref, { restrictions }] = thePool(pool)
      db.update('pool', ref, { restrictions: { ...restrictions, [name]: value } })
    },
    invariants: async () => violations({ db, storage, idle: isIdle(pool), derive: derivedFields }),
    clearFaults: async () => faults.clear(),
    expireSessions: async () => expireSessions(pool, 'all'),
  }
}

/** Whether no call is at work: neither on a disk, nor for a task. */
const isIdle = ({ operations, tasks }: Pool): boolean => operations.isIdle && tasks.isIdle

const MEMORY = 2 * 1024 ** 3

async function makeVm(call: Call, { name, memory = MEMORY, disks, running = false }: NewVm): Promise<MadeVm> {
  const { pool } = call
  const vm = createVm(pool, vmRecord(name, memory))
  const made: MadeDisk[] = []
  for (const [slot, disk] of disks.entries()) {
    const vdi = await makeDisk(call, `${name} ${slot}`, disk)
    handlers().get('VBD.create')?.(call, vbdRecord(vm, vdi, String(slot)) as never)
    made.push(await describeDisk(pool, vdi))
  }
  addCard(call, vm)
  if (running) await startVm(pool, vm, 'Running')
  return { uuid: pool.db.get('VM', vm).uuid, ref: vm, disks: made }
}

const vmRecord = (name_label: string, memory: number): VmConstructor => ({
  name_label,
  user_version: 1,
  is_a_template: false,
  affinity: NULL_REF as HostRef,
  VCPUs_params: {},
  memory_static_max: memory,
  memory_dynamic_max: memory,
  memory_dynamic_min: memory,
  memory_static_min: memory,
  VCPUs_max: 2,
  VCPUs_at_startup: 2,
  actions_after_shutdown: 'destroy',
  actions_after_reboot: 'restart',
  actions_after_crash: 'restart',
  PV_bootloader: '',
  PV_kernel: '',
  PV_ramdisk: '',
  PV_args: '',
  PV_bootloader_args: '',
  PV_legacy_args: '',
  HVM_boot_policy: 'BIOS order',
  HVM_boot_params: {
    order: 'cd',
    firmware: 'uefi',
  },
  PCI_bus: '',
  platform: {
    acpi: '1',
    apic: 'true',
    nx: 'true',
    pae: 'true',
    viridian: 'true',
  },
  other_config: {},
  recommendations: '',
})

const vbdRecord = (VM: VbdConstructor['VM'], VDI: VdiRef, userdevice: string): VbdConstructor => ({
  VM,
  VDI,
  userdevice,
  bootable: userdevice === '0',
  mode: 'RW',
  type: 'Disk',
  empty: false,
  other_config: { owner: '' },
  qos_algorithm_type: '',
  qos_algorithm_params: {},
})

function addCard(call: Call, VM: VbdConstructor['VM']): void {
  const [first] = call.pool.db.all('network')
  if (first === undefined) return
  const card = { device: '0', network: first[0], VM, MAC: '', MTU: 1500, other_config: {} }
  handlers().get('VIF.create')?.(call, { ...card, qos_algorithm_type: '', qos_algorithm_params: {} } as never)
}

async function makeDisk(
  call: Call,
  label: string,
  { name = label, size, image, tracked = false, sr }: NewDisk,
): Promise<VdiRef> {
  const { pool } = call
  const imageSize = image === undefined ? 0 : (await stat(image)).size
  const record: VdiConstructor = {
    name_label: name,
    SR: sr === undefined ? thePool(pool)[1].default_SR : pool.db.byUuid('SR', sr),
    virtual_size: Math.max(size ?? 0, imageSize),
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  }
  const vdi = await createVdi(call, record)
  if (image !== undefined) await copyImage(pool, image, pool.db.get('VDI', vdi).uuid)
  if (tracked) await handlers().get('VDI.enable_cbt')?.(call, vdi as never)
  return vdi
}

const PIECE = 4 * 1024 * 1024

/** Blocks of zeros are left out, so that a sparse file makes a sparse disk. */
async function copyImage({ storage }: Pool, path: string, uuid: string): Promise<void> {
  const file = await open(path)
  try {
    for (let at = 0; ;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE), 0, PIECE, at)
      if (bytesRead === 0) return
      if (!isZero(buffer.subarray(0, bytesRead))) await storage.write(uuid, at, buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

async function describeDisk({ db, guests }: Pool, ref: VdiRef): Promise<MadeDisk> {
  const { uuid, virtual_size } = db.get('VDI', ref)
  return { uuid, ref, size: bytes(virtual_size), guestSocket: await guests.socketOf(uuid) }
}

async function sha256({ db, storage }: Pool, uuid: string): Promise<string> {
  const { virtual_size } = db.get('VDI', db.byUuid('VDI', uuid))
  const hash = createHash('sha256')
  for (let at = 0; at < virtual_size; at += PIECE) {
    hash.update(await unguarded(storage).read(uuid, at, Math.min(PIECE, virtual_size - at)))
  }
  return hash.digest('hex')
}

function setLive({ db, options }: Pool, host: HostRef, live: boolean): void {
  db.update('host_metrics', db.get('host', host).metrics, { live, last_updated: options.clock.now() })
}
