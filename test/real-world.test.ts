import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import { openLabControl, startLab, type Lab, type LabControl, type LabSettings } from '@tidemark/lab'
import { openXenPool, patienceDefaults } from '@tidemark/engine/xen'
import { openNbd } from '@tidemark/nbd'
import { login, type Session, type VdiRef } from '@tidemark/xenapi'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { mortalLab } from './support/mortal-lab.ts'
import { guestWrites, openBench, succeed, type Bench } from './support/pool.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench({ dataDestroyWaitMs: 200 })
})
afterAll(() => bench[Symbol.asyncDispose]())

const blocks = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const writeTo = (control: Pick<LabControl, 'guestSocket'>, vdi: string, count: number, seed: string) =>
  guestWrites({ control } as Bench['lab'], vdi, blocks(count), seed)
const bytesRead = async (control: LabControl): Promise<number> =>
  (await control.nbdReads()).reduce((sum, each) => sum + each.bytes, 0)

test('sessions that end again and again in the middle of runs: full, incremental, and compared with the pool', async () => {
  const { control } = bench.lab
  const vm = await control.createVm({ name: 'restless', disks: [{ name: 'system', size: 64 * MiB }] })
  const vdi = vm.disks[0]?.uuid ?? ''
  const stop = new AbortController()
  let ended = 0
  const endSessions = async () => {
    for (; !stop.signal.aborted; ended++) {
      await control.expireSessions()
      await sleep(300)
    }
  }
  const ending = endSessions()
  try {
    await writeTo(control, vdi, 500, 'first')
    const place = ['--pool', 'lab', '--repo', 'main']
    await succeed(bench.tidemark('backup', 'restless', ...place))
    await writeTo(control, vdi, 100, 'second')
    const { points } = await succeed(bench.tidemark('backup', 'restless', ...place))
    expect(points[0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 100 * CBT_BLOCK } })
    expect(points[0]).toMatchObject({ clean: true })
    await succeed(bench.tidemark('verify', 'restless', '--against-pool', ...place))
  } finally {
    stop.abort()
    await ending
  }
  expect(ended).toBeGreaterThan(5)
}, 120_000)

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a pool that ends by %s in the middle of a disk and comes back: the run waits for it and reads on',
  async (signal) => {
    const name = `phoenix-${signal}`
    const directory = join(bench.directory, name)
    const lab = await mortalLab(directory, bench.passwordFile)
    onTestFinished(() => lab.kill('SIGKILL'))
    const control = await openLabControl(directory)
    const vm = await control.createVm({ name, disks: [{ name: 'system', size: 128 * MiB }] })
    const vdi = vm.disks[0]?.uuid ?? ''
    const trust = ['--fingerprint', lab.fingerprint, '--password-file', bench.passwordFile]
    await succeed(bench.tidemark('pool', 'add', name, lab.url, ...trust))
    const place = ['--pool', name, '--repo', 'main']
    await succeed(bench.tidemark('backup', name, ...place))
    await writeTo(control, vdi, 1500, 'second')
    const run = bench.tidemark('backup', name, ...place)
    while ((await bytesRead(control)) < 5 * MiB) await sleep(5)
    lab.kill(signal)
    await lab.ended
    const again = await mortalLab(directory, bench.passwordFile, lab)
    onTestFinished(() => again.kill('SIGKILL'))
    const { points } = await succeed(run)
    expect(points[0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 1500 * CBT_BLOCK } })
    await succeed(bench.tidemark('verify', name, '--against-pool', ...place))
    again.kill('SIGTERM')
    await again.ended
  },
  120_000,
)

