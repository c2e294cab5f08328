import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { MiB } from '@tidemark/blocks'
import type { WireStruct } from '@tidemark/xenapi/codec'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeTarHeader } from '../src/tar/header.ts'
import { tarFile } from '../src/tar/write.ts'
import { http, loggedIn, run, testLab, type HttpAnswer, type RawClient, type TestLab } from './harness.ts'
import { rawWire } from './wire.ts'

let world: TestLab
let client: RawClient
beforeAll(async () => {
  world = await testLab()
  client = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())

/** With a task of the client's own, which outlives the transfer. */
const withTask = async (path: string): Promise<string> => {
  const task = (await client.call('task.create', 'a transfer', '')) as string
  return `${path}&session_id=${client.session}&task_id=${task}`
}
const get = async (path: string): Promise<HttpAnswer> => http(world.lab, 'GET', await withTask(path))
const put = async (path: string, body: Uint8Array): Promise<HttpAnswer> =>
  http(world.lab, 'PUT', await withTask(path), body)
const taskOf = async ({ headers }: HttpAnswer): Promise<WireStruct> =>
  (await client.call('task.get_record', headers['task-id'] as string)) as WireStruct

/** A VM with two disks that hold something here and there, to the last byte. */
async function newVm() {
  const vm = await world.lab.control.createVm({ name: 'travels', disks: [{ size: 12 * MiB }, { size: 2 * MiB }] })
  const [first, second] = vm.disks
  if (first === undefined || second === undefined) throw new Error('the VM has no disks')
  await world.lab.control.writeDisk(first.uuid, 3 * MiB + 5, randomBytes(MiB))
  await world.lab.control.writeDisk(first.uuid, 8 * MiB, Buffer.alloc(2 * MiB)) // allocated, and zero
  await world.lab.control.writeDisk(second.uuid, 2 * MiB - 3, Buffer.from('end'))
  return { vm, sums: [await world.lab.control.sha256(first.uuid), await world.lab.control.sha256(second.uuid)] }
}

/** SHA-256 of the disks of a VM, by slot. */
async function sumsOf(vm: string): Promise<string[]> {
  const vbds = (await client.call('VM.get_VBDs', vm)) as string[]
  const bySlot = await Promise.all(
    vbds.map(async (vbd) => {
      const record = (await client.call('VBD.get_record', vbd)) as WireStruct
      const uuid = (await client.call('VDI.get_uuid', record['VDI'] as string)) as string
      return [Number(record['userdevice']), await world.lab.control.sha256(uuid)] as const
    }),
  )
  return bySlot.sort((a, b) => a[0] - b[0]).map(([, sum]) => sum)
}

const madeBy = async (answer: HttpAnswer): Promise<string> => {
  const { status, result, error_info } = await taskOf(answer)
  expect([status, error_info]).toEqual(['success', []])
  return /OpaqueRef:[\da-f-]+/.exec(result as string)?.[0] ?? ''
}

/** Waits until the host has let go of the disks of the last transfer. */
async function letGo(): Promise<void> {
  const [host = ''] = (await client.call('host.get_all')) as string[]
  const domain = await client.call('host.get_control_domain', host)
  await expect.poll(() => client.call('VM.get_VBDs', domain), { timeout: 20_000 }).toEqual([])
}

/** How many objects there are after a transfer. */
async function counts(): Promise<number[]> {
  await letGo()
  return Promise.all(
    ['VM', 'VDI', 'VBD', 'VIF'].map(async (name) => ((await client.call(`${name}.get_all`)) as []).length),
  )
}

interface PythonsView {
  readonly names: string[]
  readonly wrong: string[]
  readonly checked: number
  readonly disks: Record<string, string>
}

async function pythonsView(archive: Uint8Array): Promise<PythonsView> {
  const file = join(world.directory, 'export.xva')
  await writeFile(file, archive)
  return JSON.parse(await run('python3', fileURLToPath(new URL('python/xva.py', import.meta.url)), file)) as PythonsView
}

test("Python's tarfile and libxxhash read an export: every checksum is right, zeros are left out, the ends are there", async () => {
  const { vm, sums } = await newVm()
  const { body, headers, status } = await get(`/export?uuid=${vm.uuid}`)
  expect(status).toBe(200)
  expect(headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment; filename="export.xva"',
  })
  const { names, wrong, checked, disks } = await pythonsView(body)
  expect(wrong).toEqual([])
  expect(checked).toBe(6)
  expect(names[0]).toBe('ova.xml')
  const folders = [...new Set(names.slice(1).map((name) => name.split('/')[0] ?? ''))]
  expect(folders).toEqual(folders.toSorted((a, b) => (a < b ? -1 : 1)))
  const numbers = (folder: string): string[] =>
    names.filter((name) => name.startsWith(`${folder}/`) && !name.endsWith('.xxhash')).map((name) => name.slice(-8))
  expect(folders.map(numbers).sort((a, b) => b.length - a.length)).toEqual([
    ['00000000', '00000003', '00000004', '00000011'],
    ['00000000', '00000001'],
  ])
  expect(Object.values(disks).sort()).toEqual([...sums].sort())
})

