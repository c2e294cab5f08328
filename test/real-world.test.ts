import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import { openLabControl, type LabControl } from '@tidemark/lab'
import { openXenPool, patienceDefaults } from '@tidemark/engine/xen'
import { openNbd } from '@tidemark/nbd'
import type { Session, VdiRef } from '@tidemark/xenapi'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { mortalLab } from './support/mortal-lab.ts'
import { guestWrites, openBench, succeed, type Bench } from './support/pool.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
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
      await sleep(150)
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
  expect(ended).toBeGreaterThan(10)
}, 60_000)

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
  60_000,
)

/** A snapshot of a new VM with one tracked disk, taken by the engine in this process. */
async function takeSnapshot(admin: Session, name: string, patience = patienceDefaults) {
  const made = await bench.lab.control.createVm({ name, disks: [{ size: 8 * MiB, tracked: true }] })
  const pool = await openXenPool(admin, { patience })
  const vm = (await pool.vms()).find(({ uuid }) => uuid === made.uuid)
  if (vm === undefined) throw new Error('no VM')
  const snapshot = await pool.snapshot(vm, { repository: 'test', leftOut: [] })
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
}, 60_000)

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
}, 60_000)

test('a disk that stays busy ends the patience with ENGINE_BUSY', async () => {
  await using admin = await bench.admin()
  const { snapshot, vdi } = await takeSnapshot(admin, 'stuck', { ...patienceDefaults, forMs: 0 })
  await using _ = await readerOf(admin, vdi)
  await expect(snapshot.keepAsBase('point')).rejects.toMatchObject({ code: 'ENGINE_BUSY' })
}, 60_000)

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
  60_000,
)
