import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { extent } from '@tidemark/blocks'
import { describe, expect, test } from 'vitest'
import { NbdError, openNbd, readRuns, serveNbd, type NbdExport, type NbdServerOptions } from '../src/index.ts'
import { hex, join } from './drive.ts'
import { memoryExport, only, patterned } from './memory-export.ts'
import { answer, option, RawClient, request, textHex } from './raw-client.ts'

const listen = { host: '127.0.0.1', port: 0 }
const code = (name: string) => expect.objectContaining({ code: name })
const bytes = patterned(1 << 20)
const readOnlyDisk = (more: Partial<NbdServerOptions> = {}) =>
  serveNbd({ listen, exports: only('disk', memoryExport(bytes, { readOnly: true })), ...more })

interface Script {
  /** Sent at once. */
  readonly handshake: Uint8Array
  /** Sent when the first request has come. */
  readonly replies: Uint8Array
}

/** A server that sends what it is told, whatever the client says, and then closes. */
async function replay(script: Script): Promise<{ address: { host: string; port: number } } & AsyncDisposable> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    let heard = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk])
      if (heard.includes('25609513', 0, 'hex')) socket.end(script.replies)
    })
    socket.write(script.handshake)
    if (script.replies.length === 0) socket.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

// A whole small session: greeting, structured replies refused, GO, and one read of eight bytes.
const handshake = join(
  hex(`${textHex('NBDMAGICIHAVEOPT')}0003`),
  hex(answer(8, 0x8000_0001)),
  hex(answer(7, 3, '0000 0000000000001000 0003')),
  hex(answer(7, 3, '0003 00000001 00001000 02000000')),
  hex(answer(7, 1)),
)
const goodReply = hex(`67446698 00000000 0000000000000001 ${textHex('ABCDEFGH')}`)
const length = handshake.length + goodReply.length
const cutAfter = (at: number): Script => ({
  handshake: handshake.subarray(0, at),
  replies: goodReply.subarray(0, Math.max(0, at - handshake.length)),
})

async function readEight(address: { host: string; port: number }): Promise<string> {
  await using client = await openNbd({ address, exportName: 'x' }, { requestTimeoutMs: 5000, connectTimeoutMs: 5000 })
  return Buffer.from(await client.read(8, 8)).toString()
}

