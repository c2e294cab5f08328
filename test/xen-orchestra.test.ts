import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { startLab, type Lab, type MadeVm } from '@tidemark/lab'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { follow } from './soak/xen-orchestra.ts'
import { adminOf, guestWrites } from './support/pool.ts'
import { XenOrchestra } from './support/xen-orchestra.ts'

const auth = { user: 'root', password: 'correct horse' }
let directory: string
let lab: Lab
let vm: MadeVm

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tm-xo-'))
  lab = await startLab({
    directory: join(directory, 'lab'),
    password: auth.password,
    httpsPort: 0,
    nbdPort: 0,
    loginDelayMs: 0,
    dataDestroyWaitMs: 200,
  })
  vm = await lab.control.createVm({ name: 'web', disks: [{ size: 16 * MiB, tracked: true }], running: true })
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const connected = async (options: object = {}): Promise<XenOrchestra> => {
  const xo = new XenOrchestra()
  await xo.do('connect', { url: lab.url, auth, allowUnauthorized: true, ...options })
  return xo
}

const disk = () => {
  const [first] = vm.disks
  if (first === undefined) throw new Error('the VM has no disk')
  return first
}

describe.each(['json-rpc', 'xml-rpc'])('xen-api over %s', (transport) => {
  let xo: XenOrchestra
  let types: readonly string[]

  beforeAll(async () => {
    xo = new XenOrchestra()
    const options = { url: lab.url, auth, allowUnauthorized: true, transport }
    types = (await xo.do('connect', options)).types
  })
  afterAll(() => xo[Symbol.asyncDispose]())

  test('mirrors all objects of every class', async () => {
    const found = await xo.do('differences')
    expect(found).toEqual({ classes: types.length, objects: expect.any(Number), differences: [] })
    expect(found.objects).toBeGreaterThan(15)
    expect(types).toEqual(
      expect.arrayContaining(['VM', 'VDI', 'VBD', 'VIF', 'SR', 'PIF', 'PBD', 'task', 'pool', 'host']),
    )
    expect(await xo.do('neighbours', vm.ref, 'VBDs')).toHaveLength(1)
    expect(await xo.do('neighbours', disk().ref, 'SR')).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/u)])
  })

  test('a change made elsewhere is in the mirror after a barrier, by events alone', async () => {
    await xo.do('callCounts')
    await using admin = await adminOf(lab)
    const name = `named over ${transport} <&> ü`
    const ref = await admin.VM.get_by_uuid(vm.uuid)
    await admin.VM.set_name_label(ref, name)
    await admin.VM.add_to_other_config(ref, `key ${transport}`, '')
    expect(await xo.do('barrier', vm.ref)).toMatchObject({
      name_label: name,
      other_config: expect.objectContaining({ [`key ${transport}`]: '' }),
    })
    const vdi = await xo.do('method', 'VDI_create', { name_label: 'new', virtual_size: 4 * MiB, SR: await srOf(xo) })
    await xo.do('barrier')
    expect(await xo.do('mirrored', vdi)).toMatchObject({ class: 'VDI', record: { name_label: 'new' } })
    await xo.do('method', 'VDI_destroy', vdi)
    await xo.do('barrier')
    expect(await xo.do('mirrored', vdi)).toBeUndefined()
    const counts = await xo.do('callCounts')
    expect(Object.keys(counts).filter((method) => method.endsWith('.get_all_records'))).toEqual([])
  })

  test('an asynchronous call ends with its result, or with the failure of the pool', async () => {
    const ref = await xo.do('callAsync', 'VM.snapshot', vm.ref, 'a snapshot')
    expect(ref).toMatch(/^OpaqueRef:/u)
    await xo.do('barrier')
    expect(await xo.do('mirrored', ref)).toMatchObject({ record: { is_a_snapshot: true, snapshot_of: vm.ref } })
    await xo.do('method', 'VM_destroy', ref)
    await expect(xo.do('callAsync', 'VM.snapshot', 'OpaqueRef:none', 'a snapshot')).rejects.toMatchObject({
      code: 'HANDLE_INVALID',
      params: ['VM', 'OpaqueRef:none'],
    })
    expect(await xo.do('differences')).toMatchObject({ differences: [] })
  })

  test('a transfer whose task is cancelled settles, and leaves nothing behind', async () => {
    expect(await xo.do('cancelledExport', disk().ref)).toBe('task canceled')
    expect(await xo.do('differences')).toMatchObject({ differences: [] })
  })

  test('a session that the pool has ended is replaced', async () => {
    await lab.control.expireSessions()
    expect(await xo.do('call', 'VM.get_uuid', vm.ref)).toBe(vm.uuid)
    expect(await xo.do('differences')).toMatchObject({ differences: [] })
  })

  test('it had nothing to warn of', () => expect(xo.output).toBe(''))
})

