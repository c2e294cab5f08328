import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listExports, openNbd, serveNbd, type NbdExport, type NbdPeer, type NbdServerOptions } from '../src/index.ts'
import { makeCertificates, type Certificates } from './certificates.ts'
import { memoryExport, only, patterned } from './memory-export.ts'
import { answer, option, RawClient, request, textHex } from './raw-client.ts'

const listen = { host: '127.0.0.1', port: 0 }
const code = (name: string) => expect.objectContaining({ code: name })
const bytes = patterned(1 << 20)
const serve = (more: Partial<NbdServerOptions> = {}) =>
  serveNbd({ listen, exports: only('disk', memoryExport(Uint8Array.from(bytes))), ...more })

let pki: Certificates
beforeAll(async () => {
  pki = await makeCertificates()
})
afterAll(() => pki[Symbol.asyncDispose]())

/** A client that has opened the disk, without structured replies. */
async function opened(server: { readonly address: { host: string; port: number } | { path: string } }) {
  const client = await RawClient.to(server.address)
  await client.read(18)
  client.send('00000003')
  client.send(option(7, `00000004${textHex('disk')}0000`))
  await client.read(20 + 12 + 20 + 14 + 20)
  return client
}

describe('a client that takes more than its share', () => {
  test('of connections is closed without a greeting, whoever else is connected', async () => {
    await using server = await serve({ limits: { connectionsPerAddress: 2 } })
    await using first = await opened(server)
    await using second = await opened(server)
    await using third = await RawClient.to(server.address)
    expect(await third.rest()).toBe('')
    expect(server.connections).toBe(2)
    await first[Symbol.asyncDispose]()
    await expect.poll(() => server.connections).toBe(1)
    await using next = await opened(server)
    expect(next).toBeDefined()
    expect(second).toBeDefined()
  })

  test('of options is thrown out', async () => {
    const errors: Error[] = []
    await using server = await serve({ limits: { options: 3 }, onError: (error) => errors.push(error) })
    await using client = await RawClient.to(server.address)
    await client.read(18)
    client.send('00000003')
    for (let i = 0; i < 3; i++) client.send(option(4711))
    expect(await client.rest()).toBe(answer(4711, 0x8000_0001).repeat(3))
    await expect.poll(() => errors).toEqual([code('NBD_PROTOCOL')])
  })

  test('of memory waits until others are done, and all connections together never hold more', async () => {
    const held = { now: 0, most: 0 }
    const slow: NbdExport = {
      size: bytes.length,
      async read(offset, length) {
        held.now += length
        held.most = Math.max(held.most, held.now)
        await sleep(1)
        held.now -= length
        return bytes.slice(offset, offset + length)
      },
    }
    const limits = { bytesInFlightTotal: 300_000, requestBytes: 100_000 }
    await using server = await serve({ exports: only('disk', slow), limits })
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => openNbd({ address: server.address, exportName: 'disk' })),
    )
    const reads = clients.flatMap((client) => Array.from({ length: 8 }, (_, i) => client.read(i * 100_000, 100_000)))
    for (const [i, data] of (await Promise.all(reads)).entries()) {
      const at = (i % 8) * 100_000
      expect(Buffer.compare(data, bytes.subarray(at, at + 100_000))).toBe(0)
    }
    expect(held.most).toBe(300_000)
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
  })

  test('and goes while it waits for memory leaves its place to the next', async () => {
    const gate = Promise.withResolvers<void>()
    const slow: NbdExport = {
      size: bytes.length,
      async read(offset, length) {
        await gate.promise
        return bytes.slice(offset, offset + length)
      },
    }
    await using server = await serve({
      exports: only('disk', slow),
      limits: { bytesInFlightTotal: 1000, requestBytes: 1000 },
    })
    await using first = await opened(server)
    first.send(request(0, 1, 0, 1000))
    await using second = await opened(server)
    second.send(request(0, 1, 0, 1000))
    await using third = await opened(server)
    third.send(request(0, 1, 0, 1000))
    await second[Symbol.asyncDispose]()
    gate.resolve()
    await first.read(16 + 1000)
    await third.read(16 + 1000)
    await expect.poll(() => server.connections).toBe(2)
  })

  test('and waits for memory does not keep the server from stopping', async () => {
    const gate = Promise.withResolvers<void>()
    const slow: NbdExport = { size: bytes.length, read: () => gate.promise.then(() => bytes.slice(0, 1000)) }
    const server = await serve({
      exports: only('disk', slow),
      limits: { bytesInFlightTotal: 1000, requestBytes: 1000 },
    })
    await using first = await opened(server)
    first.send(request(0, 1, 0, 1000))
    await using second = await opened(server)
    second.send(request(0, 1, 0, 1000))
    const stopped = server.stop('now')
    await expect.poll(() => server.connections).toBe(1) // the other one's read is still under way
    gate.resolve()
    await stopped
  })
})