describe('a server that goes away', () => {
  test('after any byte of a session: a typed error, or the whole answer, and never less', async () => {
    for (let at = 0; at <= length; at++) {
      await using server = await replay(cutAfter(at))
      const result = await readEight(server.address).catch((error: unknown) => error)
      if (at === length) expect(result).toBe('ABCDEFGH')
      else expect(result, `cut after ${at} bytes`).toEqual(code('NBD_DISCONNECTED'))
    }
  })

  test('in the middle of many reads: the other connections take over, and every byte is right', async () => {
    let cut = 0
    await using server = await readOnlyDisk({
      faults: {
        beforeReply: ({ connection, request }) => (connection < 3 && request === 5 && ++cut ? 'close' : 'pass'),
      },
    })
    await using client = await openNbd(
      { address: server.address, exportName: 'disk' },
      { connections: 3, requestBytes: 8192 },
    )
    const parts: Uint8Array[] = []
    for await (const { data } of readRuns(client, [extent(0, client.size)])) parts.push(data)
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
    expect(cut).toBe(2)
    await expect.poll(() => client.connections).toBe(3)
  })

  test('with its only connection, again and again: another one is made, and every byte is right', async () => {
    let cut = 0
    await using server = await readOnlyDisk({
      faults: { beforeReply: ({ request }) => (request === 3 && ++cut ? 'close' : 'pass') },
    })
    await using client = await openNbd(
      { address: server.address, exportName: 'disk' },
      { requestBytes: 65_536, inFlight: 2, pauseMs: 1 },
    )
    const parts: Uint8Array[] = []
    for await (const { data } of readRuns(client, [extent(0, client.size)])) parts.push(data)
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
    expect(cut).toBeGreaterThanOrEqual(5) // 16 pieces, at most three on each connection: the fourth may overtake the third
  })

  test('at one and the same request, whatever the connection: that read fails, and others do not', async () => {
    let asked = 0
    await using server = await readOnlyDisk({
      faults: { beforeReply: ({ offset }) => (offset === 512 && ++asked ? 'close' : 'pass') },
    })
    await using client = await openNbd({ address: server.address, exportName: 'disk' }, { pauseMs: 1 })
    await expect(client.read(512, 512)).rejects.toThrow(code('NBD_DISCONNECTED'))
    expect(asked).toBe(4)
    expect(await client.read(0, 512)).toEqual(bytes.slice(0, 512))
  })

  test('at one address: another one is used, and not the first again', async () => {
    const counts = [0, 0]
    const count = (which: 0 | 1, fault: 'drop' | 'pass') => ({
      faults: {
        beforeReply: () => {
          counts[which] = (counts[which] ?? 0) + 1
          return fault
        },
      },
    })
    await using silent = await readOnlyDisk(count(0, 'drop'))
    await using good = await readOnlyDisk(count(1, 'pass'))
    const places = async () => [silent, good].map(({ address }) => ({ address, exportName: 'disk' }))
    await using client = await openNbd(places, { requestTimeoutMs: 50 })
    for (let at = 0; at < 4096; at += 512) expect(await client.read(at, 512)).toEqual(bytes.slice(at, at + 512))
    expect(counts).toEqual([1, 8])
  })

  test('and comes back within the patience: reading goes on, and a disk of another size is refused', async () => {
    const first = await readOnlyDisk()
    const { address } = first
    if (!('port' in address)) throw new Error('not over TCP')
    const options = { reconnectPatienceMs: 5000, pauseMs: 5 }
    await using client = await openNbd({ address, exportName: 'disk' }, options)
    await client.read(0, 512)
    await first.stop('now')
    const read = client.read(512, 512)
    const again = { listen: { host: '127.0.0.1', port: address.port } }
    const second = await readOnlyDisk(again)
    expect(await read).toEqual(bytes.slice(512, 1024))
    await second.stop('now')
    const smaller = only('disk', memoryExport(bytes.slice(0, 4096), { readOnly: true }))
    await using _third = await readOnlyDisk({ ...again, exports: smaller })
    await expect(client.read(512, 512)).rejects.toThrow(/had 1048576 bytes and now has 4096/)
  })

  test('for good: every read in flight fails, those that wait too, and later ones at once', async () => {
    const server = await readOnlyDisk({ faults: { beforeReply: ({ request }) => (request === 3 ? 'close' : 'pass') } })
    await using client = await openNbd({ address: server.address, exportName: 'disk' }, { inFlight: 2 })
    await server.stop('now')
    const reads = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => client.read(i * 512, 512)))
    const failures = reads.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
    expect(failures).toHaveLength(20)
    for (const failure of failures) expect(failure).toEqual(code('NBD_CONNECT'))
    await expect(client.read(0, 1)).rejects.toThrow(code('NBD_CONNECT'))
  })

  test('a write is never repeated by itself', async () => {
    const disk = memoryExport(new Uint8Array(4096))
    await using server = await serveNbd({
      listen,
      exports: only('disk', disk),
      faults: { beforeReply: ({ type }) => (type === 'WRITE' ? 'close' : 'pass') },
    })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    await expect(client.write(0, new Uint8Array(512))).rejects.toThrow(code('NBD_DISCONNECTED'))
    expect(disk.calls['write']).toBe(1)
  })
})

describe('a server that is silent', () => {
  test('in the handshake: NBD_TIMEOUT', async () => {
    const silent = net.createServer((socket) => socket.on('error', () => socket.destroy()).resume())
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const address = { host: '127.0.0.1', port: (silent.address() as AddressInfo).port }
    await expect(openNbd({ address, exportName: 'x' }, { connectTimeoutMs: 50 })).rejects.toThrow(code('NBD_TIMEOUT'))
    silent.close()
  })

  test('about one request: its connection is given up, and it is asked for on another one', async () => {
    let dropped = 0
    await using server = await readOnlyDisk({
      faults: { beforeReply: ({ offset }) => (offset === 512 && dropped++ === 0 ? 'drop' : 'pass') },
    })
    await using client = await openNbd(
      { address: server.address, exportName: 'disk' },
      { connections: 2, requestTimeoutMs: 50 },
    )
    expect(await client.read(512, 512)).toEqual(bytes.slice(512, 1024))
    expect(dropped).toBe(2)
    await expect.poll(() => client.connections).toBe(2)
  })

  test('about one request each time: that one is NBD_TIMEOUT, and the others go on', async () => {
    await using server = await readOnlyDisk({
      faults: { beforeReply: ({ offset }) => (offset === 512 ? 'drop' : 'pass') },
    })
    await using client = await openNbd(
      { address: server.address, exportName: 'disk' },
      { connections: 2, requestTimeoutMs: 50, tries: 2 },
    )
    const reads = [client.read(512, 512), client.read(1024, 512)]
    await expect(reads[0]).rejects.toThrow(expect.objectContaining({ code: 'NBD_TIMEOUT', offset: 512, length: 512 }))
    expect(await reads[1]).toEqual(bytes.slice(1024, 1536))
    expect(await client.read(0, 512)).toEqual(bytes.slice(0, 512))
  })
})

