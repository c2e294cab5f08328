import { extent } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { borrowRuns, openNbd, serveNbd, type NbdOptions, type NbdServerOptions, type NbdTarget } from '../src/index.ts'
import { makeCertificates, type Certificates } from './certificates.ts'
import { memoryExport, only, patterned } from './memory-export.ts'

// Connections with a thread each.

const bytes = patterned(1_000_003)
let pki: Certificates
beforeAll(async () => void (pki = await makeCertificates()))
afterAll(() => pki[Symbol.asyncDispose]())

const serve = (more: Partial<NbdServerOptions> = {}) =>
  serveNbd({
    listen: { host: '127.0.0.1', port: 0 },
    exports: only('disk', memoryExport(bytes, { readOnly: true })),
    tls: { ...pki.server, mode: 'required' },
    ...more,
  })
const at = ({ address }: { address: NbdTarget['address'] }, pem = pki.server.cert): NbdTarget => ({
  address,
  exportName: 'disk',
  tls: { kind: 'certificate', pem },
})
const own: Partial<NbdOptions> = { thread: 'own', connections: 2, requestBytes: 20_000, inFlight: 4 }

test('the same bytes come, in memory that goes to the thread and back', async () => {
  await using server = await serve()
  await using client = await openNbd(at(server), own)
  expect(client).toMatchObject({ connections: 2, size: bytes.length, contexts: ['base:allocation'] })
  let end = 0
  for await (const { offset, data } of borrowRuns(client, [extent(0, client.size)])) {
    expect(offset).toBe(end)
    expect(Buffer.from(data).equals(bytes.subarray(offset, offset + data.length))).toBe(true)
    end = offset + data.length
  }
  expect(end).toBe(bytes.length)
  expect((await client.blockStatus(0, client.size)).map(({ hole }) => hole)).toEqual([false, true, false])
})

test('errors cross over as they are', async () => {
  await using server = await serve({
    faults: { beforeReply: ({ offset }) => (offset === 512 ? { errno: 'EIO' } : 'pass') },
  })
  await expect(openNbd(at(server, pki.ca), own)).rejects.toThrow(expect.objectContaining({ code: 'NBD_CERTIFICATE' }))
  await using client = await openNbd(at(server), own)
  await expect(client.read(512, 512)).rejects.toThrow(
    expect.objectContaining({ name: 'NbdError', code: 'NBD_IO', errno: 'EIO', offset: 512, length: 512 }),
  )
})

test('a connection that breaks is replaced by one on another thread', async () => {
  let cut = 0
  await using server = await serve({
    faults: {
      beforeReply: ({ connection, request }) => (connection === 1 && request === 5 && ++cut ? 'close' : 'pass'),
    },
  })
  await using client = await openNbd(at(server), own)
  const parts: Uint8Array[] = []
  for await (const { data } of borrowRuns(client, [extent(0, client.size)])) parts.push(data.slice())
  expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  expect(cut).toBe(1)
  await expect.poll(() => client.connections).toBe(2)
})

test('a signal ends the opening, and closing leaves nothing at the server', async () => {
  const stop = new AbortController()
  await using silent = await serve({ faults: { beforeGreeting: () => 'stall' } })
  const opening = openNbd(at(silent), own, stop.signal)
  stop.abort(new Error('enough'))
  await expect(opening).rejects.toThrow('enough')
  const server = await serve()
  const client = await openNbd(at(server), own)
  await client[Symbol.asyncDispose]()
  await server.stop('drain')
  await expect(client.read(0, 512)).rejects.toThrow(expect.objectContaining({ code: 'NBD_DISCONNECTED' }))
})
