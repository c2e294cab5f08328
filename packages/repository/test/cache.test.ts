import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Sealer } from '../src/format/crypto.ts'
import { openKeyFile } from '../src/format/key.ts'
import { initRepository, localBackend, memoryBackend, openRepository, type Backend, type BlobId } from '../src/index.ts'
import { saveSyntheticIndex } from './support/synthetic-index.ts'

const PASSWORD = 'correct horse'
const options = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 } as const

let directory: string
const problems: unknown[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-cache-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
  expect(problems.splice(0)).toEqual([])
})

const cached = () => ({ ...options, cache: { directory, onProblem: (error: unknown) => problems.push(error) } })

/** Notes which files of an index were loaded. */
function counting(backend: Backend): { backend: Backend; loads: string[] } {
  const loads: string[] = []
  const load: Backend['load'] = (file, range, signal) => {
    if (file.type === 'index') loads.push(file.name)
    return backend.load(file, range, signal)
  }
  return { backend: { ...backend, load }, loads }
}

async function saveBlobs(backend: Backend, ...texts: string[]): Promise<BlobId[]> {
  await using repository = await openRepository(backend, PASSWORD, options)
  const saved = await Promise.all(texts.map((text) => repository.saveBlob('data', Buffer.from(text))))
  await repository.flush()
  return saved.map(({ id }) => id)
}

async function names(backend: Backend): Promise<string[]> {
  const found: string[] = []
  for await (const { name } of backend.list('index')) found.push(name)
  return found
}

/** Opens with the cache, looks for blobs, and says which index files were downloaded. */
async function openAndFind(backend: Backend, known: readonly BlobId[], unknown: readonly BlobId[] = []) {
  const counted = counting(backend)
  await using repository = await openRepository(counted.backend, PASSWORD, cached())
  await repository.loadIndex()
  for (const id of known) expect(repository.hasBlob('data', id)).toBe(true)
  for (const id of unknown) expect(repository.hasBlob('data', id)).toBe(false)
  return counted.loads
}

test('an index file is downloaded once; one that is gone is forgotten', async () => {
  const backend = memoryBackend()
  await (await initRepository(backend, PASSWORD, options))[Symbol.asyncDispose]()
  const first = await saveBlobs(backend, 'one', 'two')
  const [firstName = ''] = await names(backend)
  expect(await openAndFind(backend, first)).toEqual([firstName])
  expect(await openAndFind(backend, first)).toEqual([])
  const second = await saveBlobs(backend, 'three')
  expect(await openAndFind(backend, [...first, ...second])).toHaveLength(1)
  expect(await openAndFind(backend, [...first, ...second])).toEqual([])
  backend.files.delete(`index/${firstName}`) // what a prune does at its end
  expect(await openAndFind(backend, second, first)).toEqual([])
  await rm(directory, { recursive: true })
  expect(await openAndFind(backend, second, first)).toHaveLength(1)
})

test('blobs are read back and saved blobs are recognised by what the cache knows', async () => {
  const backend = memoryBackend()
  await (await initRepository(backend, PASSWORD, options))[Symbol.asyncDispose]()
  const [id] = await saveBlobs(backend, 'one')
  await openAndFind(backend, id === undefined ? [] : [id])
  await using repository = await openRepository(backend, PASSWORD, cached())
  expect(await repository.saveBlob('data', Buffer.from('one'))).toEqual({ id, isNew: false, storedBytes: 0 })
  const { id: other } = await repository.saveBlob('data', Buffer.from('two'))
  expect(Buffer.from(await repository.loadBlob('data', other)).toString()).toBe('two')
  expect(id === undefined ? '' : Buffer.from(await repository.loadBlob('data', id)).toString()).toBe('one')
  await repository.loadIndex()
  expect(repository.hasBlob('data', other)).toBe(true)
})

test('a cache that is damaged in its records is told of, and made anew at once', async () => {
  const backend = memoryBackend()
  await (await initRepository(backend, PASSWORD, options))[Symbol.asyncDispose]()
  const ids = await saveBlobs(backend, 'one', 'two')
  await openAndFind(backend, ids)
  const repositoryId = (await readdir(directory)).find((name) => name.length === 64) ?? ''
  const [segment = ''] = await readdir(join(directory, repositoryId, 'index'))
  await using handle = await open(join(directory, repositoryId, 'index', segment), 'r+')
  await handle.write(Buffer.from('damage'), 0, 6, 10)
  expect(await openAndFind(backend, ids)).toHaveLength(1)
  expect(problems.splice(0)).toMatchObject([{ code: 'REPOSITORY_CACHE' }])
  expect(await openAndFind(backend, ids)).toEqual([])
})

test('a cache that cannot be written makes loading slower, and is told', async () => {
  const backend = memoryBackend()
  await (await initRepository(backend, PASSWORD, options))[Symbol.asyncDispose]()
  const ids = await saveBlobs(backend, 'one', 'two')
  await rm(directory, { recursive: true })
  await writeFile(directory, 'a file where a directory should be')
  expect(await openAndFind(backend, ids)).toHaveLength(1)
  expect(problems.splice(0).length).toBeGreaterThan(0)
})

const FILES = 12
const FILE_BLOBS = 5000

/** A repository on disk whose indexes name 60,000 blobs that do not exist. */
async function syntheticRepository(): Promise<string> {
  const path = join(directory, 'repository')
  const backend = localBackend(path)
  await using repository = await initRepository(backend, PASSWORD, options)
  const keyFile = await backend.load({ type: 'keys', name: repository.keyName }, 'all')
  const key = await openKeyFile(keyFile, PASSWORD, 'key')
  if (key === undefined) throw new Error('the key does not open')
  for (let i = 0; i < FILES; i++) await saveSyntheticIndex(backend, new Sealer(key), i * FILE_BLOBS, FILE_BLOBS)
  return path
}

function loader(path: string) {
  const args = [path, PASSWORD, join(directory, 'cache'), String(FILES * FILE_BLOBS)]
  return fork(new URL('support/load-index.ts', import.meta.url), args, { execArgv: ['--conditions=@tidemark/source'] })
}

const complete = { found: FILES * FILE_BLOBS, problems: [] }

test('four processes that share a cache and are killed at any moment harm nobody', async () => {
  const path = await syntheticRepository()
  const began = performance.now()
  expect((await once(loader(path), 'message'))[0]).toMatchObject(complete)
  const durationMs = performance.now() - began
  for (let round = 0; round < 6; round++) {
    await rm(join(directory, 'cache'), { recursive: true })
    const killed = [loader(path), loader(path)]
    const watched = [loader(path), loader(path)].map((child) => once(child, 'message'))
    await sleep((durationMs * (round + 2)) / 6)
    for (const child of killed) child.kill('SIGKILL')
    for (const [message] of await Promise.all(watched)) expect(message).toMatchObject(complete)
    expect((await once(loader(path), 'message'))[0]).toMatchObject({ ...complete, size: FILES * FILE_BLOBS })
  }
})
