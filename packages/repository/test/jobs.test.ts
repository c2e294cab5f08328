import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KiB, MiB } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import {
  initRepository,
  memoryBackend,
  openRepository,
  RepositoryError,
  type Backend,
  type MemoryBackend,
  type Repository,
} from '../src/index.ts'
import { seededRandom } from './support/random.ts'
import { loadDisk, saveDisk, smallRepository } from './support/small-point.ts'

/** A repository whose index is listed, but not answered, until `answer` is called. */
async function slowToList(store: MemoryBackend) {
  await (await initRepository(store, 'pw', smallRepository))[Symbol.asyncDispose]()
  const { promise: listed, resolve: tellListed } = Promise.withResolvers<void>()
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  let isSlow = false
  const backend: Backend = {
    ...store,
    async *list(type, signal) {
      const all = []
      for await (const each of store.list(type, signal)) all.push(each)
      if (type === 'index' && isSlow) {
        tellListed()
        await answered
      }
      yield* all
    },
  }
  const repository = await openRepository(backend, 'pw', smallRepository)
  await repository.loadIndex()
  isSlow = true
  return { repository, listed, answer }
}

test('what a job stores while another one loads the index stays known', async () => {
  const { repository: opened, listed, answer } = await slowToList(memoryBackend())
  await using repository: Repository = opened
  const loading = repository.loadIndex()
  await listed
  const { id } = await repository.saveBlob('data', Buffer.from('one'))
  await repository.flush() // its index file came after the list
  const { id: pending } = await repository.saveBlob('data', Buffer.from('two'))
  answer()
  await loading
  expect(repository.hasBlob('data', id)).toBe(true)
  expect(await repository.saveBlob('data', Buffer.from('one'))).toMatchObject({ isNew: false })
  expect(Buffer.from(await repository.loadBlob('data', id)).toString()).toBe('one')
  expect(Buffer.from(await repository.loadBlob('data', pending)).toString()).toBe('two')
})

test('many jobs of one process make their points at once, with a cache, and every point is as its disk was', async () => {
  const store = memoryBackend()
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-jobs-'))
  const problems: unknown[] = []
  const cache = { directory, onProblem: (error: unknown) => problems.push(error), residentMax: 10 }
  const random = seededRandom(7)
  const disks = Array.from({ length: 12 }, () => random.bytes(MiB + random.below(8) * 64 * KiB))
  await (await initRepository(store, 'pw', smallRepository))[Symbol.asyncDispose]()
  {
    await using repository = await openRepository(store, 'pw', { ...smallRepository, cache })
    const ids = await Promise.all(disks.map((disk) => saveDisk(repository, disk)))
    for (const [i, id] of ids.entries())
      expect(Buffer.from(disks[i] ?? []).equals(await loadDisk(repository, id))).toBe(true)
  }
  await using again = await openRepository(store, 'pw', smallRepository)
  const { errors, snapshots } = await again.check({ readData: true })
  expect({ errors, snapshots, problems }).toEqual({ errors: [], snapshots: disks.length, problems: [] })
  await rm(directory, { recursive: true })
})

test('a job whose blobs a failed write took makes no point, though the next job begins anew', async () => {
  const store = memoryBackend()
  await (await initRepository(store, 'pw', smallRepository))[Symbol.asyncDispose]()
  let isFull = true
  const backend: Backend = {
    ...store,
    async save(file, data, signal) {
      if (isFull && file.type === 'data') throw new RepositoryError('REPOSITORY_FULL', 'no space left')
      await store.save(file, data, signal)
    },
  }
  await using repository = await openRepository(backend, 'pw', smallRepository)
  const isFullError = expect.objectContaining({ code: 'REPOSITORY_FULL' })
  await using first = await repository.lock('shared')
  await repository.loadIndex(first.signal)
  const { id: lost } = await repository.saveBlob('tree', Buffer.from('lost'))
  await expect(repository.flush()).rejects.toEqual(isFullError)
  isFull = false
  await using second = await repository.lock('shared')
  await repository.loadIndex(second.signal)
  expect(first.signal.reason).toEqual(isFullError)
  expect(second.signal.aborted).toBe(false)
  const snapshot = { time: new Date(), tree: lost, paths: ['/'] }
  await expect(repository.saveSnapshot(snapshot, first.signal)).rejects.toEqual(isFullError)
  expect([...store.files.keys()].some((path) => path.startsWith('snapshots/'))).toBe(false)
  await repository.saveBlob('data', Buffer.from('kept'))
  await repository.flush()
})

test('a flush that was under way when its blobs were given up fails', async () => {
  const store = memoryBackend()
  await (await initRepository(store, 'pw', smallRepository))[Symbol.asyncDispose]()
  const { promise: written, resolve: write } = Promise.withResolvers<void>()
  let packs = 0
  const backend: Backend = {
    ...store,
    async save(file, data, signal) {
      if (file.type === 'data' && ++packs === 1) throw new RepositoryError('BACKEND_IO', 'the line broke')
      if (file.type === 'data') await written
      await store.save(file, data, signal)
    },
  }
  await using repository = await openRepository(backend, 'pw', smallRepository)
  await repository.saveBlob('data', Buffer.from('lost'))
  await repository.saveBlob('tree', Buffer.from('on its way'))
  const flushed = expect(repository.flush()).rejects.toMatchObject({ code: 'BACKEND_IO' })
  await expect.poll(() => packs).toBe(2)
  await repository.loadIndex() // begins anew
  write()
  await flushed
})