test('a VM comes back with its disks, plain and packed by gzip and zstd, there and here', async () => {
  const { vm, sums } = await newVm()
  const plain = (await get(`/export?ref=${vm.ref}`)).body
  const gzip = (await get(`/export?ref=${vm.ref}&use_compression=true`)).body
  const zstd = (await get(`/export?ref=${vm.ref}&use_compression=zstd`)).body
  expect(gunzipSync(gzip).subarray(0, 7).toString()).toBe('ova.xml')
  expect(zstd.subarray(0, 4).toString('hex')).toBe('28b52ffd')
  for (const body of [plain, gzip, zstd, gzipSync(plain), zstdCompressSync(plain)]) {
    const made = await madeBy(await put('/import?x=', body))
    expect(await sumsOf(made)).toEqual(sums)
    expect(await client.call('VM.get_power_state', made)).toBe('Halted')
    expect(await client.call('VM.get_current_operations', made)).toEqual({})
    expect(await client.call('VM.get_uuid', made)).not.toBe(vm.uuid)
  }
})

test('an import goes to the SR that it names, with the uuid of the VM when it is a restore', async () => {
  const { vm } = await newVm()
  const { body } = await get(`/export?uuid=${vm.uuid}`)
  const [seed] = [((await client.call('VM.get_other_config', vm.ref)) as WireStruct)['mac_seed']]
  await client.call('VM.destroy', vm.ref)
  const [sr] = (await client.call('SR.get_by_name_label', 'Local storage')) as string[]
  const uuid = (await client.call(
    'SR.get_uuid',
    sr ?? (await client.call('VDI.get_SR', vm.disks[0]?.ref ?? '')),
  )) as string
  const made = await madeBy(await put(`/import?restore=true&sr_uuid=${uuid}`, body))
  expect(await client.call('VM.get_uuid', made)).toBe(vm.uuid)
  expect(await client.call('VM.get_version', made)).toBe(1)
  expect(((await client.call('VM.get_other_config', made)) as WireStruct)['mac_seed']).toBe(seed)
})

test('a running VM is not exported, its snapshot is', async () => {
  const { vm, sums } = await newVm()
  const snapshot = (await client.call('VM.snapshot', vm.ref, 'point')) as string
  await client.call('VM.start', vm.ref, false, false)
  const refused = await get(`/export?ref=${vm.ref}`)
  expect(refused.status).toBe(500)
  expect((await taskOf(refused))['error_info']).toEqual(['VM_BAD_POWER_STATE', vm.ref, 'halted, suspended', 'running'])
  const made = await madeBy(await put('/import?x=', (await get(`/export?ref=${snapshot}`)).body))
  expect(await client.call('VM.get_is_a_snapshot', made)).toBe(false)
  expect(await sumsOf(made)).toEqual(sums)
  await client.call('VM.hard_shutdown', vm.ref)
})

test('a VM that sleeps travels with the disk that it sleeps in, or halted', async () => {
  const { vm } = await newVm()
  await client.call('VM.start', vm.ref, false, false)
  await client.call('VM.suspend', vm.ref)
  const asleep = (await client.call('VM.get_suspend_VDI', vm.ref)) as string
  const image = (await client.call('VDI.get_uuid', asleep)) as string
  await world.lab.control.writeDisk(image, 5 * MiB, randomBytes(MiB))
  const made = await madeBy(
    await put('/import?x=', (await get(`/export?ref=${vm.ref}&preserve_power_state=true`)).body),
  )
  const copy = (await client.call('VM.get_record', made)) as WireStruct
  expect(copy['power_state']).toBe('Suspended')
  expect(copy['suspend_VDI']).not.toBe(asleep)
  const [before, after] = [asleep, copy['suspend_VDI'] as string]
  expect(await client.call('VDI.get_type', after)).toBe('suspend')
  const contents = [before, after].map(async (vdi) => {
    const uuid = (await client.call('VDI.get_uuid', vdi)) as string
    return Buffer.from(await world.lab.control.readDisk(uuid, 4 * MiB, 3 * MiB))
  })
  const [original, copied] = await Promise.all(contents)
  expect(copied?.equals(original ?? Buffer.alloc(0))).toBe(true)
  await letGo()
  await client.call('VM.resume', made, false, false)
  const halted = await madeBy(await put('/import?x=', (await get(`/export?ref=${vm.ref}`)).body))
  expect(await client.call('VM.get_power_state', halted)).toBe('Halted')
})

