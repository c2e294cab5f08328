import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startLab, type MadeVm } from '../src/index.ts'
import { bootSector, type Temper } from './boot-sector.ts'
import { loggedIn, quick, testLab, type RawClient, type TestLab } from './harness.ts'

const NULL = 'OpaqueRef:NULL'

let world: TestLab
let api: RawClient
beforeAll(async () => {
  world = await testLab({ machines: 'qemu' })
  api = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(async () => expect(await world.lab.control.invariants()).toEqual([]))

const REPORT = [
  'attr/PVAddons/MajorVersion 8',
  'attr/PVAddons/MinorVersion 4',
  'data/os_name Boot sector',
  'data/os_distro none',
  'data/meminfo_total 640',
  'control/feature-shutdown 1',
  'attr/vif/0/ipv4/0 192.0.2.7',
  'vm-data/says hello',
  'nonsense',
  'data/updated 1',
]

async function newVm(temper: Temper, { control } = world.lab): Promise<MadeVm> {
  const vm = await control.createVm({ name: temper, memory: 64 << 20, disks: [{ size: 4 << 20 }] })
  const [disk] = vm.disks
  await control.writeDisk(disk?.uuid ?? '', 0, bootSector(`console of ${temper}`, REPORT, temper))
  return vm
}

const start = (vm: MadeVm) => api.call('VM.start', vm.ref, false, false)
const state = (vm: MadeVm) => api.call('VM.get_power_state', vm.ref)
const metrics = async (vm: MadeVm) => (await api.call('VM.get_guest_metrics', vm.ref)) as string
const untilReported = (vm: MadeVm) => expect.poll(() => metrics(vm), { timeout: 30_000 }).not.toBe(NULL)
const untilHalted = (vm: MadeVm) => expect.poll(() => state(vm), { timeout: 30_000 }).toBe('Halted')

test('a VM that is started runs its disk, and the pool shows what its guest reports', async () => {
  const vm = await newVm('obedient')
  await start(vm)
  await untilReported(vm)
  expect(await api.call('VM_guest_metrics.get_record', await metrics(vm))).toMatchObject({
    PV_drivers_detected: true,
    PV_drivers_version: { major: '8', minor: '4' },
    os_version: { name: 'Boot sector', distro: 'none' },
    memory: { total: '640' },
    other: { 'feature-shutdown': '1' },
    networks: { '0/ip': '192.0.2.7', '0/ipv4/0': '192.0.2.7' },
    live: true,
  })
  expect(await api.call('VM.get_xenstore_data', vm.ref)).toMatchObject({ 'vm-data/says': 'hello' })
  const console = await world.lab.control.consoleLog(vm.uuid)
  expect(await readFile(console, 'utf8')).toContain('console of obedient')

  await api.call('VM.pause', vm.ref)
  await api.call('VM.unpause', vm.ref)
  expect(await api.failure('VM.suspend', vm.ref)).toEqual(['VM_LACKS_FEATURE', vm.ref])
  await api.call('VM.hard_reboot', vm.ref)
  await untilReported(vm)
  await api.call('VM.clean_reboot', vm.ref)
  await untilReported(vm)
  expect((await readFile(console, 'utf8')).split('console of obedient')).toHaveLength(4)
  await api.call('VM.clean_shutdown', vm.ref)
  expect(await state(vm)).toBe('Halted')
  expect(await metrics(vm)).toBe(NULL)
}, 90_000)

test('a guest that switches itself off halts its VM, and clients hear of it', async () => {
  const vm = await newVm('leaving')
  const { token } = (await api.call('event.from', [`VM/${vm.ref}`], '', 0)) as { token: string }
  await start(vm)
  await untilHalted(vm)
  const { events } = (await api.call('event.from', [`VM/${vm.ref}`], token, 5)) as { events: { snapshot: object }[] }
  expect(events.at(-1)?.snapshot).toMatchObject({ power_state: 'Halted', domid: -1, resident_on: NULL })
  const [vbd] = (await api.call('VM.get_VBDs', vm.ref)) as string[]
  expect(await api.call('VBD.get_currently_attached', vbd ?? '')).toBe(false)
}, 60_000)

test('a guest that does not listen outlasts a clean shutdown, and loses its power by a hard one', async () => {
  await using deafWorld = await testLab({ machines: 'qemu', shutdownTimeoutMs: 500 })
  const { control } = deafWorld.lab
  const client = await loggedIn(deafWorld)
  const vm = await newVm('deaf', deafWorld.lab)
  const startIt = () => client.call('VM.start', vm.ref, false, false)
  const stateOf = () => client.call('VM.get_power_state', vm.ref)
  await startIt()
  expect(await client.failure('VM.clean_shutdown', vm.ref)).toEqual(['VM_SHUTDOWN_TIMEOUT', vm.ref, '0.5'])
  expect(await stateOf()).toBe('Running')
  await client.call('VM.shutdown', vm.ref)
  expect(await stateOf()).toBe('Halted')
  await startIt()
  await client.call('VM.hard_shutdown', vm.ref)
  expect(await stateOf()).toBe('Halted')
  await startIt()
  await control.crashHost()
  expect(await stateOf()).toBe('Halted')
  expect(await control.invariants()).toEqual([])
}, 90_000)

test('a hard shutdown ends a clean one that the guest does not heed', async () => {
  const vm = await newVm('deaf')
  await start(vm)
  const asked = api.call('VM.clean_shutdown', vm.ref)
  await expect.poll(() => api.call('VM.get_current_operations', vm.ref), { timeout: 20_000 }).not.toEqual({})
  await api.call('VM.hard_shutdown', vm.ref)
  await asked
  expect(await state(vm)).toBe('Halted')
}, 60_000)

test('a lab that stops ends its machines, and a new one finds their VMs halted', async () => {
  await using own = await testLab({ machines: 'qemu' })
  const { lab, directory } = own
  const vm = await lab.control.createVm({ name: 'left', memory: 64 << 20, disks: [{ size: 4 << 20 }], running: true })
  const pids = await machinesOf(vm.uuid)
  expect(pids).toHaveLength(1)
  await lab.stop()
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  await using again = await startLab({ ...quick, directory, machines: 'qemu' })
  const client = await loggedIn({ lab: again })
  expect(await client.call('VM.get_power_state', vm.ref)).toBe('Halted')
}, 60_000)

test('guests of a lab without machines have no console', async () => {
  await using plain = await testLab()
  const vm = await plain.lab.control.createVm({ name: 'still', disks: [], running: true })
  await expect(plain.lab.control.consoleLog(vm.uuid)).rejects.toMatchObject({ code: 'LAB_MACHINE' })
})

/** Processes that were started for a VM. */
async function machinesOf(uuid: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') // it has ended meanwhile
    if (line.startsWith('qemu-system-x86_64') && line.includes(uuid)) found.push(pid)
  }
  return found
}