test('a wrong password is refused with the code of the pool', async () => {
  await using xo = new XenOrchestra()
  const wrong = { url: lab.url, auth: { user: 'root', password: 'wrong' }, allowUnauthorized: true }
  await expect(xo.do('connect', wrong)).rejects.toMatchObject({
    code: 'SESSION_AUTHENTICATION_FAILED',
    params: ['root', expect.any(String)],
  })
})

test("the pool's own certificate is refused, unless XO is told to trust it", async () => {
  await using xo = new XenOrchestra()
  await expect(xo.do('connect', { url: lab.url, auth })).rejects.toMatchObject({
    code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/u),
  })
})

describe('@xen-orchestra/xapi', () => {
  let xo: XenOrchestra
  beforeAll(async () => {
    xo = await connected()
  })
  afterAll(() => xo[Symbol.asyncDispose]())

  test('a snapshot of a VM is made and destroyed with its disks', async () => {
    const before = await xo.do('call', 'VDI.get_all')
    const snapshot = await xo.do('method', 'VM_snapshot', vm.ref, { name_label: 'nightly' })
    const disks = await xo.do('method', 'VM_getDisks', snapshot)
    expect(disks).toHaveLength(1)
    await xo.do('barrier')
    expect(await xo.do('mirrored', disks[0])).toMatchObject({
      record: { is_a_snapshot: true, snapshot_of: disk().ref },
    })
    await xo.do('method', 'VM_destroy', snapshot)
    expect(await xo.do('call', 'VDI.get_all')).toEqual(before)
    expect(await xo.do('call', 'VM.get_snapshots', vm.ref)).toEqual([])
  })

  test.each(['vhd', 'raw'])('a disk goes out and into another one as %s', async (format) => {
    await guestWrites(lab, disk().uuid, [0, 7, 100, 255], `through ${format}`)
    const snapshot = await xo.do('call', 'VDI.snapshot', disk().ref)
    const path = join(directory, `full.${format}`)
    await xo.do('exportDisk', snapshot, path, { format })
    const copy = await newDisk(xo, 16 * MiB)
    await xo.do('importDisk', copy, path, format)
    expect(await sha256Of(xo, copy)).toBe(await lab.control.sha256(disk().uuid))
    const after = await xo.do('call', 'VDI.get_other_config', copy)
    expect(Object.keys(after).filter((key) => key.startsWith('xo:import'))).toEqual([])
    for (const ref of [copy, snapshot]) await xo.do('method', 'VDI_destroy', ref)
  })

  test('a delta with its base, put on a copy of the base, is the newer disk', async () => {
    const base = await xo.do('call', 'VDI.snapshot', disk().ref)
    await guestWrites(lab, disk().uuid, [3, 32, 33, 254], 'delta')
    const newer = await xo.do('call', 'VDI.snapshot', disk().ref)
    const [full, delta] = [join(directory, 'base.vhd'), join(directory, 'delta.vhd')]
    await xo.do('exportDisk', base, full, { format: 'vhd' })
    await xo.do('exportDisk', newer, delta, { format: 'vhd', baseRef: base })
    const copy = await newDisk(xo, 16 * MiB)
    await xo.do('importDisk', copy, full, 'vhd')
    await xo.do('importDisk', copy, delta, 'vhd')
    expect(await sha256Of(xo, copy)).toBe(await lab.control.sha256(disk().uuid))
    // the control domain lets go of a disk some moments after its export
    for (const ref of [newer, base]) {
      await expect.poll(() => xo.do('call', 'VDI.get_VBDs', ref), { timeout: 10_000 }).toEqual([])
    }
    const bitmap = Buffer.from(await xo.do('changedBlocks', newer, base), 'hex')
    expect(bitsOf(bitmap)).toEqual([3, 32, 33, 254])
    for (const ref of [copy, newer, base]) await xo.do('method', 'VDI_destroy', ref)
  })

  test('XO reads a full disk over NBD beside the stream, and a delta over CBT and NBD', async () => {
    const base = await xo.do('call', 'VDI.snapshot', disk().ref)
    expect(await xo.do('readDisk', { vdiRef: base, preferNbd: true })).toMatchObject({ nbd: true, cbt: false })
    await guestWrites(lab, disk().uuid, [40, 200], 'over CBT')
    const newer = await xo.do('call', 'VDI.snapshot', disk().ref)
    const delta = { vdiRef: newer, baseRef: base }
    const plain = await xo.do('readDisk', { ...delta, preferNbd: false })
    expect(plain).toMatchObject({ nbd: false, cbt: false, blocks: [1, 6] })
    // a disk that the control domain still holds is no candidate for CBT: VDI_IN_USE
    await expect.poll(() => xo.do('call', 'VDI.get_VBDs', newer), { timeout: 10_000 }).toEqual([])
    const over = await xo.do('readDisk', { ...delta, preferNbd: true })
    expect(over).toEqual({ ...plain, nbd: true, cbt: true })
    for (const ref of [newer, base]) await xo.do('method', 'VDI_destroy', ref)
  })

  test('it leaves no task, no disk and no VBD of the control domain behind', async () => {
    expect(await xo.do('differences')).toMatchObject({ differences: [] })
    expect(await xo.do('call', 'VDI.get_all')).toEqual([disk().ref])
    expect(await xo.do('call', 'VBD.get_all')).toHaveLength(1)
    expect(await lab.control.invariants()).toEqual([])
  })
})

