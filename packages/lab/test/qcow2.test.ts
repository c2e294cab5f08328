import { createHash, randomBytes } from 'node:crypto'
import { open, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import type { WireStruct } from '@tidemark/xenapi/codec'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { http, loggedIn, run, testLab, type HttpAnswer, type RawClient, type TestLab } from './harness.ts'
import { rawWire } from './wire.ts'

let world: TestLab
let client: RawClient
beforeAll(async () => {
  world = await testLab()
  client = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const get = (path: string): Promise<HttpAnswer> => http(world.lab, 'GET', `${path}&session_id=${client.session}`)
const put = async (path: string, body: Uint8Array): Promise<WireStruct> => {
  const task = (await client.call('task.create', 'import', '')) as string
  await http(world.lab, 'PUT', `${path}&session_id=${client.session}&task_id=${task}`, body)
  return (await client.call('task.get_record', task)) as WireStruct
}

async function newDisk(size: number): Promise<{ uuid: string; ref: string }> {
  const { disks } = await world.lab.control.createVm({ name: 'vm', disks: [{ size }] })
  const [disk] = disks
  if (disk === undefined) throw new Error('the VM has no disk')
  return disk
}

/** The same data here and there in a disk and in a sparse file. */
async function scattered(uuid: string, size: number): Promise<string> {
  const raw = file(`${uuid}.raw`)
  await writeFile(raw, '')
  await truncate(raw, size)
  const handle = await open(raw, 'r+')
  for (const at of [0, 5 * MiB + 77, 700 * MiB, size - 300_000]) {
    const data = randomBytes(300_000)
    await world.lab.control.writeDisk(uuid, at, data)
    await handle.write(data, 0, data.length, at)
  }
  await handle.close()
  return raw
}

/** Passes over holes on both sides. @throws when they differ */
const compare = (raw: string, qcow2: string): Promise<string> =>
  run('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', raw, qcow2)

const file = (name: string): string => join(world.directory, name)
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

test('qemu-img finds an export sound and equal to the raw one', async () => {
  const { uuid } = await newDisk(1200 * MiB)
  const raw = await scattered(uuid, 1200 * MiB)
  const { body, headers } = await get(`/export_raw_vdi?vdi=${uuid}&format=qcow2`)
  expect(headers).toMatchObject({
    'content-type': 'application/x-qemu-disk',
    'content-disposition': `attachment; filename="${uuid}.qcow2"`,
  })
  expect(body.length).toBeLessThan(3 * MiB)
  await writeFile(file('export.qcow2'), body)
  expect(await run('qemu-img', 'check', '-f', 'qcow2', file('export.qcow2'))).toContain('No errors were found')
  const info = JSON.parse(await run('qemu-img', 'info', '--output=json', file('export.qcow2'))) as WireStruct
  expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': 1200 * MiB, 'cluster-size': 65_536 })
  expect(await compare(raw, file('export.qcow2'))).toContain('Images are identical')
})

test('images of qemu-img, version 2 and 3, come in with all that they hold', async () => {
  const { uuid: model } = await newDisk(720 * MiB)
  const raw = await scattered(model, 720 * MiB)
  const variants = [
    ['-o', 'compat=0.10'],
    ['-o', 'compat=1.1'],
    ['-o', 'cluster_size=4096'],
    ['-o', 'cluster_size=2M'],
  ]
  for (const [index, options] of variants.entries()) {
    const image = file(`variant-${index}.qcow2`)
    await run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, image)
    const { uuid, ref } = await newDisk(720 * MiB)
    expect(await put(`/import_raw_vdi?vdi=${ref}&format=qcow2`, await readFile(image))).toMatchObject({
      status: 'success',
      result: `<value>${ref}</value>`,
    })
    await writeFile(file('back.qcow2'), (await get(`/export_raw_vdi?vdi=${uuid}&format=qcow2`)).body)
    expect(await compare(raw, file('back.qcow2'))).toContain('Images are identical')
  }
})

test('an image against a base holds the clusters that differ, zeros too, and merges into a copy of the base', async () => {
  const { uuid, ref } = await newDisk(8 * MiB)
  await world.lab.control.writeDisk(uuid, 0, randomBytes(2 * MiB))
  const base = (await client.call('VDI.snapshot', ref)) as string
  const copy = (await client.call('VDI.clone', base)) as string
  await world.lab.control.writeDisk(uuid, MiB, Buffer.alloc(65_536))
  await world.lab.control.writeDisk(uuid, 7 * MiB, randomBytes(1000))
  const { body } = await get(`/export_raw_vdi?vdi=${uuid}&format=qcow2&base=${base}`)
  expect(body.length).toBe(7 * 65_536) // five of tables, two of data
  await writeFile(file('delta.qcow2'), body)
  await run('qemu-img', 'check', '-f', 'qcow2', file('delta.qcow2'))
  expect((await put(`/import_raw_vdi?vdi=${copy}&format=qcow2`, body))['status']).toBe('success')
  const into = (await client.call('VDI.get_uuid', copy)) as string
  expect(await world.lab.control.sha256(into)).toBe(await world.lab.control.sha256(uuid))
})

test('an image in a body of unknown length ends with its last cluster', async () => {
  const { uuid, ref } = await newDisk(4 * MiB)
  const data = randomBytes(4 * MiB)
  await world.lab.control.writeDisk(uuid, 0, data)
  const { body } = await get(`/export_raw_vdi?vdi=${uuid}&format=qcow2`)
  await world.lab.control.writeDisk(uuid, 0, randomBytes(4 * MiB))
  const task = (await client.call('task.create', 'import', '')) as string
  using wire = await rawWire(
    world.lab,
    `PUT /import_raw_vdi?vdi=${ref}&format=qcow2&session_id=${client.session}&task_id=${task}`,
    { 'Content-Length': String(1024 ** 5) },
  )
  wire.write(body)
  await expect.poll(() => client.call('task.get_status', task)).toBe('success')
  expect(await world.lab.control.sha256(uuid)).toBe(sha256(data))
})

test('images that no stream can be read of, larger ones and cut ones are I/O errors', async () => {
  const { ref } = await newDisk(2 * MiB)
  const ioError = { status: 'failure', error_info: ['VDI_IO_ERROR', 'Device I/O errors'] }
  const refused = async (name: string): Promise<void> => {
    expect(await put(`/import_raw_vdi?vdi=${ref}&format=qcow2`, await readFile(file(name)))).toMatchObject(ioError)
  }
  await writeFile(file('small.raw'), Buffer.alloc(2 * MiB, 'compresses well'))
  await run('qemu-img', 'convert', '-c', '-O', 'qcow2', '-f', 'raw', file('small.raw'), file('compressed.qcow2'))
  await refused('compressed.qcow2')
  await run('qemu-img', 'create', '-f', 'qcow2', '-b', file('compressed.qcow2'), '-F', 'qcow2', file('backed.qcow2'))
  await refused('backed.qcow2')
  await run('qemu-img', 'create', '-f', 'qcow2', file('larger.qcow2'), '4M')
  await refused('larger.qcow2')
  await run('qemu-img', 'convert', '-O', 'qcow2', '-f', 'raw', file('small.raw'), file('whole.qcow2'))
  await truncate(file('whole.qcow2'), MiB)
  await refused('whole.qcow2')
})

test('an image straight into an SR is refused with 400', async () => {
  const [sr] = (await client.call('SR.get_all')) as string[]
  const answer = await http(
    world.lab,
    'PUT',
    `/import_raw_vdi?sr_id=${sr}&format=qcow2&session_id=${client.session}`,
    Buffer.alloc(512),
  )
  expect(answer.status).toBe(400)
})