test('streams of whole disks that are cut, and a pool that dies under one: the rest comes over NBD, and each byte is taken once', async () => {
  const name = 'streams'
  const directory = join(bench.directory, name)
  const lab = await mortalLab(directory, bench.passwordFile)
  onTestFinished(() => lab.kill('SIGKILL'))
  const control = await openLabControl(directory)
  const vm = await control.createVm({ name, disks: [{ size: 32 * MiB }] })
  await writeTo(control, vm.disks[0]?.uuid ?? '', 400, name)
  const trust = ['--fingerprint', lab.fingerprint, '--password-file', bench.passwordFile]
  await succeed(bench.tidemark('pool', 'add', name, lab.url, ...trust))
  const place = ['--pool', name, '--repo', 'main']
  const at = { at: 'transfer', match: { path: '/export_raw_vdi' } } as const
  const cut = { id: 'cut', ...at, do: { action: 'cut' as const, after: 9 * MiB } }
  await control.planFaults({ faults: [cut] })
  await succeed(bench.tidemark('backup', name, '--full', '--source', 'raw', ...place))
  await control.assertFaultsFired()
  const rest = await bytesRead(control) // over NBD
  expect(rest).toBeGreaterThan(0)
  expect(rest).toBeLessThan(32 * MiB - MiB) // what was on its way when it was cut is lost
  const stall = { id: 'stall', ...at, do: { action: 'stall' as const, after: 5 * MiB } }
  await control.planFaults({ faults: [stall] })
  const run = bench.tidemark('backup', name, '--full', '--source', 'vhd', ...place)
  while ((await control.faultReport()).some(({ fired }) => fired === 0)) await sleep(20)
  lab.kill('SIGKILL')
  await lab.ended
  const again = await mortalLab(directory, bench.passwordFile, lab)
  onTestFinished(() => again.kill('SIGKILL'))
  const { points } = await succeed(run)
  expect(points[0].disks[0]).toMatchObject({ action: 'full', bytes: { new: 0 } })
  await succeed(bench.tidemark('verify', name, '--against-pool', ...place))
  again.kill('SIGTERM')
  await again.ended
}, 120_000)

test('a restore whose upload is cut begins it anew, and finds a disk whose making was not told', async () => {
  const { control } = bench.lab
  const vm = await control.createVm({ name: 'cut', disks: [{ size: 16 * MiB }] })
  const vdi = vm.disks[0]?.uuid ?? ''
  await writeTo(control, vdi, 200, 'before')
  const before = await control.sha256(vdi)
  const place = ['--pool', 'lab', '--repo', 'main']
  await succeed(bench.tidemark('backup', 'cut', ...place))
  await writeTo(control, vdi, 200, 'after')
  const faults = [3, 9].map((mebibytes) => ({
    id: `upload cut at ${mebibytes}`,
    at: 'transfer' as const,
    match: { path: '/import_raw_vdi' },
    do: { action: 'cut' as const, after: mebibytes * MiB },
  }))
  await control.planFaults({ faults })
  await succeed(bench.tidemark('restore', 'cut', '--over', ...place))
  await control.assertFaultsFired()
  expect(await control.sha256(vdi)).toBe(before)
  await using admin = await bench.admin()
  const disks = (await admin.VDI.get_all()).length
  const create = { at: 'task', match: { method: 'Async.VDI.create' }, do: { action: 'vanish', work: 'done' } } as const
  await control.planFaults({ faults: [{ id: 'made, and not told', ...create }] })
  await succeed(bench.tidemark('restore', 'cut', '--new-vm', '--name', 'copy of cut', ...place))
  await control.assertFaultsFired()
  expect((await admin.VDI.get_all()).length).toBe(disks + 1)
}, 120_000)

/** Another lab in this process, added as a pool of its name. */
async function addLab(name: string, options: Partial<LabSettings>): Promise<Lab> {
  const quick = { httpsPort: 0, nbdPort: 0, dataDestroyWaitMs: 200, password: bench.lab.password }
  const lab = await startLab({ ...quick, ...options, directory: join(bench.directory, name) })
  onTestFinished(() => lab.stop())
  const trust = ['--fingerprint', lab.fingerprint, '--password-file', bench.passwordFile]
  expect((await bench.tidemark('pool', 'add', name, lab.url, ...trust)).code).toBeOneOf([0, 3])
  return lab
}

const CALLS = ['VDI.enable_cbt', 'VDI.disable_cbt', 'VDI.data_destroy', 'VDI.list_changed_blocks', 'VDI.get_nbd_info']