test('a medium stays where it is: the drive comes back with it, or empty', async () => {
  const { vm } = await newVm()
  const medium = (await client.call('VDI.create', {
    name_label: 'medium',
    SR: await client.call('VDI.get_SR', vm.disks[0]?.ref ?? ''),
    virtual_size: String(2 * MiB),
    type: 'user',
    sharable: false,
    read_only: true,
    other_config: {},
  })) as string
  const drive = {
    VM: vm.ref,
    VDI: medium,
    userdevice: '3',
    bootable: false,
    mode: 'RO',
    type: 'CD',
    empty: false,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  }
  await client.call('VBD.create', drive)
  const { body } = await get(`/export?ref=${vm.ref}`)
  const { disks } = await pythonsView(body)
  expect(Object.keys(disks)).toHaveLength(2)
  const driveOf = async (ref: string): Promise<WireStruct | undefined> => {
    const vbds = (await client.call('VM.get_VBDs', ref)) as string[]
    const records = await Promise.all(vbds.map((vbd) => client.call('VBD.get_record', vbd)))
    return (records as WireStruct[]).find(({ type }) => type === 'CD')
  }
  const made = await madeBy(await put('/import?x=', body))
  expect(await driveOf(made)).toMatchObject({ VDI: medium, empty: false })
  for (const each of [made, vm.ref]) await client.call('VM.destroy', each)
  await client.call('VDI.destroy', medium)
  expect(await driveOf(await madeBy(await put('/import?x=', body)))).toMatchObject({ empty: true })
})

test('a wrong checksum, a cut archive and one that is none leave nothing; force takes what comes', async () => {
  const { vm } = await newVm()
  const { body } = await get(`/export?uuid=${vm.uuid}`)
  const before = await counts()
  const errorOf = async (archive: Uint8Array): Promise<unknown> =>
    (await taskOf(await put('/import?x=', archive)))['error_info']
  const damaged = Buffer.from(body)
  const chunk = damaged.indexOf('/00000003\0')
  damaged[chunk + 3000] = (damaged[chunk + 3000] ?? 0) ^ 1
  expect(await errorOf(damaged)).toEqual([
    'IMPORT_ERROR',
    expect.stringMatching(
      /^Block Ref:\d+\/00000003 checksum failed: original = [\dA-F]{16}; recomputed = [\dA-F]{16}$/,
    ),
  ])
  expect(await errorOf(body.subarray(0, body.length / 2))).toEqual(['IMPORT_ERROR_PREMATURE_EOF'])
  expect(await errorOf(gzipSync(body).subarray(0, 5000))).toEqual(['IMPORT_ERROR_PREMATURE_EOF'])
  expect(await errorOf(randomBytes(4096))).toMatchObject(['IMPORT_ERROR', expect.any(String)])
  expect(await counts()).toEqual(before)
  const made = await madeBy(await put('/import?force=true', damaged))
  expect(await sumsOf(made)).toHaveLength(2)
})

test('chunked encoding is refused with 403', async () => {
  const task = (await client.call('task.create', 'import', '')) as string
  using wire = await rawWire(world.lab, `PUT /import?session_id=${client.session}&task_id=${task}`, {
    'Transfer-Encoding': 'chunked',
  })
  expect(await wire.head()).toMatch(/^HTTP\/1\.1 403 /)
  expect(await client.call('task.get_error_info', task)).toEqual(['IMPORT_ERROR_CANNOT_HANDLE_CHUNKED'])
})

test('a VM that is being exported says so, and stays as it is until the end', async () => {
  await using slow = await testLab({ detachDelayMs: 0, busyWaitMs: 10 })
  const user = await loggedIn(slow)
  const vm = await slow.lab.control.createVm({ name: 'vm', disks: [{ size: 64 * MiB }] })
  await slow.lab.control.writeDisk(vm.disks[0]?.uuid ?? '', 0, randomBytes(48 * MiB))
  const task = (await user.call('task.create', 'export', '')) as string
  using wire = await rawWire(slow.lab, `GET /export?ref=${vm.ref}&session_id=${user.session}&task_id=${task}`, {})
  await wire.head()
  wire.socket.pause()
  expect(await user.call('VM.get_current_operations', vm.ref)).toEqual({ [task]: 'export' })
  const refused = await user.failure('VM.start', vm.ref, false, false)
  expect(refused).toEqual(['OTHER_OPERATION_IN_PROGRESS', 'VM', vm.ref, 'export', task])
  await user.call('task.cancel', task)
  await expect.poll(() => user.call('VM.get_current_operations', vm.ref)).toEqual({})
})

