import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveNbd, type NbdServer, type NbdServerOptions } from '../src/index.ts'
import { makeCertificates, type Certificates } from './certificates.ts'
import { memoryExport, only, patterned } from './memory-export.ts'
import { answer, option, RawClient, request, textHex } from './raw-client.ts'

// What xapi's own server answers, byte by byte, as its source has it (xen-api ocaml/nbd and the nbd library's server).

const GREETING = `${textHex('NBDMAGICIHAVEOPT')}0001`
const [EXPORT_NAME, ABORT, LIST, STARTTLS, INFO, GO, STRUCTURED_REPLY, SET_META_CONTEXT] = [1, 2, 3, 5, 6, 7, 8, 10]
const [ACK, INFO_REPLY, UNSUP, POLICY, INVALID, TLS_REQD] = [1, 3, 0x8000_0001, 0x8000_0002, 0x8000_0003, 0x8000_0005]
const [READ, WRITE, DISC, FLUSH, TRIM] = [0, 1, 2, 3, 4]
const OPEN = `0000000000100000 0003 ${'00'.repeat(124)}`.replace(/ /g, '')
const [NO_ERROR, EPERM, EINVAL] = ['00000000', '00000001', '00000016']
const reply = (error: string | undefined, cookie: number) => `67446698${error}${cookie.toString(16).padStart(16, '0')}`

const bytes = patterned(1 << 20)
const disk = memoryExport(bytes)
let pki: Certificates
beforeAll(async () => {
  pki = await makeCertificates()
})
afterAll(() => pki[Symbol.asyncDispose]())

const serve = (more: Partial<NbdServerOptions> = {}): Promise<NbdServer> =>
  serveNbd({
    listen: { host: '127.0.0.1', port: 0 },
    exports: only('disk', disk),
    personality: 'xapi',
    xapiExtras: false,
    ...more,
  })
const forced = () => serve({ tls: { ...pki.server, mode: 'required' } })

async function greeted(server: NbdServer, flags = '00000001'): Promise<RawClient> {
  const client = await RawClient.to(server.address)
  expect(await client.read(18)).toBe(GREETING)
  client.send(flags)
  return client
}

async function opened(server: NbdServer): Promise<RawClient> {
  const client = await greeted(server)
  client.send(option(EXPORT_NAME, textHex('disk')))
  expect(await client.read(134)).toBe(OPEN)
  return client
}

describe('without TLS', () => {
  test('LIST and STARTTLS are against the policy, everything else is unknown, and the handshake goes on', async () => {
    await using server = await serve()
    await using client = await greeted(server)
    for (const [asked, rep] of [
      [LIST, POLICY],
      [STARTTLS, POLICY],
      [STRUCTURED_REPLY, UNSUP],
      [INFO, UNSUP],
      [GO, UNSUP],
      [SET_META_CONTEXT, UNSUP],
      [99, UNSUP],
    ] as const) {
      client.send(option(asked, asked === GO ? `00000004${textHex('disk')}0000` : ''))
      expect(await client.read(20)).toBe(answer(asked, rep))
    }
    client.send(option(ABORT))
    expect(await client.rest()).toBe(answer(ABORT, ACK))
  })

  test('EXPORT_NAME gives size, flags 3 and 124 zeroes, whatever the client waives', async () => {
    await using server = await serve()
    for (const flags of ['00000001', '00000003']) {
      await using client = await greeted(server, flags)
      client.send(option(EXPORT_NAME, textHex('disk')))
      expect(await client.read(134)).toBe(OPEN)
    }
  })

  test('an unknown export is closed without an answer, and an old client is tolerated', async () => {
    await using server = await serve()
    await using stranger = await greeted(server)
    stranger.send(option(EXPORT_NAME, textHex('other')))
    expect(await stranger.rest()).toBe('')
    await using old = await greeted(server, '00000000')
    old.send(option(EXPORT_NAME, textHex('disk')))
    expect(await old.read(134)).toBe(OPEN)
  })

  test('the extras answer GO with blocks of 512, and LIST as unknown', async () => {
    await using server = await serve({ xapiExtras: true })
    await using client = await greeted(server)
    client.send(option(LIST))
    expect(await client.read(20)).toBe(answer(LIST, UNSUP))
    client.send(option(GO, `00000004${textHex('disk')}0000`))
    const wanted = [
      answer(GO, INFO_REPLY, '0000 0000000000100000 0003'),
      answer(GO, INFO_REPLY, '0003 00000200 00010000 02000000'),
      answer(GO, ACK),
    ].join('')
    expect(await client.read(wanted.length / 2)).toBe(wanted)
  })
})

