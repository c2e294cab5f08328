import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { startLab, type Lab, type LabOptions } from '@tidemark/lab'
import { expect, test, vi } from 'vitest'
import { guestWrites } from './support/pool.ts'
import { XenOrchestra } from './support/xen-orchestra.ts'

vi.setConfig({ testTimeout: 120_000 })

const auth = { user: 'root', password: 'correct horse' }

interface World extends AsyncDisposable {
  readonly lab: Lab
  readonly directory: string
  /** Xen Orchestra, connected to one of the hosts. */
  connected(options?: object): Promise<XenOrchestra>
}

/** A pool with Xen Orchestra at it. */
async function world(options: Partial<LabOptions>): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tm-xo-pool-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const given = {
    directory: join(directory, 'lab'),
    password: auth.password,
    httpsPort: 0,
    nbdPort: 0,
    loginDelayMs: 0,
  }
  const lab = stack.use(await startLab({ ...given, ...options }))
  const opened = stack.move()
  return {
    lab,
    directory,
    async connected(more = {}) {
      const xo = opened.use(new XenOrchestra())
      await xo.do('connect', { url: lab.url, auth, allowUnauthorized: true, ...more })
      return xo
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

test('XO that is given a member of the pool goes to its coordinator, and reads a disk from every host', async () => {
  await using at = await world({ hosts: 2 })
  const [, member] = at.lab.hosts
  const xo = await at.connected({ url: member?.url })
  expect(await xo.do('differences')).toMatchObject({ differences: [] })
  const { disks } = await at.lab.control.createVm({ name: 'shared', disks: [{ size: 8 * MiB }] })
  const [disk = { ref: '', uuid: '' }] = disks
  await guestWrites(at.lab, disk.uuid, [3, 77], 'from every host')
  const info: readonly { address: string }[] = await xo.do('call', 'VDI.get_nbd_info', disk.ref)
  expect(info.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.2'])
  const whole = { size: 8 * MiB, sha256: await at.lab.control.sha256(disk.uuid) }
  for (const one of info) expect(await xo.do('readOverNbd', one)).toEqual(whole)
  expect(await xo.do('readOverManyNbd', info, 6)).toEqual(whole)
})

test('XO finds XML-RPC by itself on a release without JSON-RPC, and reads a delta from a stream', async () => {
  const without = [
    'VDI.enable_cbt',
    'VDI.disable_cbt',
    'VDI.list_changed_blocks',
    'VDI.data_destroy',
    'VDI.get_nbd_info',
  ]
  await using at = await world({ jsonRpc: false, unknownMessages: without })
  const xo = await at.connected()
  expect(await xo.do('differences')).toMatchObject({ differences: [] })
  const { disks } = await at.lab.control.createVm({ name: 'old', disks: [{ size: 8 * MiB }] })
  const [disk = { ref: '', uuid: '' }] = disks
  const base = await xo.do('call', 'VDI.snapshot', disk.ref)
  await guestWrites(at.lab, disk.uuid, [40], 'on an old release')
  const newer = await xo.do('call', 'VDI.snapshot', disk.ref)
  const read = await xo.do('readDisk', { vdiRef: newer, baseRef: base, preferNbd: false })
  expect(read).toMatchObject({ nbd: false, cbt: false, blocks: [1] })
})

test('XO falls back to a stream where no network is for NBD', async () => {
  await using at = await world({ networkPurpose: 'none' })
  const xo = await at.connected()
  const { disks } = await at.lab.control.createVm({ name: 'vm', disks: [{ size: 4 * MiB, tracked: true }] })
  const [disk = { ref: '', uuid: '' }] = disks
  await guestWrites(at.lab, disk.uuid, [1], 'without NBD')
  expect(await xo.do('call', 'VDI.get_nbd_info', disk.ref)).toEqual([])
  const snapshot = await xo.do('call', 'VDI.snapshot', disk.ref)
  expect(await xo.do('readDisk', { vdiRef: snapshot, preferNbd: true })).toMatchObject({ nbd: false, blocks: [0] })
})

test.each([false, 'zstd'])('a VM goes out as an XVA and comes back, compressed: %s', async (compress) => {
  await using at = await world({})
  const xo = await at.connected()
  const size = 8 * MiB
  const vm = await at.lab.control.createVm({ name: 'web', disks: [{ size }, { size }], running: true })
  for (const { uuid } of vm.disks) await guestWrites(at.lab, uuid, [2, 90], uuid)
  const path = join(at.directory, 'web.xva')
  await xo.do('exportVm', vm.ref, path, { compress })
  const ref = await xo.do('importVm', path, await xo.do('call', 'VDI.get_SR', vm.disks[0]?.ref ?? ''))
  expect(await xo.do('call', 'VM.get_name_label', ref)).toBe('[XO Export] web')
  const held = async (disks: readonly string[]) => Promise.all(disks.map((uuid) => at.lab.control.sha256(uuid)))
  const copies: readonly string[] = await xo.do('method', 'VM_getDisks', ref)
  const uuids = await Promise.all(copies.map((each) => xo.do('call', 'VDI.get_uuid', each)))
  expect((await held(uuids)).sort()).toEqual((await held(vm.disks.map(({ uuid }) => uuid))).sort())
  await expect.poll(() => xo.do('call', 'VM.get_snapshots', vm.ref)).toEqual([])
  expect(await at.lab.control.invariants()).toEqual([])
})

test('a VM is replicated to another SR, in full at first and then by what changed', async () => {
  await using at = await world({
    detachDelayMs: 1_500, // as slow as a real host: XO removes the control domain's VBDs itself
    storages: [
      { name: 'here', type: 'ext' },
      { name: 'there', type: 'nfs' },
    ],
  })
  const xo = await at.connected()
  const vm = await at.lab.control.createVm({ name: 'copied', disks: [{ size: 8 * MiB, tracked: true }], running: true })
  const [disk = { ref: '', uuid: '' }] = vm.disks
  const [there] = await xo.do('call', 'SR.get_by_name_label', 'there')
  const srs = [await xo.do('call', 'SR.get_uuid', there)]
  const settings = { exportRetention: 0, copyRetention: 2, preferNbd: true, snapshotRetention: 1 }
  const held: string[] = []
  for (const blocks of [[0, 1, 100], [33], [127]]) {
    await guestWrites(at.lab, disk.uuid, blocks, 'to be copied')
    held.push(await at.lab.control.sha256(disk.uuid))
    const reports: readonly { type: string; status?: string }[] = await xo.do('backUp', {
      vm: vm.uuid,
      mode: 'delta',
      settings,
      srs,
    })
    expect(reports.filter(({ type, status }) => type === 'warning' || status === 'failure')).toEqual([])
  }
  const records: Readonly<Record<string, VdiRecord>> = await xo.do('call', 'VDI.get_all_records')
  const copies = Object.values(records).filter(({ SR }) => SR === there)
  const copied = async (snapshot: boolean) =>
    Promise.all(copies.filter((each) => each.is_a_snapshot === snapshot).map(({ uuid }) => at.lab.control.sha256(uuid)))
  expect(await copied(false)).toEqual(held.slice(-1))
  expect((await copied(true)).sort()).toEqual(held.slice(-2).sort())
  expect(await at.lab.control.invariants()).toEqual([])
})

interface VdiRecord {
  readonly uuid: string
  readonly SR: string
  readonly is_a_snapshot: boolean
}
