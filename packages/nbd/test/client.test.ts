import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extent, planRuns } from '@tidemark/blocks'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  borrowRuns,
  describeExport,
  listExports,
  openNbd,
  readRuns,
  serveNbd,
  type ExportSource,
  type NbdClient,
  type NbdServerOptions,
} from '../src/index.ts'
import { memoryExport, only, patterned } from './memory-export.ts'

const listen = { host: '127.0.0.1', port: 0 }
const code = (name: string) => expect.objectContaining({ code: name })
const serve = (bytes: Uint8Array, more: Partial<NbdServerOptions> = {}) =>
  serveNbd({ listen, exports: only('disk', memoryExport(bytes)), ...more })

async function whole(client: NbdClient): Promise<Uint8Array> {
  const bytes = new Uint8Array(client.size)
  let end = 0
  for await (const { offset, data } of readRuns(client, [extent(0, client.size)])) {
    expect(offset).toBe(end)
    bytes.set(data, offset)
    end = offset + data.length
  }
  return bytes
}

describe('an export of our own server', () => {
  test('is read whole, in order, whatever the size of requests and the number of connections', async () => {
    const bytes = patterned(1_000_003)
    await using server = await serveNbd({ listen, exports: only('disk', memoryExport(bytes, { readOnly: true })) })
    for (const [connections, requestBytes] of [
      [1, 1 << 20],
      [1, 10_000],
      [3, 4096],
    ] as const) {
      await using client = await openNbd({ address: server.address, exportName: 'disk' }, { connections, requestBytes })
      expect(client).toMatchObject({ size: bytes.length, readOnly: true, structured: true, connections })
      expect(Buffer.from(await whole(client)).equals(bytes)).toBe(true)
    }
  })

  test('answers every single range with exactly those bytes', async () => {
    const bytes = patterned(64 * 1024)
    await using server = await serve(bytes)
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    for (let i = 0; i < 200; i++) {
      const offset = (i * 7919) % 60_000
      const length = 1 + ((i * 104_729) % (bytes.length - offset))
      const data = await client.read(offset, length)
      expect(data).toHaveLength(length)
      expect(Buffer.from(data).equals(bytes.subarray(offset, offset + length))).toBe(true)
    }
    expect(client.stats.requests).toBe(200)
  })

  test('is read the same in borrowed memory, which is used again and never while somebody has it', async () => {
    const bytes = patterned(1_000_003)
    await using server = await serveNbd({ listen, exports: only('disk', memoryExport(bytes, { readOnly: true })) })
    await using client = await openNbd({ address: server.address, exportName: 'disk' }, { requestBytes: 10_000 })
    const buffers = new Set<ArrayBufferLike>()
    for await (const { offset, data } of borrowRuns(client, [extent(0, client.size)])) {
      buffers.add(data.buffer)
      expect(Buffer.from(data).equals(bytes.subarray(offset, offset + data.length))).toBe(true)
    }
    expect(buffers.size).toBeLessThanOrEqual(client.depth.requests + 1) // of 101 pieces
    const [a, b] = [await client.borrow(0, 100), await client.borrow(100, 100)]
    a.release()
    a.release() // twice is as once
    const [c, d] = [await client.borrow(200, 100), await client.borrow(300, 100)]
    expect(new Set([b, c, d].map(({ data }) => data.buffer)).size).toBe(3)
    expect(Buffer.concat([b.data, c.data, d.data]).equals(bytes.subarray(100, 400))).toBe(true)
  })

  test('answers a read whose caller has gone into memory that nobody else has', async () => {
    const bytes = patterned(64 * 1024)
    const held = Promise.withResolvers<'pass'>()
    await using server = await serve(bytes, {
      faults: { beforeReply: ({ request }) => (request === 1 ? held.promise : 'pass') },
    })
    await using client = await openNbd({ address: server.address, exportName: 'disk' }, { requestBytes: 4096 })
    const stop = new AbortController()
    const gone = client.borrow(0, 4096, stop.signal)
    stop.abort(new Error('enough'))
    await expect(gone).rejects.toThrow('enough')
    const loan = await client.borrow(4096, 4096)
    held.resolve('pass')
    await client.read(0, 1) // the late answer has come by now
    expect(Buffer.from(loan.data).equals(bytes.subarray(4096, 8192))).toBe(true)
  })

  test('is written, zeroed, trimmed and flushed', async () => {
    const bytes = new Uint8Array(64 * 1024).fill(0xaa)
    const disk = memoryExport(bytes)
    await using server = await serveNbd({ listen, exports: only('disk', disk) })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    await client.write(1000, new Uint8Array(5000).fill(0xbb))
    await client.writeZeroes(2000, 1000)
    await client.trim(3000, 1000)
    await client.flush()
    const wanted = new Uint8Array(64 * 1024).fill(0xaa).fill(0xbb, 1000, 6000).fill(0, 2000, 4000)
    expect(Buffer.from(bytes).equals(wanted)).toBe(true)
    expect(disk.calls).toMatchObject({ write: 1, writeZeroes: 1, trim: 1, flush: 1 })
    expect(client.stats.bytesWritten).toBe(5000)
  })

  test('tells where its holes are, without gaps and exactly for the range', async () => {
    const bytes = new Uint8Array(64 * 1024)
    bytes.fill(1, 8192, 12_288)
    await using server = await serve(bytes)
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    expect(await client.blockStatus(100, 20_000)).toEqual([
      { offset: 100, length: 8092, hole: true, zero: true },
      { offset: 8192, length: 4096, hole: false, zero: false },
      { offset: 12_288, length: 7812, hole: true, zero: true },
    ])
  })

  test('is not read where it has holes', async () => {
    const disk = memoryExport(new Uint8Array(1 << 20))
    await using server = await serveNbd({ listen, exports: only('disk', disk) })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    expect((await client.read(0, 1 << 20)).every((byte) => byte === 0)).toBe(true)
    expect(disk.calls['read']).toBeUndefined()
  })

  test('is read along where its holes are too short to be worth a chunk of their own', async () => {
    const bytes = new Uint8Array(64 * 1024)
    for (let at = 0; at < bytes.length; at += 8192) bytes.fill(1, at, at + 4096)
    const disk = memoryExport(bytes)
    await using server = await serveNbd({ listen, exports: only('disk', disk) })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    expect(await client.read(0, bytes.length)).toEqual(bytes)
    expect(disk.calls['read']).toBe(1)
  })

  test('agrees with a plain array after any sequence of changes', async () => {
    const size = 256 * 1024
    const change = fc.record({
      kind: fc.constantFrom('write' as const, 'writeZeroes' as const, 'trim' as const),
      offset: fc.nat(size - 1),
      length: fc.integer({ min: 1, max: 100_000 }),
      byte: fc.integer({ min: 1, max: 255 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        const model = new Uint8Array(size)
        await using server = await serve(new Uint8Array(size))
        await using client = await openNbd({ address: server.address, exportName: 'disk' })
        for (const { kind, offset, length: wanted, byte } of changes) {
          const length = Math.min(wanted, size - offset)
          model.fill(kind === 'write' ? byte : 0, offset, offset + length)
          if (kind === 'write') await client.write(offset, new Uint8Array(length).fill(byte))
          else await client[kind](offset, length)
        }
        expect(Buffer.from(await whole(client)).equals(model)).toBe(true)
        for (const { offset, length, zero } of await client.blockStatus(0, size)) {
          if (zero) expect(model.subarray(offset, offset + length).some((byte) => byte !== 0)).toBe(false)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('is closed once when the client has gone', async () => {
    const disk = memoryExport(patterned(4096))
    const server = await serveNbd({ listen, exports: only('disk', disk) })
    const client = await openNbd({ address: server.address, exportName: 'disk' })
    expect(disk.calls['close']).toBeUndefined()
    await client[Symbol.asyncDispose]()
    await server.stop('drain')
    expect(disk.calls['close']).toBe(1)
    await expect(client.read(0, 1)).rejects.toThrow(code('NBD_DISCONNECTED'))
  })

  test('is listed and described without being opened', async () => {
    await using server = await serve(patterned(4096))
    expect(await listExports(server.address)).toEqual(['disk'])
    expect(await describeExport({ address: server.address, exportName: 'disk' })).toMatchObject({
      size: 4096,
      readOnly: false,
      blockSize: { minimum: 1 },
      contexts: ['base:allocation'],
    })
    await expect(describeExport({ address: server.address, exportName: 'no' })).rejects.toThrow(code('NBD_EXPORT'))
  })
})

describe('what the client refuses before it sends anything', () => {
  test('a range past the end, and a write to a read-only export', async () => {
    await using server = await serveNbd({
      listen,
      exports: only('disk', memoryExport(patterned(4096), { readOnly: true })),
    })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    await expect(client.read(4000, 97)).rejects.toThrow(code('NBD_RANGE'))
    await expect(client.read(0, 0)).rejects.toThrow(code('NBD_RANGE'))
    await expect(client.blockStatus(0, 4097)).rejects.toThrow(code('NBD_RANGE'))
    await expect(client.write(0, new Uint8Array(1))).rejects.toThrow(code('NBD_REFUSED'))
    await expect(client.trim(0, 1)).rejects.toThrow(code('NBD_REFUSED'))
    expect(client.stats.requests).toBe(0)
  })

  test('a read longer than one request may be', async () => {
    await using server = await serve(patterned(8192), { limits: { requestBytes: 4096 } })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    expect(client.blockSize.maximum).toBe(4096)
    await expect(client.read(0, 4097)).rejects.toThrow(code('NBD_RANGE'))
    expect(Buffer.from(await whole(client)).equals(patterned(8192))).toBe(true)
  })
})

describe('what the server answers', () => {
  test('an error of the export is NBD_IO with its name, and the connection goes on', async () => {
    const failing = memoryExport(patterned(8192))
    const errors: Error[] = []
    failing.write = async () => {
      throw Object.assign(new Error('/secret/path is full'), { code: 'ENOSPC' })
    }
    failing.extents = async () => [] // all data
    failing.read = async (offset) => {
      if (offset === 0) throw new Error('bad sector')
      return new Uint8Array(1)
    }
    await using server = await serveNbd({
      listen,
      exports: only('disk', failing),
      onError: (error) => errors.push(error),
    })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    const refused = client.write(0, new Uint8Array(1))
    await expect(refused).rejects.toThrow(
      expect.objectContaining({ code: 'NBD_IO', errno: 'ENOSPC', offset: 0, length: 1 }),
    )
    await expect(refused).rejects.not.toThrow(/secret/)
    await expect(client.read(0, 1)).rejects.toThrow(expect.objectContaining({ code: 'NBD_IO', errno: 'EIO' }))
    expect(await client.read(1, 1)).toHaveLength(1)
    expect(errors.map(({ message }) => message)).toEqual(['/secret/path is full', 'bad sector'])
  })

  test('an export that gives too little is an error, never a short answer', async () => {
    const short = memoryExport(patterned(8192))
    short.read = async () => new Uint8Array(5)
    await using server = await serveNbd({ listen, exports: only('disk', short) })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    await expect(client.read(0, 6)).rejects.toThrow(expect.objectContaining({ errno: 'EIO' }))
  })

  test('no such export, no such server', async () => {
    const server = await serve(patterned(4096))
    await expect(openNbd({ address: server.address, exportName: 'other' })).rejects.toThrow(code('NBD_EXPORT'))
    await server.stop('now')
    await expect(openNbd({ address: server.address, exportName: 'disk' })).rejects.toThrow(
      expect.objectContaining({ code: 'NBD_CONNECT', retryable: true }),
    )
  })
})

describe('the xapi personality', () => {
  test('is read over several connections, with and without its extras, and unaligned reads are widened', async () => {
    const bytes = patterned(1 << 20)
    for (const xapiExtras of [true, false]) {
      await using server = await serve(bytes, { personality: 'xapi', xapiExtras })
      await using client = await openNbd(
        { address: server.address, exportName: 'disk' },
        { connections: 4, requestBytes: 65_536 },
      )
      expect(client).toMatchObject({ readOnly: true, structured: false, contexts: [], connections: 4 })
      expect(client.blockSize.minimum).toBe(xapiExtras ? 512 : 1)
      expect(Buffer.from(await whole(client)).equals(bytes)).toBe(true)
      expect(Buffer.from(await client.read(700_000, 3)).equals(bytes.subarray(700_000, 700_003))).toBe(true)
      await expect(listExports(server.address)).rejects.toThrow(code('NBD_REFUSED'))
      await expect(client.blockStatus(0, 512)).rejects.toThrow(code('NBD_REFUSED'))
    }
  })

  test('closes without a word when 16 are connected: retryable, and fewer connections than asked for are enough', async () => {
    const server = await serve(patterned(4096), { personality: 'xapi' })
    const target = { address: server.address, exportName: 'disk' }
    const client = await openNbd(target, { connections: 20, hostConnections: 100 })
    expect(client.connections).toBe(16)
    expect(server.connections).toBe(16)
    await expect(openNbd(target, { hostConnections: 100 })).rejects.toThrow(
      expect.objectContaining({ code: 'NBD_DISCONNECTED', retryable: true, message: expect.stringMatching(/16 NBD/) }),
    )
    await client[Symbol.asyncDispose]()
    await server.stop('drain')
  })

  test('a name whose session ends right after the first connection is read over that one', async () => {
    const bytes = patterned(102_400)
    const source = only('disk', memoryExport(bytes))
    let isKnown = true
    const exports: ExportSource = {
      async open(...asked) {
        const found = isKnown ? await source.open(...asked) : undefined
        isKnown = false
        return found
      },
    }
    await using server = await serveNbd({ listen, exports, personality: 'xapi' })
    await using client = await openNbd({ address: server.address, exportName: 'disk' }, { connections: 4 })
    expect(client.connections).toBe(1)
    expect(Buffer.from(await whole(client)).equals(bytes)).toBe(true)
  })

  test('an unknown export closes the connection, which the client explains without the session', async () => {
    await using server = await serve(patterned(4096), { personality: 'xapi', xapiExtras: false })
    const exportName = '/uuid?session_id=OpaqueRef:secret'
    const opening = openNbd({ address: server.address, exportName })
    await expect(opening).rejects.toThrow(code('NBD_EXPORT'))
    await expect(opening).rejects.not.toThrow(/secret/)
  })
})

test('runs are read in their order, and leaving the loop early leaves the client usable', async () => {
  const bytes = patterned(1 << 20)
  await using server = await serve(bytes)
  await using client = await openNbd({ address: server.address, exportName: 'disk' })
  const runs = planRuns([extent(5000, 300_000), extent(500_000, 1)], client.size, { maxLength: 65_536 })
  const offsets: number[] = []
  for await (const { offset, data } of readRuns(client, runs)) {
    expect(Buffer.from(data).equals(bytes.subarray(offset, offset + data.length))).toBe(true)
    offsets.push(offset)
    if (offsets.length === 3) break
  }
  expect(offsets).toEqual([5000, 65_536, 131_072])
  expect(await client.read(0, 1)).toHaveLength(1)
})

test('a Unix socket does as well as TCP', async () => {
  const path = join(tmpdir(), `tidemark-nbd-${process.pid}.sock`)
  await using server = await serve(patterned(4096), { listen: { path } })
  expect(server.address).toEqual({ path })
  await using client = await openNbd({ address: { path }, exportName: 'disk' })
  expect(await client.read(0, 4096)).toEqual(patterned(4096))
})

test('an export that can be written gets one connection, since nothing promises that several agree', async () => {
  await using server = await serve(patterned(4096))
  await using client = await openNbd({ address: server.address, exportName: 'disk' }, { connections: 4 })
  expect(client.connections).toBe(1)
})
