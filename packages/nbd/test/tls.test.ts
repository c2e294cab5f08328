import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openNbd, serveNbd, type NbdServerOptions, type NbdTrust } from '../src/index.ts'
import { makeCertificates, type Certificates } from './certificates.ts'
import { memoryExport, only, patterned } from './memory-export.ts'

let pki: Certificates
let stranger: Certificates
beforeAll(async () => {
  ;[pki, stranger] = await Promise.all([makeCertificates(), makeCertificates()])
})
afterAll(() => Promise.all([pki[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]))

const bytes = patterned(300_000)
const serve = (tls: Partial<NonNullable<NbdServerOptions['tls']>> = {}, opened: string[] = []) =>
  serveNbd({
    listen: { host: '127.0.0.1', port: 0 },
    exports: {
      open: async (name) => {
        opened.push(name)
        return name === 'disk' ? memoryExport(bytes) : undefined
      },
    },
    tls: { ...pki.server, mode: 'required', ...tls },
  })
const code = (name: string) => expect.objectContaining({ code: name })

describe('a certificate', () => {
  test('is accepted when it is the pinned one, or has its key, or comes from the authority for that name', async () => {
    await using server = await serve()
    const accepted: NbdTrust[] = [
      { kind: 'certificate', pem: pki.server.cert },
      { kind: 'certificate', pem: pki.renewed },
      { kind: 'authority', ca: pki.ca, subject: 'localhost' },
      { kind: 'authority', ca: pki.ca, subject: '127.0.0.1' },
    ]
    for (const tls of accepted) {
      await using client = await openNbd({ address: server.address, exportName: 'disk', tls })
      expect(Buffer.from(await client.read(0, bytes.length)).equals(bytes)).toBe(true)
    }
  })

  test('is refused otherwise, with both fingerprints, and the server never hears the name of the export', async () => {
    const opened: string[] = []
    await using server = await serve({}, opened)
    const refused: NbdTrust[] = [
      { kind: 'certificate', pem: stranger.server.cert },
      { kind: 'certificate', pem: pki.ca }, // the issuer is not the server
      { kind: 'authority', ca: stranger.ca, subject: 'localhost' },
      { kind: 'authority', ca: pki.ca, subject: 'elsewhere' },
    ]
    for (const tls of refused) {
      await expect(openNbd({ address: server.address, exportName: 'disk', tls })).rejects.toThrow(
        code('NBD_CERTIFICATE'),
      )
    }
    expect(opened).toEqual([])
    const shown = new X509Certificate(pki.server.cert).fingerprint256
    const wanted = new X509Certificate(stranger.server.cert).fingerprint256
    const opening = openNbd({
      address: server.address,
      exportName: 'disk',
      tls: { kind: 'certificate', pem: stranger.server.cert },
    })
    await expect(opening).rejects.toThrow(new RegExp(`${shown}.*${wanted}`))
  })

  test('that is no certificate is refused as one', async () => {
    await using server = await serve()
    const tls: NbdTrust = { kind: 'certificate', pem: 'nonsense' }
    await expect(openNbd({ address: server.address, exportName: 'disk', tls })).rejects.toThrow(code('NBD_CERTIFICATE'))
    const options = { listen: { host: '127.0.0.1', port: 0 }, exports: only('disk', memoryExport(bytes)) }
    await expect(serveNbd({ ...options, tls: { key: 'no', cert: 'no', mode: 'required' } })).rejects.toThrow(
      code('NBD_TLS'),
    )
  })

  test('of the client is asked for where the server says so', async () => {
    await using server = await serve({ clientCa: pki.ca })
    const trust = { kind: 'certificate', pem: pki.server.cert } as const
    const target = { address: server.address, exportName: 'disk' }
    await using client = await openNbd({ ...target, tls: { ...trust, client: pki.client } })
    expect(await client.read(0, 1)).toHaveLength(1)
    await expect(openNbd({ ...target, tls: trust })).rejects.toThrow(/NBD_TLS|closed|TLS|broke/)
    await expect(openNbd({ ...target, tls: { ...trust, client: stranger.client } })).rejects.toThrow(/TLS|closed|broke/)
  })
})

describe('no TLS on one side', () => {
  test('a server without it is an error, never a connection in the clear', async () => {
    await using server = await serveNbd({
      listen: { host: '127.0.0.1', port: 0 },
      exports: only('disk', memoryExport(bytes)),
    })
    const tls: NbdTrust = { kind: 'certificate', pem: pki.server.cert }
    await expect(openNbd({ address: server.address, exportName: 'disk', tls })).rejects.toThrow(code('NBD_TLS'))
  })

  test('a client without it is told when the server insists, and served when it does not', async () => {
    await using insisting = await serve()
    await expect(openNbd({ address: insisting.address, exportName: 'disk' })).rejects.toThrow(code('NBD_TLS'))
    await using offering = await serve({ mode: 'optional' })
    await using plain = await openNbd({ address: offering.address, exportName: 'disk' })
    expect(await plain.read(0, 1)).toHaveLength(1)
  })
})

describe('a handshake that does not come about', () => {
  const tls = (): NbdTrust => ({ kind: 'certificate', pem: pki.server.cert })
  const spoiled = (faults: NbdServerOptions['faults'] & object) =>
    serveNbd({
      listen: { host: '127.0.0.1', port: 0 },
      exports: only('disk', memoryExport(bytes)),
      tls: { ...pki.server, mode: 'required' },
      faults,
    })

  test('because the server closes the connection is worth another try; another certificate is not', async () => {
    await using closing = await spoiled({ beforeTls: () => 'close' })
    const opening = openNbd({ address: closing.address, exportName: 'disk', tls: tls() })
    await expect(opening).rejects.toThrow(expect.objectContaining({ code: 'NBD_DISCONNECTED', retryable: true }))
    await using other = await spoiled({ beforeTls: () => ({ ...stranger.server, mode: 'required' }) })
    const refused = openNbd({ address: other.address, exportName: 'disk', tls: tls() })
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'NBD_CERTIFICATE', retryable: false }))
  })

  test('because the server says nothing ends in time, and does not keep the server from stopping', async () => {
    for (const faults of [{ beforeTls: () => 'stall' as const }, { beforeGreeting: () => 'stall' as const }]) {
      await using server = await spoiled(faults)
      const opening = openNbd({ address: server.address, exportName: 'disk', tls: tls() }, { connectTimeoutMs: 50 })
      await expect(opening).rejects.toThrow(code('NBD_TIMEOUT'))
    }
  })
})
