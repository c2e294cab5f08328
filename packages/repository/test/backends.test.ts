import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readList } from '../src/backends/rest-list.ts'
import {
  forget,
  initRepository,
  localBackend,
  memoryBackend,
  openBackend,
  openRepository,
  planForget,
  probeProtection,
  restBackend,
  systemClock,
  withBandwidth,
  withConnections,
  withRetry,
  type Backend,
  type RetryPause,
} from '../src/index.ts'
import { all, backendContract } from './support/backend-contract.ts'
import { faultyBackend, randomOf } from './support/faulty-backend.ts'
import { serveRestic, type RestServer } from './support/rclone.ts'
import { startRestStandIn } from './support/rest-stand-in.ts'
import { loadDisk, saveDisk, smallRepository } from './support/small-point.ts'

let directory: string
let server: RestServer
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-backends-'))
  server = await serveRestic(directory, { username: 'vm', password: 'rest-secret' })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

backendContract(
  'restic REST protocol, as rest-server answers',
  async () => {
    const standIn = await startRestStandIn(false)
    const backend = restBackend(standIn.url)
    const close = async () => {
      await backend[Symbol.asyncDispose]()
      await standIn[Symbol.asyncDispose]()
    }
    return { backend: { ...backend, [Symbol.asyncDispose]: close }, secrets: [] }
  },
  { many: 1001, tellsMissing: false },
)

test('a server that takes and gives up nothing but locks holds a repository', async () => {
  await using standIn = await startRestStandIn(true)
  const disk = randomBytes(MiB)
  await using repository = await initRepository(restBackend(standIn.url), 'pw', smallRepository)
  const id = await saveDisk(repository, disk)
  expect((await repository.check({ readData: true })).errors).toEqual([])
  expect(Buffer.compare(await loadDisk(repository, id), disk)).toBe(0)
  expect(await all(repository.backend.list('locks'))).toEqual([])
  await expect(repository.removeSnapshot(id)).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  {
    await using lock = await repository.lock('exclusive')
    const plan = await planForget(repository, { snapshots: [id] })
    await expect(forget(repository, plan, lock)).rejects.toMatchObject({
      code: 'REPOSITORY_APPEND_ONLY',
      message: expect.stringMatching(/^forget removes files, .* nothing was changed/),
    })
    expect(await all(repository.snapshots())).toHaveLength(1)
  }
  expect(await probeProtection(repository)).toMatchObject({
    overwriting: 'refused',
    removal: 'refused',
    remains: 'in place',
    locks: 'removable',
  })
})

const config = { type: 'config', name: '' } as const