test.each<[string, Partial<LabSettings>, string]>([
  ['old', { unknownMessages: CALLS, jsonRpc: false }, 'the pool is too old: it does not know VDI.enable_cbt'],
  ['older', { unknownMessages: [...CALLS, 'event.from'], tracking: false, jsonRpc: false }, 'the pool is too old'],
  ['poor', { restrictions: { restrict_cbt: 'true' } }, "the pool's licence does not include it"],
  ['plain', { tracking: false }, 'the driver of its storage repository has none'],
])(
  'a pool that is %s: every run reads all, says why, and ends well',
  async (name, options, reason) => {
    const lab = await addLab(name, options)
    const vm = await lab.control.createVm({ name, disks: [{ size: 8 * MiB }] })
    await writeTo(lab.control, vm.disks[0]?.uuid ?? '', 20, name)
    const place = ['--pool', name, '--repo', 'main']
    await succeed(bench.tidemark('backup', name, ...place))
    const { points } = await succeed(bench.tidemark('backup', name, ...place))
    expect(points[0]).toMatchObject({ clean: true })
    expect(points[0].disks[0]).toMatchObject({ action: 'compare', bytes: { new: 0 } })
    expect(points[0].disks[0].reason).toContain('cannot-track')
    expect(points[0].disks[0].reason).toContain(reason)
    if (name !== 'old') return
    const over = await bench.tidemark('backup', name, '--full', '--source', 'nbd', ...place)
    expect(over.last).toMatchObject({ code: 'ENGINE_NO_NBD', message: expect.stringContaining('--source raw') })
    await succeed(bench.tidemark('backup', name, '--full', '--source', 'raw', ...place))
  },
  120_000,
)

test('the coordinator dies in the middle of a disk, and another host takes over: the run goes on there', async () => {
  const lab = await addLab('twins', { hosts: 2 })
  const [first, second] = lab.hosts
  if (first === undefined || second === undefined) throw new Error('two hosts')
  const vm = await lab.control.createVm({ name: 'twins', disks: [{ size: 128 * MiB }] })
  const place = ['--pool', 'twins', '--repo', 'main']
  await succeed(bench.tidemark('backup', 'twins', ...place))
  await writeTo(lab.control, vm.disks[0]?.uuid ?? '', 1500, 'twins')
  const run = bench.tidemark('backup', 'twins', ...place)
  while ((await bytesRead(lab.control)) < 5 * MiB) await sleep(5)
  await lab.control.stopHost(first.uuid)
  await lab.control.appointCoordinator(second.uuid)
  const { points } = await succeed(run)
  expect(points[0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 1500 * CBT_BLOCK } })
  expect(points[0]).toMatchObject({ clean: true })
  const again = await succeed(bench.tidemark('backup', 'twins', ...place)) // by what pool add had learned
  expect(again['points'][0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 0 } })
}, 120_000)

test('the coordinator hands over between two calls: changes are made once, by the new one', async () => {
  const lab = await addLab('shift', { hosts: 2 })
  const [, second] = lab.hosts
  const vm = await lab.control.createVm({ name: 'shift', disks: [{ size: 8 * MiB }] })
  const trust = { kind: 'fingerprint', sha256: lab.fingerprint } as const
  await using session = await login({ url: lab.url, trust }, { username: 'root', password: lab.password })
  await session.members()
  await session.pool.designate_new_master(await session.host.get_by_uuid(second?.uuid ?? ''))
  const disk = await session.VDI.get_by_uuid(vm.disks[0]?.uuid ?? '')
  await session.Async.VDI.snapshot(disk)
  expect(session.url).toBe(second?.url)
  expect(await session.VDI.get_snapshots(disk)).toHaveLength(1)
}, 120_000)

/** A snapshot of a new VM with one tracked disk, taken by the engine in this process. */
async function takeSnapshot(admin: Session, name: string, patience = patienceDefaults) {
  const made = await bench.lab.control.createVm({ name, disks: [{ size: 8 * MiB, tracked: true }] })
  const pool = await openXenPool(admin, { patience })
  const vm = (await pool.vms()).find(({ uuid }) => uuid === made.uuid)
  if (vm === undefined) throw new Error('no VM')
  const snapshot = await pool.snapshot(vm, { repository: 'test', leftOut: [], name: `tidemark ${name}` })
  const [disk] = snapshot.disks.values()
  return { snapshot, vdi: await admin.VDI.get_by_uuid(disk?.uuid ?? '') }
}

/** Counts how often a snapshot's data were asked to go. */
function counted(session: Session): { session: Session; tries: () => number } {
  let tries = 0
  const destroy: Session['Async']['VDI']['data_destroy'] = (self, options) => {
    tries++
    return session.Async.VDI.data_destroy(self, options)
  }
  const Async = { ...session.Async, VDI: { ...session.Async.VDI, data_destroy: destroy } }
  return { session: { ...session, Async }, tries: () => tries }
}

