import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchCertificate, login, type SessionOptions, type VdiRef, type VmRef } from '../src/index.ts'
import { selfSigned, type KeyPair } from './certificates.ts'
import { Failure, startPool, type PoolOptions, type TestPool } from './pool.ts'

const credentials = { username: 'root', password: 'secret' }
const plain = { kind: 'plain' } as const
const vdi = 'OpaqueRef:d15c' as VdiRef
const vm = 'OpaqueRef:7777' as VmRef
const hostOf = ({ url }: Pick<TestPool, 'url'>) => new URL(url).host

/** Several hosts of one pool. The one named by `coordinator` serves; the others name it. */
interface Hosts extends AsyncDisposable {
  readonly all: readonly TestPool[]
  coordinator: number
  /** Changes made so far, by host. */
  readonly changes: number[]
}

async function startHosts(count: number, more: (n: number, hosts: Hosts) => PoolOptions = () => ({})): Promise<Hosts> {
  const all: TestPool[] = []
  const hosts: Hosts = {
    all,
    coordinator: 0,
    changes: Array.from({ length: count }, () => 0),
    async [Symbol.asyncDispose]() {
      for (const host of all) await host[Symbol.asyncDispose]()
    },
  }
  for (let n = 0; n < count; n++) {
    const asMember = () => {
      const first = all[hosts.coordinator]
      if (n !== hosts.coordinator && first !== undefined) throw new Failure('HOST_IS_SLAVE', hostOf(first))
    }
    const own = more(n, hosts)
    const standard: PoolOptions['calls'] = {
      'session.login_with_password': () => `OpaqueRef:5e55-${n}-1`,
      'VM.get_all': () => [vm],
      'VDI.snapshot': () => {
        hosts.changes[n] = (hosts.changes[n] ?? 0) + 1
        return vdi
      },
    }
    all.push(await startPool({ before: asMember, ...own, calls: { ...standard, ...own.calls } }))
  }
  return hosts
}

const enter = (hosts: Hosts, options: Partial<SessionOptions> = {}, known = hosts.all.length) => {
  const [first, ...others] = hosts.all.slice(0, known).map(({ url }) => ({ url, trust: plain }))
  return login({ url: '', trust: plain, ...first, members: others }, credentials, options)
}
const host = (hosts: Hosts, n: number): TestPool => {
  const found = hosts.all[n]
  if (found === undefined) throw new Error(`no host ${n}`)
  return found
}

test('a coordinator that became a member is left for the new one, by a change as well', async () => {
  await using hosts = await startHosts(2)
  await using session = await enter(hosts, {}, 1)
  hosts.coordinator = 1
  expect(await session.VDI.snapshot(vdi)).toBe(vdi)
  expect(hosts.changes).toEqual([0, 1])
  expect(session.url).toBe(host(hosts, 1).url)
  expect(await session.VM.get_all()).toEqual([vm])
})

test('a coordinator that died is looked for among the other hosts; a change that was never sent is made there', async () => {
  await using hosts = await startHosts(3)
  await using session = await enter(hosts)
  hosts.coordinator = 2
  await host(hosts, 0)[Symbol.asyncDispose]()
  expect(await Promise.all([session.VDI.snapshot(vdi), session.VM.get_all()])).toEqual([vdi, [vm]])
  expect(hosts.changes).toEqual([0, 0, 1])
  expect(session.url).toBe(host(hosts, 2).url)
})

test('a pool without a coordinator is waited for until a member takes over', async () => {
  await using hosts = await startHosts(2)
  await using session = await enter(hosts)
  await host(hosts, 0)[Symbol.asyncDispose]()
  setTimeout(() => (hosts.coordinator = 1), 700) // until then the member names the dead host
  expect(await session.VM.get_all()).toEqual([vm])
  expect(session.url).toBe(host(hosts, 1).url)
})

test('a host that still boots is waited for', async () => {
  let boots = 0
  await using hosts = await startHosts(1, () => ({
    before: () => {
      if (boots > 0 && boots++ < 4) throw new Failure('HOST_STILL_BOOTING')
    },
  }))
  await using session = await enter(hosts)
  boots = 1
  expect(await session.VDI.snapshot(vdi)).toBe(vdi)
  expect(hosts.changes).toEqual([1])
})

test('the first login asks a member when the configured host is dead', async () => {
  await using hosts = await startHosts(2)
  hosts.coordinator = 1
  await host(hosts, 0)[Symbol.asyncDispose]()
  await using session = await enter(hosts)
  expect(session.url).toBe(host(hosts, 1).url)
})