/** A server that behaves as `listener` says. */
async function serving(listener: RequestListener): Promise<RestServer> {
  const http = createServer(listener).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const stop = async () => {
    http.closeAllConnections()
    if (http.listening) await new Promise((resolve) => http.close(resolve))
  }
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`, [Symbol.asyncDispose]: stop }
}

const answering = (status: number, headers: Record<string, string> = {}): Promise<RestServer> =>
  serving((request, response) => {
    request.resume()
    response.writeHead(status, headers).end()
  })

let count = 0
const fresh = () => join(directory, String(count++))
const retry = { patienceMs: 60_000, pauseMs: 1, pauseMaxMs: 2, random: randomOf(1), clock: systemClock }

backendContract('local', async () => ({ backend: localBackend(fresh()), secrets: [] }), {
  many: 300,
  tellsMissing: true,
})
backendContract('memory', async () => ({ backend: memoryBackend(), secrets: [] }), { many: 5000, tellsMissing: true })
backendContract(
  'limited',
  async () => {
    const limits = { upload: 1e12, download: 1e12 }
    return { backend: withConnections(withBandwidth(memoryBackend(), limits, systemClock), 2), secrets: [] }
  },
  { many: 300, tellsMissing: true },
)
backendContract(
  'storage that fails every third call and is tried again',
  async () => ({ backend: withRetry(faultyBackend(memoryBackend(), 7, 0.33), retry), secrets: [] }),
  { many: 100, tellsMissing: false, mayRepeat: true },
)
backendContract(
  'restic REST protocol, rclone',
  async () => {
    const url = `${server.url}contract-${count++}`
    const secrets = ['rest-secret', btoa('vm:rest-secret')]
    return { backend: restBackend(url, { username: 'vm', password: 'rest-secret' }), secrets }
  },
  { many: 300, tellsMissing: true, showsUploads: true },
)

test('a REST server that asks for a password says so, and nobody follows it elsewhere', async () => {
  await using wrong = restBackend(`${server.url}any`, { username: 'vm', password: 'wrong' })
  await expect(all(wrong.list('data'))).rejects.toMatchObject({
    code: 'BACKEND_DENIED',
    message: expect.stringContaining('user and password'),
  })
  await using elsewhere = await answering(302, { location: 'http://127.0.0.1:9/' })
  await expect(restBackend(elsewhere.url).load(config, 'all')).rejects.toMatchObject({ code: 'BACKEND_IO' })
})

const answers: Record<number, string> = {
  401: 'BACKEND_DENIED',
  403: 'BACKEND_DENIED',
  404: 'BACKEND_NOT_FOUND',
  413: 'REPOSITORY_FULL',
  416: 'BACKEND_OUT_OF_RANGE',
  429: 'BACKEND_UNAVAILABLE',
  500: 'BACKEND_UNAVAILABLE',
  503: 'BACKEND_UNAVAILABLE',
  507: 'REPOSITORY_FULL',
}

for (const [status, code] of Object.entries(answers)) {
  test(`a REST server that answers ${status} is ${code}`, async () => {
    await using teapot = await answering(Number(status))
    await using backend = restBackend(teapot.url)
    const hint = code === 'REPOSITORY_FULL' ? 'make room there' : ''
    await expect(backend.load(config, 'all')).rejects.toMatchObject({
      code,
      file: 'config',
      message: expect.stringContaining(hint),
    })
  })
}

test('an answer that breaks off, and a server that is not there, are worth another try', async () => {
  await using cut = await serving((_request, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('only this')
    setTimeout(() => response.destroy(), 5)
  })
  await using backend = restBackend(cut.url)
  await expect(backend.load(config, 'all')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  await cut[Symbol.asyncDispose]()
  await expect(backend.load(config, 'all')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
})

test('a server that falls silent is given up', async () => {
  await using silent = await serving(() => {})
  await using backend = restBackend(silent.url, { idleMs: 50 })
  await expect(backend.load(config, 'all')).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    message: expect.stringContaining('nothing was heard'),
  })
})

test('a list of version 1, without sizes, is completed by asking', async () => {
  const names = ['ab'.repeat(32), 'cd'.repeat(32), 'not a file of a repository']
  await using old = await serving((request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, { 'content-length': '77' }).end()
    else response.writeHead(200, { 'content-type': 'application/vnd.x.restic.rest.v1' }).end(JSON.stringify(names))
  })
  await using backend = restBackend(old.url)
  expect(await all(backend.list('data'))).toEqual(names.slice(0, 2).map((name) => ({ name, size: 77 })))
})

test('a list parses the same however it arrives, and one that ends early is an error', async () => {
  const entries = ['ab', 'cd', 'ef'].map((byte, i) => ({ name: byte.repeat(32), size: i }))
  const whole = Buffer.from(JSON.stringify(entries, null, 1))
  async function* cut(bytes: Uint8Array, at: number) {
    yield bytes.subarray(0, at)
    yield bytes.subarray(at)
  }
  for (let at = 0; at <= whole.length; at++) expect(await all(readList(cut(whole, at), 'here'))).toEqual(entries)
  for (const empty of ['[]', 'null', ' [ ] \n'])
    expect(await all(readList(cut(Buffer.from(empty), 2), 'here'))).toEqual([])
  for (let end = 1; end < whole.length; end++) {
    await expect(all(readList(cut(whole.subarray(0, end), end), 'here'))).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    })
  }
  for (const wrong of ['{}', '[1]', '[{"name":1}]', '<html>']) {
    await expect(all(readList(cut(Buffer.from(wrong), 1), 'here'))).rejects.toMatchObject({ code: 'BACKEND_IO' })
  }
})

test('restic checks what we wrote to a REST server, and we read what it wrote there', async () => {
  await using readable = await serveRestic(directory)
  const url = `rest:${readable.url}interop/`
  const restic = (...args: string[]) =>
    promisify(execFile)('restic', ['--no-cache', '--repo', url, ...args], {
      env: { ...process.env, RESTIC_PASSWORD: 'pw' },
    })
  await using repository = await initRepository(openBackend(url), 'pw', smallRepository)
  await restic('backup', import.meta.dirname)
  const id = await saveDisk(repository, randomBytes(MiB))
  expect((await repository.check({ readData: true })).errors).toEqual([])
  expect(await all(repository.snapshots())).toHaveLength(2)
  expect((await loadDisk(repository, id)).length).toBe(MiB)
  await restic('check', '--read-data')
}, 120_000)

test('a backup goes on when its server dies in the middle and comes back', async () => {
  const served = fresh()
  let running = await serveRestic(served)
  const port = Number(new URL(running.url).port)
  const pauses: string[] = []
  const retrying = { ...retry, onPause: ({ cause }: RetryPause) => void pauses.push(cause.code) }
  const backend = openBackend(`rest:${running.url}pool/`, { retry: { ...retrying, pauseMs: 50, pauseMaxMs: 50 } })
  const disk = randomBytes(8 * MiB)
  let packs = 0
  const dying: Backend = {
    ...backend,
    async save(file, content, signal) {
      if (file.type === 'data' && ++packs === 3) {
        await running[Symbol.asyncDispose]()
        setTimeout(() => void serveRestic(served, { port }).then((next) => (running = next)), 200)
      }
      await backend.save(file, content, signal)
    },
  }
  {
    await using repository = await initRepository(dying, 'pw', smallRepository)
    await saveDisk(repository, disk)
  }
  expect(packs).toBeGreaterThan(5)
  expect(pauses.length).toBeGreaterThan(0)
  expect(new Set(pauses)).toEqual(new Set(['BACKEND_UNAVAILABLE']))
  await using repository = await openRepository(openBackend(`rest:${running.url}pool/`), 'pw', smallRepository)
  expect((await repository.check({ readData: true })).errors).toEqual([])
  const [snapshot] = await all(repository.snapshots())
  expect(snapshot && Buffer.compare(await loadDisk(repository, snapshot.id), disk)).toBe(0)
  await running[Symbol.asyncDispose]()
}, 120_000)