describe('a client that keeps the server waiting', () => {
  test('with half a TLS handshake has its place until it leaves, and no longer', async () => {
    await using server = await serve({
      tls: { ...pki.server, mode: 'required' },
      limits: { handshakeTimeoutMs: 60_000, lingerTimeoutMs: 60_000 },
    })
    for (const [behind, hello] of [
      ['nothing', ''],
      ['half a record', '1603010200010001fc0303'],
    ] as const) {
      await using client = await RawClient.to(server.address)
      await client.read(18)
      client.send('00000003')
      client.send(option(5))
      await client.read(20)
      if (hello !== '') client.send(hello)
      await expect.poll(() => server.connections, { message: behind }).toBe(1)
      client.end()
      await expect.poll(() => server.connections, { message: behind }).toBe(0)
    }
  })

  test('for the data of a write is thrown out, and its export closed', async () => {
    const errors: Error[] = []
    const disk = memoryExport(Uint8Array.from(bytes))
    await using server = await serve({
      exports: only('disk', disk),
      limits: { transferTimeoutMs: 40 },
      onError: (error) => errors.push(error),
    })
    await using client = await opened(server)
    client.send(request(1, 1, 0, 1000))
    client.send('00')
    await client.rest()
    await expect.poll(() => errors).toEqual([code('NBD_TIMEOUT')])
    await expect.poll(() => disk.calls).toEqual({ close: 1 })
  })

  test('by not taking its answers is thrown out', async () => {
    const errors: Error[] = []
    await using server = await serve({ limits: { transferTimeoutMs: 40 }, onError: (error) => errors.push(error) })
    await using client = await opened(server)
    client.pause()
    for (let i = 0; i < 32; i++) client.send(request(0, i, 0, 1 << 20))
    await expect.poll(() => errors).toEqual([code('NBD_TIMEOUT')])
    await expect.poll(() => server.connections).toBe(0)
  })

  test('between its requests may do so for as long as it likes', async () => {
    await using server = await serve({ limits: { transferTimeoutMs: 20 } })
    await using client = await openNbd({ address: server.address, exportName: 'disk' })
    await client.read(0, 1000)
    await sleep(100)
    expect(await client.read(0, 1000)).toEqual(bytes.slice(0, 1000))
  })
})

describe('an export that is not for everybody', () => {
  test('is there for the client whose certificate says so, and for nobody else', async () => {
    const asked: NbdPeer[] = []
    await using server = await serve({
      exports: {
        async open(name, _, client) {
          asked.push(client)
          return name === 'disk' && client.certificate?.subject === 'client' ? memoryExport(bytes) : undefined
        },
        list: async (client) => (client.certificate?.subject === 'client' ? ['disk'] : []),
      },
      tls: { ...pki.server, mode: 'optional', clientCa: pki.ca },
    })
    const tls = { kind: 'certificate', pem: pki.server.cert, client: pki.client } as const
    await using client = await openNbd({ address: server.address, exportName: 'disk', tls })
    expect(await client.read(0, 10)).toEqual(bytes.slice(0, 10))
    await expect(openNbd({ address: server.address, exportName: 'disk' })).rejects.toThrow(code('NBD_EXPORT'))
    expect(await listExports(server.address, tls)).toEqual(['disk'])
    expect(await listExports(server.address)).toEqual([])
    expect([asked[0], asked.at(-1)]).toMatchObject([
      { host: '127.0.0.1', tls: true, certificate: { fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}/) } },
      { host: '127.0.0.1', tls: false },
    ])
  })
})