test('a change whose answer was lost is not repeated: the error says that it may be there', async () => {
  await using hosts = await startHosts(2, (n, { changes }) => ({
    calls: {
      'VDI.clone': (_, { socket }) => {
        changes[n] = (changes[n] ?? 0) + 1
        socket.destroy()
      },
    },
  }))
  await using session = await enter(hosts)
  const error = await session.VDI.clone(vdi).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'XENAPI_UNREACHABLE', message: expect.stringContaining('may have taken effect') })
  expect(hosts.changes).toEqual([1, 0])
  expect(await session.VM.get_all()).toEqual([vm])
})

test('a pool that restarts is waited for, and logged in to anew', async () => {
  const calls = { 'VM.get_all': () => [vm] }
  const before = await startPool({ calls })
  await using session = await login({ url: before.url, trust: plain }, credentials)
  await before[Symbol.asyncDispose]()
  const answer = session.VM.get_all()
  await using after = await startPool({ calls, port: Number(new URL(before.url).port) })
  expect(await answer).toEqual([vm])
  expect(after.log.filter((entry) => entry.endsWith('login_with_password'))).toHaveLength(1)
})

test('a proxy that answers for a pool that is away is waited out like the pool itself', async () => {
  let away = 0
  await using pool = await startPool({
    calls: { 'VM.get_all': () => [vm], 'VDI.snapshot': () => vdi },
    onRequest: (_, response) => {
      if (away === 0) return false
      away--
      response.writeHead(503, { 'content-type': 'text/html' }).end('<html>unavailable</html>')
      return true
    },
  })
  await using session = await login({ url: pool.url, trust: plain }, credentials)
  away = 4
  pool.sessions.clear()
  expect(await session.VM.get_all()).toEqual([vm])
  expect(session.api).toBe('json')
  away = 1
  await expect(session.VDI.snapshot(vdi)).rejects.toMatchObject({ code: 'XENAPI_HTTP', status: 503 })
})

test('a pool that was only out of reach still knows the session: nobody logs in again', async () => {
  let cuts = 0
  await using pool = await startPool({
    calls: { 'VM.get_all': () => [vm] },
    onRequest: ({ socket }) => {
      if (cuts > 0 && cuts-- > 0) socket.destroy()
    },
  })
  await using session = await login({ url: pool.url, trust: plain }, credentials)
  cuts = 4
  expect(await session.VM.get_all()).toEqual([vm])
  expect(pool.log.filter((entry) => entry.endsWith('login_with_password'))).toHaveLength(1)
})

test('with no patience for outages a dead pool is an error at once; so it is once patience has ended', async () => {
  let rounds = 0
  const options = { onRequest: ({ socket }: { socket: { destroy(): void } }) => (rounds++, socket.destroy()) }
  for (const outageMs of [0, 600]) {
    const pool = await startPool()
    await using session = await login({ url: pool.url, trust: plain }, credentials, { outageMs })
    await pool[Symbol.asyncDispose]()
    await using _ = await startPool({ ...options, port: Number(new URL(pool.url).port) })
    await expect(session.VM.get_all()).rejects.toMatchObject({ code: 'XENAPI_UNREACHABLE' })
    rounds = 0
    await expect(session.VM.get_all()).rejects.toMatchObject({ code: 'XENAPI_UNREACHABLE' })
    expect(rounds).toBeLessThan(6) // the call and one round, each twice
  }
})

test('whoever waits for a pool can leave: by its signal alone, or with the session', async () => {
  const pool = await startPool()
  await using session = await login({ url: pool.url, trust: plain }, credentials)
  await pool[Symbol.asyncDispose]()
  const stop = new AbortController()
  const left = session.VM.get_all({ signal: stop.signal })
  const closed = session.VM.get_all()
  setTimeout(() => stop.abort(new Error('enough')), 30)
  await expect(left).rejects.toThrow('enough')
  const ended = expect(closed).rejects.toMatchObject({ code: 'XENAPI_UNREACHABLE' })
  await session[Symbol.asyncDispose]()
  await ended
})

let keys: readonly KeyPair[] = []
beforeAll(async () => {
  keys = await Promise.all([1, 2].map((n) => selfSigned(`host${n}`, `IP:127.0.0.${n}`)))
})
afterAll(() => {
  keys = []
})