describe('a signal', () => {
  test('ends the opening with its reason', async () => {
    const stop = new AbortController()
    const silent = net.createServer((socket) => socket.on('error', () => socket.destroy()).resume())
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const address = { host: '127.0.0.1', port: (silent.address() as AddressInfo).port }
    const opening = openNbd({ address, exportName: 'x' }, {}, stop.signal)
    stop.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
    silent.close()
  })

  test('ends one read, in flight or still waiting, and not the connection', async () => {
    const held = Promise.withResolvers<'pass'>()
    await using server = await readOnlyDisk({
      faults: { beforeReply: ({ request }) => (request === 1 ? held.promise : 'pass') },
    })
    await using client = await openNbd({ address: server.address, exportName: 'disk' }, { inFlight: 1 })
    const stop = new AbortController()
    const reads = [client.read(0, 512, stop.signal), client.read(512, 512, stop.signal), client.read(1024, 512)]
    stop.abort(new Error('enough'))
    await expect(reads[0]).rejects.toThrow('enough')
    await expect(reads[1]).rejects.toThrow('enough')
    held.resolve('pass')
    expect(await reads[2]).toEqual(bytes.slice(1024, 1536))
    expect(client.stats.requests).toBe(3)
    await expect(client.read(0, 1, stop.signal)).rejects.toThrow('enough')
  })
})