test('a snapshot that somebody still reads over NBD is waited for by events, and tidied when the reader leaves', async () => {
  await using admin = await bench.admin()
  const { session, tries } = counted(admin)
  const { snapshot, vdi } = await takeSnapshot(session, 'held')
  const reader = await readerOf(admin, vdi)
  let isTidy = false
  const tidying = snapshot.keepAsBase('point').then(() => (isTidy = true))
  while (tries() < 2) await sleep(20)
  expect(isTidy).toBe(false)
  await reader[Symbol.asyncDispose]()
  await tidying
  expect(await admin.VDI.get_type(vdi)).toBe('cbt_metadata')
}, 120_000)

async function readerOf(session: Session, vdi: VdiRef) {
  const [info] = await session.VDI.get_nbd_info(vdi)
  if (info === undefined) throw new Error('no NBD')
  const address = { host: info.address, port: info.port }
  return openNbd({ address, exportName: info.exportname, tls: { kind: 'certificate', pem: info.cert } })
}

test('what a control domain holds of a snapshot and nobody takes down is taken down by the run', async () => {
  await using admin = await bench.admin()
  const { snapshot, vdi } = await takeSnapshot(admin, 'forgotten', { ...patienceDefaults, releaseAfterMs: 0 })
  const [dom0] = Object.entries(await admin.VM.get_all_records()).flatMap(([ref, vm]) =>
    vm.is_control_domain ? [ref] : [],
  )
  const left = await admin.VBD.create({
    VM: dom0 as Parameters<Session['VM']['get_record']>[0],
    VDI: vdi,
    userdevice: 'autodetect',
    bootable: false,
    mode: 'RO',
    type: 'Disk',
    empty: false,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  })
  await admin.VBD.plug(left)
  await snapshot.keepAsBase('point')
  expect(await admin.VDI.get_type(vdi)).toBe('cbt_metadata')
  expect(await admin.VDI.get_VBDs(vdi)).toEqual([])
}, 120_000)

test('a disk that stays busy ends the patience with ENGINE_BUSY', async () => {
  await using admin = await bench.admin()
  const { snapshot, vdi } = await takeSnapshot(admin, 'stuck', { ...patienceDefaults, forMs: 0 })
  await using _ = await readerOf(admin, vdi)
  await expect(snapshot.keepAsBase('point')).rejects.toMatchObject({ code: 'ENGINE_BUSY' })
}, 120_000)

/** Calls of a run whose outcome gets lost: that of the start, or that of the task. */
const lost = (work: 'done' | 'skipped') => ({
  faults: [
    { id: `mark ${work}`, at: 'request', match: { method: 'VDI.add_to_other_config' }, do: { action: 'lose-reply' } },
    { id: `start ${work}`, at: 'request', match: { method: 'Async.VDI.data_destroy' }, do: { action: 'lose-reply' } },
    ...['VM.snapshot', 'VDI.list_changed_blocks', 'VM.destroy', 'VDI.data_destroy', 'VDI.destroy'].map((method) => ({
      id: `${method} ${work}`,
      at: 'task',
      match: { method: `Async.${method}` },
      do: { action: 'vanish', work },
    })),
  ],
})

test.each(['done', 'skipped'] as const)(
  'changes whose outcome gets lost, their work %s: a look at the objects tells, and the run ends clean',
  async (work) => {
    const { control } = bench.lab
    const name = `unlucky ${work}`
    const vm = await control.createVm({ name, disks: [{ size: 8 * MiB }] })
    const place = ['--pool', 'lab', '--repo', 'main']
    await succeed(bench.tidemark('backup', name, ...place))
    await succeed(bench.tidemark('backup', name, ...place))
    await writeTo(control, vm.disks[0]?.uuid ?? '', 5, work)
    await control.planFaults(lost(work) as Parameters<LabControl['planFaults']>[0])
    const { points } = await succeed(bench.tidemark('backup', name, ...place))
    await control.assertFaultsFired()
    await control.clearFaults()
    expect(points[0]).toMatchObject({ clean: true })
    expect(points[0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 5 * CBT_BLOCK } })
    await using admin = await bench.admin()
    const vms = Object.values(await admin.VM.get_all_records())
    expect(vms.filter((each) => each.is_a_snapshot)).toEqual([])
    const snapshots = Object.values(await admin.VDI.get_all_records()).filter((vdi) => vdi.is_a_snapshot)
    expect(snapshots.filter((vdi) => vdi.name_label.startsWith(name)).map(({ type }) => type)).toEqual(['cbt_metadata'])
  },
  120_000,
)
