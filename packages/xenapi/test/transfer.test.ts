import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { login, type Session, type VdiRef, type VmRef } from '../src/index.ts'
import { SESSION, startPool, type PoolOptions, type TestPool } from './pool.ts'

const vdi = 'OpaqueRef:d15c' as VdiRef
const vm = 'OpaqueRef:7777' as VmRef
const KiB = 1024

interface Request {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly task: string
  readonly pool: TestPool
}

/** A pool whose HTTP handlers do what `serve` says, and a session in it. */
async function poolServing(
  serve: (request: Request) => void | Promise<void>,
  calls: PoolOptions['calls'] = {},
): Promise<{ pool: TestPool; session: Session } & AsyncDisposable> {
  const http = (request: IncomingMessage, response: ServerResponse, url: URL) =>
    serve({ request, response, url, task: url.searchParams.get('task_id') ?? '', pool })
  const pool = await startPool({ http, calls: { 'VDI.get_virtual_size': () => 64 * KiB, ...calls } })
  const session = await login({ url: pool.url, trust: { kind: 'plain' } }, { username: 'root', password: 'x' })
  return {
    pool,
    session,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
      await pool[Symbol.asyncDispose]()
    },
  }
}

const disk = Buffer.alloc(64 * KiB, 'disk')
const ok = { connection: 'close' }