describe('with TLS forced', () => {
  test('before TLS only STARTTLS is answered', async () => {
    await using server = await forced()
    await using client = await greeted(server)
    for (const asked of [LIST, INFO, GO, STRUCTURED_REPLY, SET_META_CONTEXT]) {
      client.send(option(asked))
      expect(await client.read(20)).toBe(answer(asked, TLS_REQD))
    }
  })

  test('EXPORT_NAME, ABORT and old clients are closed without a word', async () => {
    await using server = await forced()
    for (const asked of [EXPORT_NAME, ABORT]) {
      await using client = await greeted(server)
      client.send(option(asked, asked === EXPORT_NAME ? textHex('disk') : ''))
      expect(await client.rest()).toBe('')
    }
    await using old = await greeted(server, '00000000')
    expect(await old.rest()).toBe('')
  })

  test('TLS is 1.2 with the curve and a cipher of the pool, and a second STARTTLS is invalid', async () => {
    await using server = await forced()
    await using client = await greeted(server)
    client.send(option(STARTTLS))
    expect(await client.read(20)).toBe(answer(STARTTLS, ACK))
    const secured = await client.startTls()
    expect(secured.getProtocol()).toBe('TLSv1.2')
    expect(secured.getCipher().name).toBe('ECDHE-RSA-AES256-GCM-SHA384')
    expect(secured.getEphemeralKeyInfo()).toMatchObject({ name: 'secp384r1' })
    client.send(option(STARTTLS))
    expect(await client.read(20)).toBe(answer(STARTTLS, INVALID))
    client.send(option(LIST))
    expect(await client.read(20)).toBe(answer(LIST, POLICY))
    client.send(option(EXPORT_NAME, textHex('disk')))
    expect(await client.read(134)).toBe(OPEN)
    client.send(request(READ, 1, 512, 512))
    expect(await client.read(528)).toBe(reply(NO_ERROR, 1) + Buffer.from(bytes.subarray(512, 1024)).toString('hex'))
  })

  test('bytes in the clear behind STARTTLS end the connection before TLS begins', async () => {
    await using server = await forced()
    await using client = await greeted(server)
    client.send(Buffer.concat([option(STARTTLS), option(LIST)]))
    expect(await client.rest()).toBe('')
  })
})

describe('transmission', () => {
  test('reads are answered one after the other, in order', async () => {
    await using server = await serve()
    await using client = await opened(server)
    client.send(Buffer.concat([request(READ, 1, 0, 600 * 1024), request(READ, 2, 512, 512), request(DISC, 3, 0, 0)]))
    expect(await client.read(16)).toBe(reply(NO_ERROR, 1))
    expect(await client.read(600 * 1024)).toBe(Buffer.from(bytes.subarray(0, 600 * 1024)).toString('hex'))
    expect(await client.read(16)).toBe(reply(NO_ERROR, 2))
    expect(await client.rest()).toBe(Buffer.from(bytes.subarray(512, 1024)).toString('hex'))
  })

  test.each([
    ['a read off the sectors', request(READ, 7, 1, 512), EINVAL],
    ['a read of half a sector', request(READ, 7, 0, 256), EINVAL],
    ['a write', Buffer.concat([request(WRITE, 7, 0, 512), new Uint8Array(512)]), EPERM],
    ['a flush', request(FLUSH, 7, 0, 0), EINVAL],
    ['a trim', request(TRIM, 7, 0, 512), EINVAL],
    ['a request of no known type', request(77, 7, 0, 512), EINVAL],
  ])('%s is refused, and the connection ends', async (_, bad, error) => {
    await using server = await serve()
    await using client = await opened(server)
    client.send(bad)
    client.send(request(READ, 8, 0, 512))
    expect(await client.rest()).toBe(reply(error, 7))
  })

  test('a read past the end begins well and is cut', async () => {
    await using server = await serve()
    await using client = await opened(server)
    client.send(request(READ, 7, (1 << 20) - 512, 1024))
    expect(await client.rest()).toBe(reply(NO_ERROR, 7))
  })

  test('after DISC the server closes its half and reads on until the client closes, so that no reset is sent', async () => {
    await using server = await serve()
    await using client = await opened(server)
    client.send(request(DISC, 1, 0, 0))
    expect(await client.rest()).toBe('')
    client.send(request(READ, 2, 0, 512)) // nobody answers, but nobody resets either
    expect(server.connections).toBe(1)
    client.end()
    await expect.poll(() => server.connections).toBe(0)
  })
})
