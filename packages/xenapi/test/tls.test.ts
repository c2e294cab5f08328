import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { fetchCertificate, login, type PoolTrust } from '../src/index.ts'
import { selfSigned } from './certificates.ts'
import { Failure, SESSION, startPool } from './pool.ts'
import { program } from './programs.ts'

let tls = { key: '', cert: '' }
let other = { key: '', cert: '' }
beforeAll(async () => {
  tls = await selfSigned('pool.example', 'IP:127.0.0.1,DNS:pool.example')
  other = await selfSigned('other.example', 'DNS:other.example')
})

const enter = (url: string, trust: PoolTrust) => login({ url, trust }, { username: 'root', password: 'x' })

test('a fetched certificate has the fingerprint that openssl prints', async () => {
  await using pool = await startPool({ tls })
  const shown = await fetchCertificate(pool.url)
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-tls-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'shown.pem')
  await writeFile(file, shown.pem)
  const printed = await program('openssl', ['x509', '-noout', '-fingerprint', '-sha256', '-in', file])
  expect(printed.trim().split('=')[1]).toBe(shown.sha256)
  expect(shown).toMatchObject({ subject: 'pool.example', pem: tls.cert })
  expect(shown.validTo.getTime()).toBeGreaterThan(Date.now())
  expect(pool.counts.requests).toBe(0)
})

test('the pinned certificate is accepted, with or without colons', async () => {
  await using pool = await startPool({ tls })
  const { sha256 } = await fetchCertificate(pool.url)
  for (const pin of [sha256, sha256.replaceAll(':', '').toLowerCase()]) {
    await using session = await enter(pool.url, { kind: 'fingerprint', sha256: pin })
    expect(session.ref).toBe(SESSION)
  }
})

test('another certificate than the pinned one gets no request at all, and both fingerprints are named', async () => {
  await using pool = await startPool({ tls: other })
  const { sha256: actual } = await fetchCertificate(pool.url)
  const pinned = 'AB:'.repeat(31) + 'AB'
  const error = await enter(pool.url, { kind: 'fingerprint', sha256: pinned }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'XENAPI_CERTIFICATE' })
  expect(String(error)).toContain(actual)
  expect(String(error)).toContain(pinned)
  expect(pool.counts.requests).toBe(0)
})

test('an upload proves the server as well: it changes its certificate after the login', async () => {
  let arrived = 0
  await using elsewhere = await startPool({ tls: other, http: () => void arrived++ })
  await using pool = await startPool({
    tls,
    http: (request, response) => void response.writeHead(302, { location: `${elsewhere.url}${request.url}` }).end(),
  })
  const { sha256 } = await fetchCertificate(pool.url)
  await using session = await enter(pool.url, { kind: 'fingerprint', sha256 })
  const vdi = 'OpaqueRef:1' as Parameters<typeof session.importRawVdi>[0]
  async function* body() {
    yield new Uint8Array(512)
  }
  await expect(session.importRawVdi(vdi, body(), { format: 'raw', length: 512 })).rejects.toMatchObject({
    code: 'XENAPI_CERTIFICATE',
  })
  await expect(session.exportRawVdi(vdi, { format: 'vhd' })).rejects.toMatchObject({ code: 'XENAPI_CERTIFICATE' })
  expect(arrived).toBe(0)
})

test('an authority is believed for the hosts it names, and for no others', async () => {
  await using pool = await startPool({ tls })
  {
    await using session = await enter(pool.url, { kind: 'authority', ca: tls.cert })
    expect(session.ref).toBe(SESSION)
  }
  await using stranger = await startPool({ tls: other })
  await expect(enter(stranger.url, { kind: 'authority', ca: tls.cert })).rejects.toMatchObject({
    code: 'XENAPI_CERTIFICATE',
  })
  await expect(enter(stranger.url, { kind: 'authority', ca: other.cert })).rejects.toMatchObject({
    code: 'XENAPI_CERTIFICATE',
  }) // wrong name
  expect(stranger.counts.requests).toBe(0)
})

test("the system's authorities do not vouch for a certificate that signs itself", async () => {
  await using pool = await startPool({ tls })
  await expect(enter(pool.url, { kind: 'system' })).rejects.toMatchObject({ code: 'XENAPI_CERTIFICATE' })
  expect(pool.counts.requests).toBe(0)
})

test('a member whose coordinator shows another certificate says what to add', async () => {
  // One port, two addresses, two certificates: which one is shown depends on the name that the client asks for.
  const context = (pair: typeof tls) => createSecureContext(pair)
  const choose = (name: string, done: (error: Error | null, context?: SecureContext) => void) =>
    done(null, context(name === 'localhost' ? other : tls))
  await using pool = await startPool({
    tls: { ...tls, SNICallback: choose },
    calls: {
      'session.login_with_password': () => {
        throw new Failure('HOST_IS_SLAVE', 'localhost')
      },
    },
  })
  const { sha256 } = await fetchCertificate(pool.url)
  const error = await enter(pool.url, { kind: 'fingerprint', sha256 }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'XENAPI_CERTIFICATE' })
  expect(String(error)).toContain(`The pool's coordinator is localhost:${new URL(pool.url).port}`)
})

test.each<[string, PoolTrust]>([
  ['http://127.0.0.1:9', { kind: 'system' }],
  ['http://127.0.0.1:9', { kind: 'fingerprint', sha256: 'AB'.repeat(32) }],
  ['https://127.0.0.1:9', { kind: 'plain' }],
  ['https://127.0.0.1:9', { kind: 'fingerprint', sha256: 'sha1' }],
])('%s with the trust %j is refused before connecting', async (url, trust) => {
  await expect(enter(url, trust)).rejects.toMatchObject({ code: 'XENAPI_CERTIFICATE' })
})
