import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CBT_BLOCK, KiB, MiB } from '@tidemark/blocks'
import { choosePoint, listPoints, noLedger, openPoint, restoreAsNewVm, type OpenPoint } from '@tidemark/engine'
import { openXenPool } from '@tidemark/engine/xen'
import { localBackend, openRepository, type Repository } from '@tidemark/repository'
import { startLab, type Lab } from '@tidemark/lab'
import { login, type Session } from '@tidemark/xenapi'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adminOf, guestWrites, openBench, succeed, type Bench } from './support/pool.ts'

const PASSWORD = 'correct horse'
const SIZE = 256 * MiB
const run = promisify(execFile)
let bench: Bench
let vdi: string
let card: { mac: string; network: string }

beforeAll(async () => {
  bench = await openBench({ detachDelayMs: 100 })
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ size: SIZE }] })
  vdi = vm.disks[0]?.uuid ?? ''
  await guestWrites(bench.lab, vdi, [0, 1, 5, 200, 4095], 'at the point')
  card = await withCard('web')
  await succeed(bench.tidemark('backup', 'web'))
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())

/** A way to the pool on which the bytes towards it are counted. */
async function countedWay(): Promise<{ url: string; sent(): number } & AsyncDisposable> {
  const { hostname, port } = new URL(bench.lab.url)
  let sent = 0
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    near.on('data', (data) => void (sent += data.length))
    near.pipe(far).pipe(near)
    for (const [end, other] of [[near, far] as const, [far, near] as const]) end.on('error', () => other.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}

async function newest(repository: Repository): Promise<OpenPoint> {
  await repository.loadIndex()
  return openPoint(repository, choosePoint(await listPoints(repository), 'web'))
}

const image = async (uuid: string): Promise<string> =>
  `nbd+unix:///?socket=${await bench.lab.control.guestSocket(uuid)}`

test('a disk of 256 MiB with five blocks of data is restored with what they take on the wire, and qemu-img finds it equal', async () => {
  await using way = await countedWay()
  await using session = await login(
    { url: way.url, trust: { kind: 'fingerprint', sha256: bench.lab.fingerprint } },
    { username: 'root', password: PASSWORD },
  )
  await using repository = await openRepository(localBackend(bench.repository), PASSWORD)
  const point = await newest(repository)
  const context = { pool: await openXenPool(session), repository, ledger: noLedger, onDisk: () => {} }
  const { disks } = await restoreAsNewVm(context, point, { name: 'sparse', storage: undefined })
  const [disk] = disks
  expect(disk?.filled).toMatchObject({ compared: SIZE, isVerified: true })
  expect(disk?.filled.written).toBeLessThanOrEqual(4 * 256 * KiB) // whole pieces
  expect(way.sent()).toBeLessThan(4 * 256 * KiB + 256 * KiB)
  await succeed(bench.tidemark('restore', 'web', '--to-dir', join(bench.directory, 'files')))
  const file = join(bench.directory, 'files', `0-${vdi}.raw`)
  const { stdout } = await run('qemu-img', [
    'compare',
    '-f',
    'raw',
    '-F',
    'raw',
    file,
    await image(disk?.vdiUuid ?? ''),
  ])
  expect(stdout).toContain('identical')
}, 60_000)

test('a restore over a disk writes the blocks that differ and no others, the safety snapshot holds what was there', async () => {
  const wanted = await bench.lab.control.sha256(vdi)
  await guestWrites(bench.lab, vdi, [5, 300, 2000], 'after the point')
  const spoilt = await bench.lab.control.sha256(vdi)
  const { disks, snapshots } = await succeed(bench.tidemark('restore', 'web', '--over', '--safety-snapshot'))
  expect(disks).toEqual([
    { position: 0, from: vdi, to: vdi, written: 3 * CBT_BLOCK, compared: 2 * SIZE, verified: true },
  ])
  expect(await bench.lab.control.sha256(vdi)).toBe(wanted)
  await using admin = await bench.admin()
  const snapshot = await admin.VM.get_by_uuid(snapshots[0])
  const [vbd] = await admin.VM.get_VBDs(snapshot)
  if (vbd === undefined) throw new Error('no disk')
  expect(await bench.lab.control.sha256(await admin.VDI.get_uuid(await admin.VBD.get_VDI(vbd)))).toBe(spoilt)
  const again = await succeed(bench.tidemark('restore', 'web', '--over'))
  expect(again['disks'][0]).toMatchObject({ written: 0, compared: SIZE, verified: true })
}, 60_000)

test('with tracking only what changed is read before it is written, and what the tracking hid is written all the same', async () => {
  const wanted = await bench.lab.control.sha256(vdi)
  await guestWrites(bench.lab, vdi, [7], 'told')
  const honest = await succeed(bench.tidemark('restore', 'web', '--over', '--use-tracking'))
  expect(honest['disks'][0]).toMatchObject({ written: CBT_BLOCK, verified: true })
  expect(honest['disks'][0].compared).toBeLessThan(SIZE + 4 * MiB)
  await guestWrites(bench.lab, vdi, [7, 3000], 'told in part')
  const lie = { id: 'unsaid', at: 'bitmap', do: { action: 'omit' } } as const
  const lied = await bench.withFaults([lie], () =>
    succeed(bench.tidemark('restore', 'web', '--over', '--use-tracking')),
  )
  expect(lied['disks'][0]).toMatchObject({ written: 2 * CBT_BLOCK, verified: true })
  expect(await bench.lab.control.sha256(vdi)).toBe(wanted)
  const next = await succeed(bench.tidemark('backup', 'web'))
  expect(next['points'][0].disks[0]).toMatchObject({ action: 'incremental' })
}, 60_000)

test('a comparison with the pool tells what was written since the point from what cannot be explained', async () => {
  const { last: equal } = await bench.tidemark('verify', 'web', '--pool', 'lab', '--against-pool')
  expect(equal['disks'][0]).toMatchObject({ differences: [], unexplained: [] })
  await guestWrites(bench.lab, vdi, [42], 'after the point')
  const place = { offset: 42 * CBT_BLOCK, length: CBT_BLOCK }
  const { last: written } = await bench.tidemark('verify', 'web', '--pool', 'lab', '--against-pool')
  expect(written['disks'][0]).toMatchObject({ differences: [place], unexplained: [] })
  const lie = { id: 'unsaid again', at: 'bitmap', do: { action: 'omit' } } as const
  const { last: lied } = await bench.withFaults([lie], () =>
    bench.tidemark('verify', 'web', '--pool', 'lab', '--against-pool'),
  )
  expect(lied['disks'][0]).toMatchObject({ differences: [place], unexplained: [place] })
  await succeed(bench.tidemark('restore', 'web', '--pool', 'lab', '--over', '--no-read-back'))
}, 60_000)

test('a snapshot that the pool still has with its data is what a point is compared with, whatever the VM has written since', async () => {
  const verified = async () =>
    (await bench.tidemark('verify', 'web', '--pool', 'lab', '--against-pool')).last['disks'][0]
  const changes = async (block: number) => guestWrites(bench.lab, vdi, [block, 77], `change of ${block}`)
  const refused = { action: 'fail' as const, failure: ['INTERNAL_ERROR', 'simulated'] }
  const stays = { id: 'stays', at: 'call', match: { method: '*data_destroy' }, times: 'always', do: refused } as const
  const backup = () => bench.tidemark('backup', 'web', '--audit', 'off')

  await changes(50)
  expect((await bench.withFaults([stays], backup)).code).toBe(3)
  await changes(51)
  expect(await verified()).toMatchObject({ with: 'snapshot', differences: [], unexplained: [] })

  await succeed(backup())
  await guestWrites(bench.lab, vdi, [52], 'kept from us')
  const lie = { id: 'omits', at: 'bitmap', do: { action: 'omit' } } as const
  expect((await bench.withFaults([stays, lie], backup)).code).toBe(3)
  const place = { offset: 52 * CBT_BLOCK, length: CBT_BLOCK }
  expect(await verified()).toMatchObject({ with: 'snapshot', differences: [place], unexplained: [place] })

  await succeed(bench.tidemark('backup', 'web', '--full'))
  expect(await verified()).toMatchObject({ with: 'disk', differences: [], unexplained: [] })
}, 90_000)

test('a large disk with little on it is read back as a VHD stream, where nobody said how', async () => {
  const large = await bench.lab.control.createVm({ name: 'large', disks: [{ size: 1280 * MiB }] })
  await guestWrites(bench.lab, large.disks[0]?.uuid ?? '', [3, 9000], 'a little')
  await succeed(bench.tidemark('backup', 'large'))
  const restored = async (...options: string[]) =>
    (await succeed(bench.tidemark('restore', 'large', '--new-disk', ...options)))['disks'][0]
  const streamed = await restored()
  expect(streamed).toMatchObject({ verified: true, compared: 1280 * MiB })
  expect(await bench.lab.control.nbdReads(streamed.to)).toEqual([])
  const read = await restored('--read-back', 'nbd')
  expect(await bench.lab.control.nbdReads(read.to)).not.toEqual([])
}, 90_000)

test('a disk that a running VM has is not written to', async () => {
  await using admin = await bench.admin()
  const [vm] = await admin.VM.get_by_name_label('web')
  if (vm === undefined) throw new Error('no VM')
  await admin.VM.start(vm, false, false)
  const { code, last } = await bench.tidemark('restore', 'web', '--over')
  expect(code).not.toBe(0)
  expect(last).toMatchObject({ message: expect.stringContaining('attached to web; shut that VM down first') })
  await admin.VM.hard_shutdown(vm)
}, 60_000)

/** A pool of another make: its storage and its networks are others. */
async function otherPool(): Promise<Lab> {
  const storages = [{ name: 'Fast', type: 'ext', hosts: [0] }] as const
  const lab = await startLab({
    directory: join(bench.directory, 'other'),
    httpsPort: 0,
    nbdPort: 0,
    password: PASSWORD,
    storages,
  })
  await succeed(
    bench.tidemark(
      'pool',
      'add',
      'other',
      lab.url,
      '--fingerprint',
      lab.fingerprint,
      '--password-file',
      bench.passwordFile,
    ),
  )
  return lab
}

/** Gives a VM a card on a network of its own. */
async function withCard(name: string): Promise<{ mac: string; network: string }> {
  await using admin = await bench.admin()
  const [vm] = await admin.VM.get_by_name_label(name)
  if (vm === undefined) throw new Error('no VM')
  const mac = '0a:00:00:00:00:17'
  const network = await admin.network.create({
    name_label: 'Ward 7',
    name_description: '',
    MTU: 9000,
    other_config: {},
  })
  const none = { other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} }
  await admin.VIF.create({
    ...none,
    device: '2',
    network,
    VM: vm,
    MAC: mac,
    MTU: 9000,
    locking_mode: 'locked',
    ipv4_allowed: ['10.0.0.7'],
  })
  return { mac, network: await admin.network.get_uuid(network) }
}