test('a cancelled export ends at once, packed too, though its client reads nothing', async () => {
  await using slow = await testLab()
  const user = await loggedIn(slow)
  const vm = await slow.lab.control.createVm({ name: 'vm', disks: [{ size: 64 * MiB }] })
  await slow.lab.control.writeDisk(vm.disks[0]?.uuid ?? '', 0, randomBytes(48 * MiB))
  for (const packed of ['gzip', 'zstd']) {
    const task = (await user.call('task.create', 'export', '')) as string
    const query = `ref=${vm.ref}&use_compression=${packed}&session_id=${user.session}&task_id=${task}`
    using wire = await rawWire(slow.lab, `GET /export?${query}`, {})
    await wire.head()
    wire.socket.pause()
    await user.call('task.cancel', task)
    await expect.poll(() => user.call('task.get_status', task)).toBe('cancelled')
  }
})

test('an import says when all objects are there, before their data have come', async () => {
  const { vm } = await newVm()
  const { body } = await get(`/export?uuid=${vm.uuid}`)
  const before = await counts()
  const task = (await client.call('task.create', 'import', '')) as string
  {
    using wire = await rawWire(world.lab, `PUT /import?session_id=${client.session}&task_id=${task}`, {
      'Content-Length': String(body.length),
    })
    wire.write(body.subarray(0, body.length - MiB))
    await expect.poll(() => client.call('task.get_other_config', task)).toMatchObject({ object_creation: 'complete' })
    const vms = Object.values((await client.call('VM.get_all_records')) as Record<string, WireStruct>)
    expect(vms.filter((each) => (each['current_operations'] as WireStruct)[task] === 'import')).toHaveLength(1)
  }
  await expect.poll(() => client.call('task.get_error_info', task)).toEqual(['IMPORT_ERROR_PREMATURE_EOF'])
  expect(await counts()).toEqual(before)
})

test('a disk travels as an archive of its chunks', async () => {
  const { vm, sums } = await newVm()
  const target = await newVm()
  const { body, headers } = await get(`/export_raw_vdi?vdi=${vm.disks[0]?.uuid}&format=tar`)
  expect(headers['content-type']).toBe('application/x-tar')
  const { names, disks, wrong } = await pythonsView(body)
  expect(names[0]).toBe('vdi/00000000')
  expect([disks, wrong]).toEqual([{ vdi: sums[0] }, []])
  const into = target.vm.disks[0]?.uuid ?? ''
  await world.lab.control.writeDisk(into, 0, Buffer.alloc(12 * MiB))
  const answer = await put(`/import_raw_vdi?vdi=${into}&format=tar`, body)
  expect((await taskOf(answer))['status']).toBe('success')
  expect(await world.lab.control.sha256(into)).toBe(sums[0])
  const wrongSum = Buffer.from(body)
  wrongSum[1000] = 7
  expect(await taskOf(await put(`/import_raw_vdi?vdi=${into}&format=tar`, wrongSum))).toMatchObject({
    error_info: ['INTERNAL_ERROR', expect.stringContaining('checksum failed')],
  })
})

test('chunks without content keep a connection alive and mean nothing; SHA-1 of old hosts is taken', async () => {
  const { vm } = await newVm()
  const into = vm.disks[1]?.uuid ?? ''
  const data = randomBytes(MiB)
  const file = (number: number, content: Uint8Array): Uint8Array[] => {
    const name = `vdi/${String(number).padStart(8, '0')}`
    const sum = createHash('sha1').update(content).digest('hex')
    return [...tarFile(name, content), ...tarFile(`${name}.checksum`, Buffer.from(sum))]
  }
  const pax = [encodeTarHeader({ name: 'x', size: 5 }), Buffer.alloc(512, 'c')]
  pax[0]?.write('x', 156)
  const header = pax[0] ?? Buffer.alloc(0)
  header.write('        ', 148)
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  const body = Buffer.concat([...pax, ...file(0, data), ...file(1, Buffer.alloc(0)), ...file(2, data)])
  expect((await taskOf(await put(`/import_raw_vdi?vdi=${into}&format=tar`, body)))['error_info']).toEqual([])
  expect(Buffer.from(await world.lab.control.readDisk(into, MiB, MiB)).equals(data)).toBe(true)
})

test('all that leaves the objects of the pool as they have to be', async () => {
  expect(await world.lab.control.invariants()).toEqual([])
})