async function joined(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function received(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const endNeatly = ({ pool, task, response }: Request, result = '') => {
  pool.tasks.end(task, { result }) // xapi's order: the task first, then the socket
  response.end()
}

test('an export streams the disk and ends with its task', async () => {
  let asked = ''
  await using place = await poolServing((request) => {
    asked = `${request.url.pathname} ${request.url.searchParams.get('session_id')} ${request.url.searchParams.get('vdi')} ${request.url.searchParams.get('format')}`
    request.response.writeHead(200, { ...ok, 'content-type': 'application/octet-stream' })
    request.response.write(disk)
    setTimeout(() => endNeatly(request), 20)
  })
  const { body, contentType } = await place.session.exportRawVdi(vdi, { format: 'raw' })
  expect((await joined(body)).equals(disk)).toBe(true)
  expect(contentType).toBe('application/octet-stream')
  expect(asked).toBe(`/export_raw_vdi ${SESSION} ${vdi} raw`)
  expect(place.pool.tasks.destroyed).toHaveLength(1)
  expect(place.pool.tasks.cancelled).toHaveLength(0)
})

test('a failure that comes after 200 and all the data is still a failure', async () => {
  await using place = await poolServing(({ response, pool, task }) => {
    response.writeHead(200, ok)
    response.end(disk, () =>
      setTimeout(() => pool.tasks.end(task, { failure: ['VDI_IO_ERROR', 'Device I/O errors'] }), 30),
    )
  })
  const { body } = await place.session.exportRawVdi(vdi, { format: 'raw' })
  await expect(joined(body)).rejects.toMatchObject({ failure: ['VDI_IO_ERROR', 'Device I/O errors'] })
})

test('a raw export that is too short is an error even when its task is content', async () => {
  await using place = await poolServing((request) => {
    request.response.writeHead(200, ok).write(disk.subarray(1))
    endNeatly(request)
  })
  const { body } = await place.session.exportRawVdi(vdi, { format: 'raw' })
  await expect(joined(body)).rejects.toThrow('the disk has 65536 bytes, but the pool sent 65535')
})

test('a status line in the body is a late failure, explained by the task', async () => {
  await using place = await poolServing(({ response, pool, task }) => {
    pool.tasks.end(task, { failure: ['VDI_IN_USE', vdi, 'export'] })
    response.writeHead(200, ok).end('HTTP/1.1 500 Internal Server Error\r\n\r\n')
  })
  const { body } = await place.session.exportRawVdi(vdi, { format: 'vhd' })
  await expect(joined(body)).rejects.toMatchObject({ failure: ['VDI_IN_USE', vdi, 'export'] })
})

test('a connection that breaks in the middle gives the reason that the task knows', async () => {
  await using place = await poolServing(({ response, pool, task }) => {
    response.writeHead(200, { ...ok, 'content-length': disk.length })
    response.write(disk.subarray(0, 1000), () => {
      pool.tasks.end(task, { failure: ['VDI_IO_ERROR', 'Device I/O errors'] })
      response.destroy()
    })
  })
  const { body } = await place.session.exportRawVdi(vdi, { format: 'vhd' })
  await expect(joined(body)).rejects.toMatchObject({ failure: ['VDI_IO_ERROR', 'Device I/O errors'] })
})

test('a refused export is the failure of its task, or else the HTTP status', async () => {
  await using place = await poolServing(({ response, pool, task, url }) => {
    if (url.searchParams.get('format') === 'vhd') pool.tasks.end(task, { failure: ['VDI_TOO_LARGE', vdi, '1'] })
    response.writeHead(url.searchParams.get('format') === 'vhd' ? 404 : 401).end('<html>no</html>')
  })
  await expect(place.session.exportRawVdi(vdi, { format: 'vhd' })).rejects.toMatchObject({
    failure: ['VDI_TOO_LARGE', vdi, '1'],
  })
  await expect(place.session.exportRawVdi(vdi, { format: 'raw' })).rejects.toMatchObject({
    code: 'XENAPI_HTTP',
    status: 401,
  })
  expect(place.pool.tasks.records.size).toBe(0)
})

/** Writes as fast as the client takes, for ever; counts what went out. */
const endless =
  (count: (bytes: number) => void) =>
  ({ response }: Request) => {
    response.writeHead(200, ok)
    const piece = Buffer.alloc(256 * KiB)
    const more = () => {
      while (!response.destroyed && response.write(piece)) count(piece.length)
    }
    response.on('drain', more)
    more()
  }

test('the pool is read no faster than the body is', async () => {
  let written = 0
  await using place = await poolServing(endless((bytes) => (written += bytes)))
  const { body } = await place.session.exportRawVdi(vdi, { format: 'vhd' })
  for await (const _ of body) {
    await sleep(300)
    break
  }
  expect(written).toBeLessThan(32 * KiB * KiB) // what the sockets of both sides hold, and no more
  expect(place.pool.tasks.cancelled).toHaveLength(1)
  expect(place.pool.tasks.destroyed).toHaveLength(1)
})

test('an export that nobody reads is taken down by disposing it', async () => {
  await using place = await poolServing(endless(() => {}))
  await using _ = await place.session.exportRawVdi(vdi, { format: 'vhd' })
  await _[Symbol.asyncDispose]()
  expect(place.pool.tasks.cancelled).toHaveLength(1)
})

test('an abort between two pieces cancels the task and throws its reason', async () => {
  await using place = await poolServing(endless(() => {}))
  const stop = new AbortController()
  const { body } = await place.session.exportRawVdi(vdi, { format: 'vhd' }, stop.signal)
  const reading = (async () => {
    for await (const _ of body) stop.abort(new Error('enough'))
  })()
  await expect(reading).rejects.toThrow('enough')
  expect(place.pool.tasks.cancelled).toHaveLength(1)
})

test('an abort while the task is made leaves no task behind', async () => {
  await using place = await poolServing(endless(() => {}))
  const stop = new AbortController()
  const exporting = place.session.exportRawVdi(vdi, { format: 'vhd' }, stop.signal)
  stop.abort(new Error('enough'))
  await expect(exporting).rejects.toThrow('enough')
  // a pool only notes that a pending task is to be cancelled and destroyed: it is ended by us
  expect(place.pool.log.slice(-3)).toEqual(['json task.cancel', 'json task.set_status', 'json task.destroy'])
})

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

test.each(['200 before the body', '200 with a length before the body', '200 after the body'])(
  'an import arrives whole: %s',
  async (when) => {
    let arrived: Buffer = Buffer.alloc(0)
    let headers: IncomingMessage['headers'] = {}
    await using place = await poolServing(async (request) => {
      headers = request.request.headers
      if (when === '200 before the body') request.response.writeHead(200, ok).flushHeaders()
      if (when.includes('length')) request.request.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      arrived = await received(request.request)
      endNeatly(request, `<value>${vdi}</value>`)
    })
    await place.session.importRawVdi(vdi, inPieces(disk, 1000), { format: 'raw', length: disk.length })
    expect(arrived.equals(disk)).toBe(true)
    expect(headers['content-length']).toBe(String(disk.length))
    expect(headers['transfer-encoding']).toBeUndefined()
    expect(place.pool.tasks.destroyed).toHaveLength(1)
  },
)

test('a redirect is followed before the body is touched, with session, task and query', async () => {
  const seen: string[] = []
  let arrived: Buffer = Buffer.alloc(0)
  await using place = await poolServing(async (request) => {
    const host = request.request.headers.host?.split(':')[0] ?? ''
    seen.push(
      `${host} ${request.url.searchParams.get('session_id') === SESSION} ${request.url.searchParams.get('vdi')}`,
    )
    if (host === '127.0.0.1') {
      const location = `http://localhost:${new URL(place.pool.url).port}${request.url.pathname}${request.url.search}`
      request.response.writeHead(302, { ...ok, location }).end()
      return
    }
    request.response.writeHead(200, ok).flushHeaders()
    arrived = await received(request.request)
    endNeatly(request)
  })
  await place.session.importRawVdi(vdi, inPieces(disk, 5000), { format: 'raw', length: disk.length })
  expect(seen).toEqual([`127.0.0.1 true ${vdi}`, `localhost true ${vdi}`])
  expect(arrived.equals(disk)).toBe(true)
})

test('an import whose task fails is a failure although every byte was taken', async () => {
  await using place = await poolServing(async ({ request, response, pool, task }) => {
    response.writeHead(200, ok).flushHeaders()
    await received(request)
    pool.tasks.end(task, { failure: ['VDI_IO_ERROR', 'Device I/O errors'] })
    response.end()
  })
  await expect(
    place.session.importRawVdi(vdi, inPieces(disk, 1000), { format: 'vhd', length: disk.length }),
  ).rejects.toMatchObject({ failure: ['VDI_IO_ERROR', 'Device I/O errors'] })
})

test('a pool that has all and closes before the end of the body is seen takes the import', async () => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  await using place = await poolServing(async ({ request, response, pool, task }) => {
    response.writeHead(200, ok).flushHeaders()
    await received(request)
    pool.tasks.end(task, { result: '' })
    response.end()
    request.socket.once('close', close)
    request.socket.destroy()
  })
  async function* lateEnd() {
    yield disk
    await closed
    await sleep(50) // time for the close to arrive
  }
  await place.session.importRawVdi(vdi, lateEnd(), { format: 'raw', length: disk.length })
})

test('a pool that closes in the middle of an import stops the body and tells why', async () => {
  await using place = await poolServing(({ request, response, pool, task }) => {
    response.writeHead(200, ok).flushHeaders()
    request.once('data', () => {
      pool.tasks.end(task, { failure: ['SR_FULL', '1', '2'] })
      request.socket.destroy()
    })
  })
  let isClosed = false
  async function* forever() {
    try {
      for (;;) yield Buffer.alloc(64 * KiB)
    } finally {
      isClosed = true
    }
  }
  await expect(place.session.importRawVdi(vdi, forever(), { format: 'raw', length: 2 ** 40 })).rejects.toMatchObject({
    failure: ['SR_FULL', '1', '2'],
  })
  expect(isClosed).toBe(true)
})

test('a refused import never touches the body', async () => {
  await using place = await poolServing(({ response }) => void response.writeHead(403, ok).end())
  let isTouched = false
  async function* body() {
    isTouched = true
    yield disk
  }
  await expect(place.session.importRawVdi(vdi, body(), { format: 'raw', length: disk.length })).rejects.toMatchObject({
    code: 'XENAPI_HTTP',
    status: 403,
  })
  expect(isTouched).toBe(false)
})

const taking = async (request: Request) => {
  request.response.writeHead(200, ok).flushHeaders()
  await received(request.request).catch(() => {}) // the client leaves in the middle
}

test.each([
  ['shorter', disk.length + 1, 'there are only 65536'],
  ['longer', disk.length - 1, 'there are more'],
])('a body that is %s than announced cancels the import', async (_, length, message) => {
  await using place = await poolServing(taking)
  await expect(place.session.importRawVdi(vdi, inPieces(disk, 4096), { format: 'raw', length })).rejects.toThrow(
    message,
  )
  expect(place.pool.tasks.cancelled).toHaveLength(1)
})

test('what the body throws reaches the caller, and the import is cancelled', async () => {
  await using place = await poolServing(taking)
  async function* body() {
    yield disk.subarray(0, 100)
    throw new Error('the repository is damaged')
  }
  await expect(place.session.importRawVdi(vdi, body(), { format: 'raw', length: disk.length })).rejects.toThrow(
    'the repository is damaged',
  )
  expect(place.pool.tasks.cancelled).toHaveLength(1)
})

test('an aborted import throws its reason', async () => {
  await using place = await poolServing(taking)
  const stop = new AbortController()
  async function* body() {
    yield disk.subarray(0, 100)
    stop.abort(new Error('enough'))
    yield disk.subarray(100)
  }
  await expect(
    place.session.importRawVdi(vdi, body(), { format: 'raw', length: disk.length }, stop.signal),
  ).rejects.toThrow('enough')
})

test('an import aborted before its connection stands throws its reason, and nothing is thrown later', async () => {
  await using place = await poolServing(taking)
  const stop = new AbortController()
  const options = { format: 'raw', length: disk.length } as const
  const importing = place.session.importRawVdi(vdi, inPieces(disk, 100), options, stop.signal)
  stop.abort(new Error('enough'))
  await expect(importing).rejects.toThrow('enough')
  await sleep(10) // the socket closes by and by: what it rejected then would fail this run as an unhandled rejection
})

test('metadata come out as bytes, with or without snapshots', async () => {
  const seen: (string | null)[] = []
  await using place = await poolServing((request) => {
    seen.push(request.url.searchParams.get('ref'), request.url.searchParams.get('export_snapshots'))
    request.response.writeHead(200, { ...ok, 'content-length': disk.length }).write(disk)
    endNeatly(request)
  })
  expect(Buffer.from(await place.session.exportMetadata(vm, { snapshots: false })).equals(disk)).toBe(true)
  expect(seen).toEqual([vm, 'false'])
})

test('metadata go in with a mapping of disks, and the VMs come out of the task', async () => {
  let query = ''
  let arrived: Buffer = Buffer.alloc(0)
  await using place = await poolServing(async (request) => {
    query = request.request.url ?? ''
    request.response.writeHead(200, ok).flushHeaders()
    arrived = await received(request.request)
    endNeatly(request, `<value><array><data><value>${vm}</value></data></array></value>`)
  })
  const vdiMap = new Map([
    ['old-1', 'new-1'],
    ['old-2', 'new-2'],
  ])
  expect(await place.session.importMetadata(disk, { vdiMap, restore: true })).toEqual([vm])
  expect(query).toContain('&vdi:old-1=new-1&vdi:old-2=new-2')
  expect(query).toContain('&restore=true')
  expect(arrived.equals(disk)).toBe(true)
})
