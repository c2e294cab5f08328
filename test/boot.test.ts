import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { openLabControl } from '@tidemark/lab'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { bootSector, type Temper } from '../packages/lab/test/boot-sector.ts'
import { openBench, succeed, type Bench } from './support/pool.ts'

const MAIN = resolve(import.meta.dirname, '../packages/cli/src/main.ts')
const place = ['--pool', 'lab', '--repo', 'main']

let bench: Bench
beforeAll(async () => {
  bench = await openBench({ machines: 'qemu' })
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())
afterEach(async () => expect(await bench.lab.control.invariants()).toEqual([]))

const REPORT = ['attr/PVAddons/MajorVersion 8', 'data/os_name Sector', 'vm-data/orders 42', 'data/updated 1']

/** A VM whose disk holds a boot sector, backed up. */
async function backedUp(name: string, temper: Temper, report = REPORT): Promise<void> {
  const { control } = bench.lab
  const vm = await control.createVm({ name, memory: 64 * MiB, disks: [{ size: 4 * MiB }] })
  await control.writeDisk(vm.disks[0]?.uuid ?? '', 0, bootSector(name, report, temper))
  await succeed(bench.tidemark('backup', name, ...place))
}

/** What stands on the pool beside templates and control domains. */
async function vmsAndDisks(): Promise<{ vms: string[]; disks: number }> {
  await using admin = await bench.admin()
  const vms = Object.values(await admin.VM.get_all_records())
  const own = vms.filter((vm) => !vm.is_a_template && !vm.is_control_domain && !vm.is_a_snapshot)
  const disks = Object.values(await admin.VDI.get_all_records()).filter((vdi) => !vdi.is_a_snapshot)
  return { vms: own.map((vm) => vm.name_label).toSorted(), disks: disks.length }
}

/** What is remembered of a VM's only point. */
async function proofsOf(vm: string): Promise<unknown> {
  const { points } = await succeed(bench.tidemark('points', vm, '--repo', 'main'))
  expect(points).toHaveLength(1)
  return points[0].proofs
}

test('a restore point is booted without networks, its guest is heard, and nothing of it stays', async () => {
  await backedUp('hearty', 'obedient')
  const before = await vmsAndDisks()
  const result = await succeed(bench.tidemark('verify', 'hearty', '--boot', ...place))
  expect(result).toMatchObject({ boot: { system: { name: 'Sector' }, networks: {}, data: { orders: '42' } } })
  expect(result['boot'].tookMs).toBeGreaterThan(0)
  expect(await vmsAndDisks()).toEqual(before)
  expect(await proofsOf('hearty')).toMatchObject([
    { step: 'hashed', passed: true },
    { step: 'booted', passed: true, detail: expect.stringContaining('orders 42') },
  ])
}, 90_000)

test('a guest that gives no sign, or goes, fails the boot test, and nothing of it stays', async () => {
  await backedUp('mute', 'deaf', ['data/os_name Sector'])
  await backedUp('quitter', 'leaving', ['data/os_name Sector'])
  const before = await vmsAndDisks()
  const mute = await bench.tidemark('verify', 'mute', '--boot', '--boot-limit', '2', ...place)
  expect(mute).toMatchObject({ code: 1, last: { code: 'ENGINE_BOOT' } })
  const gone = await bench.tidemark('verify', 'quitter', '--boot', ...place)
  expect(gone).toMatchObject({ code: 1, last: { code: 'ENGINE_BOOT' } })
  expect(await vmsAndDisks()).toEqual(before)
  expect(await proofsOf('quitter')).toMatchObject([{ passed: true }, { step: 'booted', passed: false }])
}, 90_000)

test('a script judges the guest: it is told the VM, and its exit code decides', async () => {
  const script = 'test -n "$TIDEMARK_VM_UUID" && exit 3'
  const { code, last } = await bench.tidemark('verify', 'mute', '--boot', '--boot-script', script, ...place)
  expect({ code, last }).toMatchObject({ code: 1, last: { code: 'ENGINE_BOOT' } })
  expect(last['message']).toContain('ended with 3')
}, 90_000)

test('a boot test that is killed while its VM runs leaves nothing behind the next doctor', async () => {
  const before = await vmsAndDisks()
  const usual = ['--config', join(bench.directory, 'config.yaml'), '--cache-dir', join(bench.directory, 'cache')]
  const args = ['--conditions=@tidemark/source', MAIN, ...usual, 'verify', 'mute', '--boot', ...place]
  const env = { ...process.env, TIDEMARK_STATE_DIR: join(bench.directory, 'state') }
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  await using admin = await bench.admin()
  const trial = async () => Object.values(await admin.VM.get_all_records()).find((vm) => isTrial(vm.name_label))
  await expect.poll(async () => (await trial())?.power_state, { timeout: 60_000 }).toBe('Running')
  expect((await trial())?.VIFs).toEqual([])
  child.kill('SIGKILL')
  await ended
  expect(await vmsAndDisks()).not.toEqual(before)
  await bench.tidemark('doctor', ...place)
  expect(await vmsAndDisks()).toEqual(before)
}, 90_000)

const isTrial = (name: string): boolean => name.includes('boot test')

test('a lab that is killed takes its machines with it', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tm-boot-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const options = JSON.stringify({ machines: 'qemu' })
  const lab = fork(join(import.meta.dirname, 'support/lab-process.ts'), [directory, options], {
    execArgv: ['--conditions=@tidemark/source'],
  })
  const ended = once(lab, 'exit')
  await once(lab, 'message')
  const control = await openLabControl(directory)
  const vm = await control.createVm({ name: 'left', memory: 64 * MiB, disks: [{ size: 4 * MiB }], running: true })
  expect(await machinesOf(vm.uuid)).toBe(1)
  lab.kill('SIGKILL')
  await ended
  await expect.poll(() => machinesOf(vm.uuid), { timeout: 20_000 }).toBe(0)
}, 60_000)

/** How many emulators run that were started for a VM. */
async function machinesOf(uuid: string): Promise<number> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.startsWith('qemu-system-x86_64') && line.includes(uuid)).length
}