describe('a server that lies', () => {
  const structured = join(
    hex(`${textHex('NBDMAGICIHAVEOPT')}0003`),
    hex(answer(8, 1)),
    hex(answer(10, 1)),
    hex(answer(7, 3, '0000 0000000000001000 0003')),
    hex(answer(7, 3, '0003 00000001 00001000 02000000')),
    hex(answer(7, 1)),
  )
  const half = '0001 0000000000000001 0000000c 0000000000000008 41424344'
  const lies: Record<string, [Uint8Array, replies: string, sentence: RegExp]> = {
    'noise for a reply': [handshake, '5a'.repeat(64), /no reply's magic/],
    'a reply nobody asked for': [handshake, '67446698 00000000 00000000000000ff', /nobody made/],
    'half of the data': [structured, `668e33ef 0001 ${half}`, /incomplete/],
    'the same half twice': [structured, `668e33ef 0000 ${half} 668e33ef 0001 ${half}`, /incomplete/],
    'no data at all': [structured, '668e33ef 0001 0000 0000000000000001 00000000', /incomplete/],
    'data of somewhere else': [structured, '668e33ef 0001 0001 0000000000000001 00000009 0000000000000010 41', /at 16/],
  }
  test.each(Object.entries(lies))('%s: NBD_PROTOCOL', async (_, [handshake, replies, sentence]) => {
    await using server = await replay({ handshake, replies: hex(replies) })
    const result = await readEight(server.address).catch((error: unknown) => error)
    expect(result).toEqual(expect.objectContaining({ code: 'NBD_PROTOCOL', message: expect.stringMatching(sentence) }))
  })

  test('a web server is not taken for NBD', async () => {
    await using server = await replay({
      handshake: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      replies: new Uint8Array(),
    })
    await expect(readEight(server.address)).rejects.toThrow(/does not speak NBD/)
  })
})

describe('a client that misbehaves', () => {
  test('and stays silent is thrown out at the deadline', async () => {
    const errors: Error[] = []
    await using server = await readOnlyDisk({
      limits: { handshakeTimeoutMs: 50 },
      onError: (error) => errors.push(error),
    })
    await using client = await RawClient.to(server.address)
    await client.rest()
    await expect.poll(() => errors).toEqual([code('NBD_TIMEOUT')])
  })

  test('and sends noise is thrown out, and the server serves on', async () => {
    await using server = await readOnlyDisk()
    for (const noise of [
      '00000001 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a',
      'ffffffff',
      '00000001 49484156454f5054 00000007 ffffffff',
    ]) {
      await using client = await RawClient.to(server.address)
      client.send(noise)
      expect(await client.rest()).toBe(`${textHex('NBDMAGICIHAVEOPT')}0003`)
    }
    await using good = await openNbd({ address: server.address, exportName: 'disk' })
    expect(await good.read(0, 512)).toEqual(bytes.slice(0, 512))
  })

  test('and sends malformed options is told so', async () => {
    await using server = await readOnlyDisk()
    await using client = await RawClient.to(server.address)
    await client.read(18)
    client.send('00000003')
    for (const [asked, data] of [
      [7, '00000009 61'],
      [10, ''],
      [8, '00'],
      [3, '00'],
    ] as const) {
      client.send(option(asked, data))
      expect(await client.read(20)).toBe(answer(asked, 0x8000_0003))
    }
    client.send(option(4711))
    expect(await client.read(20)).toBe(answer(4711, 0x8000_0001))
  })

  test('and does not read its answers makes the server stop reading, not grow', async () => {
    let running = 0
    let most = 0
    const disk = memoryExport(bytes, { readOnly: true })
    const slow: NbdExport = {
      size: disk.size,
      read: async (offset, length) => {
        most = Math.max(most, ++running)
        try {
          return await disk.read(offset, length)
        } finally {
          running--
        }
      },
    }
    await using server = await serveNbd({ listen, exports: only('disk', slow), limits: { inFlight: 4 } })
    await using client = await RawClient.to(server.address)
    await client.read(18)
    client.send('00000003')
    client.send(option(7, `00000004${textHex('disk')}0000`))
    await client.read(20 + 12 + 20 + 14 + 20)
    const ask = hex('25609513 0000 0000 0000000000000001 0000000000000000 00100000')
    for (let i = 0; i < 64; i++) client.send(ask)
    await client.read(16 + (1 << 20))
    expect(disk.calls['read']).toBeLessThan(64)
    expect(most).toBeLessThanOrEqual(4)
  })
})

describe('stopping the server', () => {
  test('drain answers what is in flight and then closes', async () => {
    const held = Promise.withResolvers<'pass'>()
    const asked = Promise.withResolvers<void>()
    const server = await readOnlyDisk({
      faults: {
        beforeReply: () => {
          asked.resolve()
          return held.promise
        },
      },
    })
    const client = await openNbd({ address: server.address, exportName: 'disk' })
    const read = client.read(0, 512)
    await asked.promise
    const stopped = server.stop('drain')
    held.resolve('pass')
    expect(await read).toEqual(bytes.slice(0, 512))
    await stopped
    expect(server.connections).toBe(0)
    await expect(client.read(0, 512)).rejects.toThrow(code('NBD_CONNECT'))
    await client[Symbol.asyncDispose]()
  })

  test('now cuts, and the export is closed when it resolves', async () => {
    const disk = memoryExport(bytes, { readOnly: true })
    const asked = Promise.withResolvers<void>()
    const never = Promise.withResolvers<'drop'>()
    const faults = {
      beforeReply: () => {
        asked.resolve()
        return never.promise
      },
    }
    const server = await serveNbd({ listen, exports: only('disk', disk), faults })
    const client = await openNbd({ address: server.address, exportName: 'disk' })
    const read = client.read(0, 512).catch((error: unknown) => error)
    await asked.promise
    const stopped = server.stop('now')
    expect(await read).toBeInstanceOf(NbdError)
    never.resolve('drop')
    await stopped
    expect(disk.calls['close']).toBe(1)
    await client[Symbol.asyncDispose]()
  })
})

test.each(['writable', 'read-only'])(
  'a client that goes away in the middle of a WRITE leaves nothing open, %s',
  async (kind) => {
    const disk: NbdExport = memoryExport(new Uint8Array(8192), { readOnly: kind === 'read-only' })
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const exports = { open: async () => ({ ...disk, close: async () => resolve() }) }
    await using server = await serveNbd({ listen, exports })
    {
      await using raw = await RawClient.to(server.address)
      raw.send('00000003')
      raw.send(option(1, textHex('disk')))
      raw.send(request(1, 7, 0, 4096))
      raw.send(new Uint8Array(10))
      await raw.read(18 + 10) // the greeting and the export, without zeroes
    }
    await closed
    await server.stop('drain')
    expect(server.connections).toBe(0)
  },
)