test('its mirrors are the pool, after clients have done things at random', { timeout: 60_000 }, async () => {
  const result = await follow({ seconds: 5, clients: 3, seed: 11 })
  expect(result.mirrors.map(({ transport }) => transport)).toEqual(['json-rpc', 'xml-rpc'])
  for (const mirror of result.mirrors) {
    expect(mirror).toMatchObject({ differences: [], output: '' })
    expect(mirror.events).toBeGreaterThan(50)
  }
  expect(result.steps).toBeGreaterThan(15)
})

describe('@vates/nbd-client', () => {
  test('reads a whole disk over TLS, alone and over four connections', async () => {
    await using xo = await connected({ watchEvents: false })
    const info = await xo.do('call', 'VDI.get_nbd_info', disk().ref)
    expect(info).toHaveLength(1)
    const whole = { size: 16 * MiB, sha256: await lab.control.sha256(disk().uuid) }
    expect(await xo.do('readOverNbd', info[0])).toEqual(whole)
    expect(await xo.do('readOverManyNbd', info, 4)).toEqual(whole)
    expect(xo.output).toBe('')
  })
})

const srOf = async (xo: XenOrchestra): Promise<string> => xo.do('call', 'VDI.get_SR', disk().ref)

const newDisk = async (xo: XenOrchestra, size: number): Promise<string> =>
  xo.do('method', 'VDI_create', { name_label: 'copy', virtual_size: size, SR: await srOf(xo) })

const sha256Of = async (xo: XenOrchestra, ref: string): Promise<string> =>
  lab.control.sha256(await xo.do('call', 'VDI.get_uuid', ref))

/** Positions of the set bits, the first bit of a byte being its highest. */
const bitsOf = (bitmap: Uint8Array): readonly number[] =>
  [...bitmap].flatMap((byte, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (0x80 >> bit)).map((bit) => i * 8 + bit),
  )