/** Counts of all that a restore could make. */
const counted = async (admin: Session) => ({
  vms: (await admin.VM.get_all()).length,
  vdis: (await admin.VDI.get_all()).length,
  vifs: (await admin.VIF.get_all()).length,
  networks: (await admin.network.get_all()).length,
})

test('a restore to another pool is planned as a whole before anything is made, and goes where it was mapped to', async () => {
  const { mac, network } = card
  await using lab = await otherPool()
  await using admin = await adminOf(lab)
  const before = await counted(admin)
  const home = await succeed(bench.tidemark('restore', 'web', '--new-vm', '--plan', '--pool', 'lab'))
  expect(home['plan'].cards.at(-1)).toMatchObject({
    mac: { was: mac, will: 'new' },
    network: { will: { uuid: network } },
  })
  const unplaced = await bench.tidemark('restore', 'web', '--new-vm', '--pool', 'other')
  expect(unplaced.last['message']).toMatch(/'Local storage' is no storage repository here; .*Fast \(/)
  expect(unplaced.last['message']).toMatch(/'Ward 7' is no network here; choose one with --map-network: .*\(/)
  expect(await counted(admin)).toEqual(before)
  const [there] = await admin.network.get_all()
  const name = there === undefined ? '' : await admin.network.get_name_label(there)
  const mapped = ['--pool', 'other', '--map-sr', 'Local storage=Fast', '--map-network', `Ward 7=${name}`]
  const { plan } = await succeed(bench.tidemark('restore', 'web', '--new-vm', '--plan', ...mapped))
  expect(plan.pool).toMatchObject({ name: expect.any(String), isSame: false })
  expect(plan.disks[0].storage).toMatchObject({ will: { name: 'Fast' }, rule: 'chosen' })
  expect(plan.cards.at(-1)).toMatchObject({
    device: '2',
    mac: { was: mac, will: mac },
    network: { will: { name }, rule: 'chosen' },
  })
  expect(await counted(admin)).toEqual(before)
  const { vm, disks } = await succeed(bench.tidemark('restore', 'web', '--new-vm', '--name', 'moved', ...mapped))
  expect(await counted(admin)).toMatchObject({ vms: before.vms + 1, networks: before.networks })
  const record = await admin.VM.get_record(await admin.VM.get_by_uuid(vm.uuid))
  const cards = await Promise.all(record.VIFs.map((vif) => admin.VIF.get_record(vif)))
  expect(cards.find(({ device }) => device === '2')).toMatchObject({
    MAC: mac,
    network: there,
    MTU: 9000,
    locking_mode: 'locked',
    ipv4_allowed: ['10.0.0.7'],
  })
  expect(record.name_label).toBe('moved')
  expect(await lab.control.sha256(disks[0].to)).toBe(await bench.lab.control.sha256(vdi))
}, 90_000)

test('one disk comes back as a new disk of another VM, and cards may be left out', async () => {
  await bench.lab.control.createVm({ name: 'helper', disks: [{ size: MiB }] })
  const { disks } = await succeed(
    bench.tidemark('restore', 'web', '--pool', 'lab', '--new-disk', '--disk', 'xvda', '--attach-to', 'helper'),
  )
  await using admin = await bench.admin()
  const ref = await admin.VDI.get_by_uuid(disks[0].to)
  const vbds = await admin.VDI.get_VBDs(ref)
  const holders = await Promise.all(vbds.map(async (vbd) => admin.VM.get_name_label(await admin.VBD.get_VM(vbd))))
  expect(holders).toContain('helper')
  expect(await admin.VDI.get_other_config(ref)).toEqual({})
  expect(await bench.lab.control.sha256(disks[0].to)).toBe(await bench.lab.control.sha256(vdi))
  const { plan } = await succeed(
    bench.tidemark(
      'restore',
      'web',
      '--pool',
      'lab',
      '--new-vm',
      '--plan',
      '--map-network',
      'Ward 7=none',
      '--mac',
      'keep',
    ),
  )
  expect(plan.cards.at(-1).network).toMatchObject({ was: { name: 'Ward 7' }, rule: 'chosen' })
  expect(plan.cards.at(-1).network.will).toBeUndefined()
}, 60_000)

test('a storage without the room that the data need is refused before anything is made', async () => {
  await using small = await startLab({
    directory: join(bench.directory, 'small'),
    httpsPort: 0,
    nbdPort: 0,
    password: PASSWORD,
    storages: [{ name: 'Small', type: 'lvm', hosts: [0], size: 100 * MiB }],
  })
  await using admin = await adminOf(small)
  const pool = await openXenPool(admin)
  await using repository = await openRepository(localBackend(bench.repository), PASSWORD)
  const point = await newest(repository)
  const context = { pool, repository, ledger: noLedger, onDisk: () => {} }
  const before = await counted(admin)
  const options = { name: 'web', storage: 'Small', withoutNetworks: true }
  await expect(restoreAsNewVm(context, point, options)).rejects.toThrow(
    /need 268435456 bytes on 'Small'.* has \d+ free/,
  )
  expect(await counted(admin)).toEqual(before)
}, 60_000)