/** Two hosts with a certificate each, at the same port of two addresses, as hosts of a pool have it. */
async function startSecureHosts(http: PoolOptions['http']): Promise<Hosts> {
  let port = 0
  const addresses = ['127.0.0.1', '127.0.0.2']
  const records = Object.fromEntries(addresses.map((address, n) => [`OpaqueRef:40${n}`, { address, uuid: `${n}` }]))
  const secure = async (n: number): Promise<Hosts> =>
    startHosts(1, (_, { coordinator }) => ({
      ...(keys[n] === undefined ? {} : { tls: keys[n] }),
      address: addresses[n] ?? '',
      port,
      ...(http === undefined ? {} : { http }),
      before: () => {
        if (main.coordinator !== n && coordinator === 0)
          throw new Failure('HOST_IS_SLAVE', addresses[main.coordinator] ?? '')
      },
      calls: {
        'host.get_all_records': () => records,
        'host.get_server_certificate': ([ref]) => keys[ref === 'OpaqueRef:400' ? 0 : 1]?.cert ?? '',
      },
    }))
  const main: Hosts = {
    all: [],
    coordinator: 0,
    changes: [0, 0],
    async [Symbol.asyncDispose]() {
      for (const one of parts) await one[Symbol.asyncDispose]()
    },
  }
  const parts = [await secure(0)]
  port = Number(new URL(host(parts[0] ?? main, 0).url).port)
  parts.push(await secure(1))
  return Object.assign(main, { all: parts.flatMap(({ all }) => all) })
}

test('hosts are learned with the certificate that the coordinator vouches for, and only that one is believed later', async () => {
  await using hosts = await startSecureHosts(undefined)
  const [first, second] = [host(hosts, 0), host(hosts, 1)]
  const { sha256 } = await fetchCertificate(first.url)
  const address = { url: first.url, trust: { kind: 'fingerprint', sha256 } } as const
  await using session = await login(address, credentials)
  const members = await session.members()
  expect(members).toEqual([
    { url: first.url, trust: { kind: 'fingerprint', sha256 } },
    { url: second.url, trust: { kind: 'fingerprint', sha256: (await fetchCertificate(second.url)).sha256 } },
  ])
  hosts.coordinator = 1
  expect(await session.VM.get_all()).toEqual([vm])
  expect(session.url).toBe(second.url)
  await expect(login(address, credentials)).rejects.toMatchObject({ code: 'XENAPI_CERTIFICATE' })
  await using again = await login({ ...address, members }, credentials)
  expect(again.url).toBe(second.url)
})

test('a transfer that is sent to another host asks how that one proves itself, and keeps session and task', async () => {
  const seen: string[] = []
  const hosts: Hosts = await startSecureHosts((request, response, url) => {
    const at = request.socket.localAddress ?? ''
    seen.push(`${at} ${url.searchParams.get('session_id')}`)
    if (at === '127.0.0.1') {
      response.writeHead(302, { location: `${host(hosts, 1).url}${request.url}` }).end()
      return
    }
    host(hosts, 0).tasks.end(url.searchParams.get('task_id') ?? '', { result: '' })
    response.writeHead(200).end('disk')
  })
  await using _ = hosts
  const { sha256 } = await fetchCertificate(host(hosts, 0).url)
  const address = { url: host(hosts, 0).url, trust: { kind: 'fingerprint', sha256 } } as const
  await using session = await login(address, credentials)
  await using disk = await session.exportRawVdi(vdi, { format: 'vhd' })
  for await (const bytes of disk.body) expect(Buffer.from(bytes).toString()).toBe('disk')
  expect(seen).toEqual([`127.0.0.1 ${session.ref}`, `127.0.0.2 ${session.ref}`])
})

test('a transfer that finds its session ended begins once more under a new one', async () => {
  let refused = 0
  await using pool = await startPool({
    http: (_, response, url) => {
      const task = url.searchParams.get('task_id') ?? ''
      if (refused++ === 0) {
        pool.sessions.clear()
        pool.tasks.end(task, { failure: ['SESSION_AUTHENTICATION_FAILED'] })
        response.writeHead(401).end()
        return
      }
      pool.tasks.end(task, { result: '' })
      response.writeHead(200).end('disk')
    },
  })
  await using session = await login({ url: pool.url, trust: plain }, credentials)
  const { ref } = session
  await using disk = await session.exportRawVdi(vdi, { format: 'vhd' })
  for await (const bytes of disk.body) expect(Buffer.from(bytes).toString()).toBe('disk')
  expect(session.ref).not.toBe(ref)
  expect(pool.tasks.destroyed).toHaveLength(2)
})
