import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { MiB } from '@tidemark/blocks'
import type { WireStruct } from '@tidemark/xenapi/codec'
import { expect, test } from 'vitest'
import { startLab } from '../src/index.ts'
import { http, loggedIn, quick, testLab, type RawClient, type TestLab } from './harness.ts'
import { rawWire } from './wire.ts'

interface World extends AsyncDisposable {
  readonly world: TestLab
  readonly client: RawClient
  readonly uuid: string
  readonly vdi: string
  readonly task: string
  readonly record: () => Promise<WireStruct>
  /** The attached VBDs of the disk. */
  readonly holds: () => Promise<number>
}

/** A lab with one disk and a client's task. */
async function openWorld(size = 8 * MiB): Promise<World> {
  const world = await testLab()
  const client = await loggedIn(world)
  const { disks } = await world.lab.control.createVm({ name: 'vm', disks: [{ size }] })
  const { uuid = '', ref: vdi = '' } = disks[0] ?? {}
  const task = (await client.call('task.create', 'mine', '')) as string
  return {
    world,
    client,
    uuid,
    vdi,
    task,
    record: async () => (await client.call('task.get_record', task)) as WireStruct,
    async holds() {
      const vbds = (await client.call('VDI.get_VBDs', vdi)) as string[]
      const attached = await Promise.all(vbds.map((vbd) => client.call('VBD.get_currently_attached', vbd)))
      return attached.filter((each) => each === true).length
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

const cookie = ({ client, task }: World): string => `session_id=${client.session}; task_id=${task}`

test('a cancelled import ends at once though its client neither sends nor goes', async () => {
  await using at = await openWorld()
  using wire = await rawWire(at.world.lab, `PUT /import_raw_vdi?vdi=${at.uuid}`, {
    Cookie: cookie(at),
    'Content-Length': String(8 * MiB),
  })
  expect(await wire.head()).toMatch(/^HTTP\/1\.1 200 /)
  await at.client.call('task.cancel', at.task)
  await expect.poll(async () => (await at.record())['status']).toBe('cancelled')
  await expect.poll(at.holds).toBe(0)
})

test('a cancelled export ends at once though its client reads nothing', async () => {
  await using at = await openWorld(256 * MiB)
  using wire = await rawWire(at.world.lab, `GET /export_raw_vdi?vdi=${at.uuid}`, { Cookie: cookie(at) })
  wire.socket.pause()
  await expect.poll(at.holds).toBe(1)
  await at.client.call('task.cancel', at.task)
  await expect.poll(async () => (await at.record())['status']).toBe('cancelled')
  await expect.poll(at.holds).toBe(0)
})

test('a task that was cancelled before its transfer came stays cancelled, and no disk is held', async () => {
  await using at = await openWorld()
  await at.client.call('task.cancel', at.task)
  const answer = await http(at.world.lab, 'PUT', `/import_raw_vdi?vdi=${at.uuid}`, Buffer.alloc(512, 1), {
    Cookie: cookie(at),
  })
  expect(answer.status).toBe(500)
  expect((await at.record())['status']).toBe('cancelled')
  expect(Buffer.from(await at.world.lab.control.readDisk(at.uuid, 0, 4))).toEqual(Buffer.alloc(4))
  expect(await at.holds()).toBe(0)
})

test('a client that goes away in mid import fails its task and lets go of the disk', async () => {
  await using at = await openWorld()
  {
    using wire = await rawWire(at.world.lab, `PUT /import_raw_vdi?vdi=${at.uuid}`, {
      Cookie: cookie(at),
      'Content-Length': String(8 * MiB),
    })
    await wire.head()
    wire.write(randomBytes(MiB))
    await expect.poll(at.holds).toBe(1)
  }
  await expect.poll(async () => (await at.record())['status']).toBe('failure')
  expect((await at.record())['error_info']).toEqual(['VDI_IO_ERROR', 'Device I/O errors'])
  await expect.poll(at.holds).toBe(0)
})

test('a client that goes away in mid export fails its task and lets go of the disk', async () => {
  await using at = await openWorld(256 * MiB)
  {
    using wire = await rawWire(at.world.lab, `GET /export_raw_vdi?vdi=${at.uuid}`, { Cookie: cookie(at) })
    await wire.head()
    await expect.poll(at.holds).toBe(1)
  }
  await expect.poll(async () => (await at.record())['status']).toBe('failure')
  expect((await at.record())['error_info']).toEqual(['CLIENT_ERROR', expect.any(String)])
  await expect.poll(at.holds).toBe(0)
})

test('a lab stops while transfers run: their tasks failed, no disk is held, and the state opens again', async () => {
  const at = await openWorld(256 * MiB)
  await using _ = at
  const { lab, directory } = at.world
  using writer = await rawWire(lab, `PUT /import_raw_vdi?vdi=${at.uuid}`, {
    Cookie: cookie(at),
    'Content-Length': String(8 * MiB),
  })
  await writer.head()
  using reader = await rawWire(lab, `GET /export_raw_vdi?vdi=${at.uuid}&session_id=${at.client.session}`, {})
  await reader.head()
  const failures: unknown[] = []
  const onRejection = (error: unknown): void => void failures.push(error)
  process.on('unhandledRejection', onRejection)
  try {
    await lab.stop()
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  expect(failures).toEqual([])
  await using again = await startLab({ directory, ...quick })
  const client = await loggedIn({ lab: again })
  expect(await client.call('VDI.get_uuid', at.vdi)).toBe(at.uuid)
  const vbds = (await client.call('VDI.get_VBDs', at.vdi)) as string[]
  expect(vbds).toHaveLength(1)
})

test('a wrong login fails the task that the cookie or the query names', async () => {
  await using at = await openWorld()
  const path = `/export_raw_vdi?vdi=${at.uuid}`
  const byCookie = await http(at.world.lab, 'GET', path, undefined, {
    Cookie: `session_id=OpaqueRef:nobody; task_id=${at.task}`,
  })
  expect(byCookie.status).toBe(401)
  expect(byCookie.headers['www-authenticate']).toMatch(/^Basic realm="/)
  expect(byCookie.body.toString()).toContain('<html>')
  expect((await at.record())['error_info']).toEqual(['SESSION_AUTHENTICATION_FAILED'])
  const other = (await at.client.call('task.create', 'other', '')) as string
  await http(at.world.lab, 'GET', `${path}&task_id=${other}`)
  expect(await at.client.call('task.get_error_info', other)).toEqual(['SESSION_AUTHENTICATION_FAILED'])
})

test('a finished task is not taken again, and its outcome stays', async () => {
  await using at = await openWorld()
  const path = `/import_raw_vdi?vdi=${at.uuid}`
  await http(at.world.lab, 'PUT', path, Buffer.alloc(512), { Cookie: cookie(at) })
  expect((await http(at.world.lab, 'PUT', path, Buffer.alloc(512), { Cookie: cookie(at) })).status).toBe(500)
  expect((await at.record())['status']).toBe('success')
})

test('a VHD in a body of one pebibyte ends where it ends, and the client goes when its task is done', async () => {
  await using at = await openWorld()
  const { lab } = at.world
  await lab.control.writeDisk(at.uuid, 3 * MiB, randomBytes(MiB))
  const sum = await lab.control.sha256(at.uuid)
  const { body } = await http(lab, 'GET', `/export_raw_vdi?vdi=${at.uuid}&format=vhd&session_id=${at.client.session}`)
  await lab.control.writeDisk(at.uuid, 3 * MiB, Buffer.alloc(MiB, 7))
  using wire = await rawWire(lab, `PUT /import_raw_vdi?vdi=${at.uuid}&format=vhd`, {
    Cookie: cookie(at),
    'Content-Length': String(1024 ** 5),
  })
  wire.write(body)
  await expect.poll(async () => (await at.record())['status']).toBe('success')
  expect(await lab.control.sha256(at.uuid)).toBe(sum)
})

test('a client that announces a pebibyte and cuts the connection behind its VHD has sent a whole one', async () => {
  await using at = await openWorld()
  const { lab } = at.world
  await lab.control.writeDisk(at.uuid, 0, randomBytes(6 * MiB))
  const sum = await lab.control.sha256(at.uuid)
  const { body } = await http(lab, 'GET', `/export_raw_vdi?vdi=${at.uuid}&format=vhd&session_id=${at.client.session}`)
  await lab.control.writeDisk(at.uuid, 0, Buffer.alloc(6 * MiB, 7))
  using wire = await rawWire(lab, `PUT /import_raw_vdi?vdi=${at.uuid}&format=vhd`, {
    Cookie: cookie(at),
    'Content-Length': String(1024 ** 5),
  })
  await wire.head()
  wire.socket.end(body)
  await expect.poll(async () => (await at.record())['status']).toBe('success')
  expect(await lab.control.sha256(at.uuid)).toBe(sum)
})

test('raw data without a length are as many as the disk has, in whatever pieces', async () => {
  await using at = await openWorld(2 * MiB)
  const { lab } = at.world
  const data = randomBytes(2 * MiB)
  using wire = await rawWire(lab, `PUT /import_raw_vdi?vdi=${at.uuid}`, { Cookie: cookie(at) })
  wire.write(data.subarray(0, 1000))
  await wire.head()
  wire.write(data.subarray(1000))
  expect((await wire.rest()).length).toBe(0)
  expect(await at.record()).toMatchObject({ status: 'success', result: `<value>${at.vdi}</value>` })
  expect(await lab.control.sha256(at.uuid)).toBe(createHash('sha256').update(data).digest('hex'))
})

test('raw data without a length that end early are an I/O error', async () => {
  await using at = await openWorld(2 * MiB)
  using wire = await rawWire(at.world.lab, `PUT /import_raw_vdi?vdi=${at.uuid}`, { Cookie: cookie(at) })
  wire.socket.end(Buffer.alloc(MiB, 1))
  await expect.poll(async () => (await at.record())['status']).toBe('failure')
  expect((await at.record())['error_info']).toEqual(['VDI_IO_ERROR', 'Device I/O errors'])
})

test('chunked encoding is refused', async () => {
  await using at = await openWorld(2 * MiB)
  using wire = await rawWire(at.world.lab, `PUT /import_raw_vdi?vdi=${at.uuid}`, {
    Cookie: cookie(at),
    'Transfer-Encoding': 'chunked',
  })
  expect(await wire.head()).toMatch(/^HTTP\/1\.1 404 /)
  expect((await at.record())['error_info']).toEqual(['INTERNAL_ERROR', 'Cannot handle encoding: chunked'])
})

test('without TLS a body without a length comes in as well', async () => {
  await using world = await testLab({ httpPort: 0 })
  const client = await loggedIn(world)
  const { disks } = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
  const { uuid = '' } = disks[0] ?? {}
  const data = randomBytes(2 * MiB)
  const { hostname, port } = new URL(world.lab.httpUrl ?? '')
  const socket = connect(Number(port), hostname)
  socket.write(`PUT /import_raw_vdi?vdi=${uuid}&session_id=${client.session} HTTP/1.1\r\nHost: lab\r\n`)
  socket.write('\r\n')
  socket.write(data)
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(answer.split('\r\n\r\n')[1]).toBe('')
  expect(await world.lab.control.sha256(uuid)).toBe(createHash('sha256').update(data).digest('hex'))
})

test('a connection that ends before it has asked for anything is closed', async () => {
  await using world = await testLab({ httpPort: 0 })
  const socket = connect(Number(new URL(world.lab.httpUrl ?? '').port), '127.0.0.1')
  socket.end()
  await once(socket.resume(), 'close')
})
