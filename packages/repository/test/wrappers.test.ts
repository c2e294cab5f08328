import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { MiB } from '@tidemark/blocks'
import {
  assertRemovable,
  initRepository,
  memoryBackend,
  openRepository,
  probeProtection,
  RepositoryError,
  withBandwidth,
  withConnections,
  withoutRemoval,
  withRetry,
  type Backend,
  type RetryPause,
  type SnapshotId,
} from '../src/index.ts'
import { all, fileOf } from './support/backend-contract.ts'
import { faultyBackend, randomOf } from './support/faulty-backend.ts'
import { handClock } from './support/hand-clock.ts'
import { seededRandom } from './support/random.ts'
import { loadDisk, saveDisk, smallRepository } from './support/small-point.ts'

const away = (text: string) => new RepositoryError('BACKEND_UNAVAILABLE', text)
const content = Buffer.from('some content')
const file = fileOf('data', content)
const steady = { patienceMs: 10_000, pauseMs: 100, pauseMaxMs: 2000, random: () => 1 }

test('pauses double up to their limit, jitter takes up to half of one off, and the last cause is told', async () => {
  for (const [random, factor] of [
    [() => 1, 1],
    [() => 0, 0.5],
  ] as const) {
    const clock = handClock()
    let calls = 0
    const store: Backend = { ...memoryBackend(), load: () => Promise.reject(away(`refusal ${++calls}`)) }
    const told: RetryPause[] = []
    const backend = withRetry(store, { ...steady, random, clock, onPause: (pause) => void told.push(pause) })
    const error: unknown = await backend.load(file, 'all').catch((cause: unknown) => cause)
    expect(clock.pauses.slice(0, 6)).toEqual([100, 200, 400, 800, 1600, 2000].map((ms) => ms * factor))
    expect(clock.pauses.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(10_000)
    expect(error).toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringContaining(`refusal ${calls}`),
      cause: { message: `refusal ${calls}` },
    })
    expect(told.map(({ pauseMs }) => pauseMs)).toEqual(clock.pauses)
    expect(told[0]).toMatchObject({ location: 'memory', cause: { message: 'refusal 1' } })
  }
})

test('what does not get better by waiting is not tried again', async () => {
  for (const code of ['BACKEND_DENIED', 'BACKEND_NOT_FOUND', 'REPOSITORY_FULL', 'BACKEND_IO'] as const) {
    const clock = handClock()
    const store: Backend = { ...memoryBackend(), load: () => Promise.reject(new RepositoryError(code, 'no')) }
    await expect(withRetry(store, { ...steady, clock }).load(file, 'all')).rejects.toMatchObject({
      code,
      message: 'no',
    })
    expect(clock.pauses).toEqual([])
  }
})

test('an abort ends the waiting with its reason', async () => {
  const stop = new AbortController()
  const reason = new Error('enough')
  const clock = handClock()
  const store: Backend = {
    ...memoryBackend(),
    load: () => {
      stop.abort(reason)
      return Promise.reject(away('down'))
    },
  }
  await expect(withRetry(store, { ...steady, clock }).load(file, 'all', stop.signal)).rejects.toBe(reason)
})

test('a save whose answer was lost is looked up, and not sent again', async () => {
  const store = memoryBackend()
  let sent = 0
  const losing: Backend = {
    ...store,
    async save(name, bytes) {
      sent++
      await store.save(name, bytes)
      throw away('the answer is lost')
    },
  }
  await withRetry(losing, { ...steady, clock: handClock() }).save(file, content)
  expect(sent).toBe(1)
  expect(Buffer.from(await store.load(file, 'all'))).toEqual(content)
})

test('a save that did not arrive is sent again', async () => {
  const store = memoryBackend()
  let sent = 0
  const dropping: Backend = {
    ...store,
    async save(name, bytes) {
      if (++sent < 3) throw away('dropped')
      await store.save(name, bytes)
    },
  }
  await withRetry(dropping, { ...steady, clock: handClock() }).save(file, content)
  expect(sent).toBe(3)
  expect(Buffer.from(await store.load(file, 'all'))).toEqual(content)
})

test("somebody else's file under the name is an error, also after a lost answer", async () => {
  const store = memoryBackend()
  const other: Backend = {
    ...store,
    async save(name) {
      await store.save(name, Buffer.from('of another program'))
      throw away('lost')
    },
  }
  const config = { type: 'config', name: '' } as const
  await expect(withRetry(other, { ...steady, clock: handClock() }).save(config, content)).rejects.toMatchObject({
    code: 'BACKEND_EXISTS',
  })
})

test('a removal whose answer was lost is done', async () => {
  const store = memoryBackend()
  await store.save(file, content)
  let isFirst = true
  const losing: Backend = {
    ...store,
    async remove(name) {
      await store.remove(name)
      if (isFirst) {
        isFirst = false
        throw away('lost')
      }
    },
  }
  await withRetry(losing, { ...steady, clock: handClock() }).remove(file)
  expect(store.files.size).toBe(0)
})

test('a list that breaks off goes on without repeating or losing a name', async () => {
  const store = memoryBackend()
  const contents = Array.from({ length: 20 }, (_, i) => Buffer.from(`${i}`))
  for (const bytes of contents) await store.save(fileOf('index', bytes), bytes)
  let lists = 0
  const breaking: Backend = {
    ...store,
    async *list(type) {
      const stopAt = ++lists * 5
      let given = 0
      for await (const entry of store.list(type)) {
        if (given++ === stopAt) throw away('cut')
        yield entry
      }
    },
  }
  const names = (await all(withRetry(breaking, { ...steady, clock: handClock() }).list('index'))).map(
    ({ name }) => name,
  )
  expect(names.toSorted()).toEqual(contents.map((bytes) => fileOf('index', bytes).name).toSorted())
  expect(lists).toBe(4)
})

test('never more calls at a time than connections, in order, and who is aborted leaves the queue', async () => {
  const store = memoryBackend()
  let working = 0
  let most = 0
  const order: number[] = []
  const slow: Backend = {
    ...store,
    async load(_file, range) {
      most = Math.max(most, ++working)
      await sleep(2)
      working--
      order.push(range === 'all' ? -1 : range.offset)
      return new Uint8Array()
    },
  }
  const backend = withConnections(slow, 3)
  const stop = new AbortController()
  const reason = new Error('enough')
  const calls = Array.from({ length: 12 }, (_, i) =>
    backend.load(file, { offset: i, length: 0 }, i === 7 ? stop.signal : undefined),
  )
  stop.abort(reason)
  const outcomes = await Promise.allSettled(calls)
  expect(outcomes.flatMap((outcome, i) => (outcome.status === 'rejected' ? [i] : []))).toEqual([7])
  expect(outcomes[7]).toMatchObject({ reason })
  expect(most).toBe(3)
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11])
  await backend.load(file, { offset: 12, length: 0 }) // the places are free again
})

test('a list may load in between, with one connection', async () => {
  const store = memoryBackend()
  await store.save(file, content)
  const backend = withConnections(store, 1)
  for await (const { name } of backend.list('data')) await backend.load({ type: 'data', name }, 'all')
})

test('uploads and downloads have a mean rate of their own', async () => {
  const clock = handClock()
  const began = clock.now().getTime()
  const seconds = () => (clock.now().getTime() - began) / 1000
  const backend = withBandwidth(memoryBackend(), { upload: 1000, download: 4000 }, clock)
  const contents = Array.from({ length: 11 }, (_, i) => Buffer.alloc(1000, i))
  for (const bytes of contents) await backend.save(fileOf('data', bytes), bytes)
  expect(seconds()).toBeCloseTo(9, 1) // the first second was free, the last file is not yet paid for
  const before = seconds()
  for (const bytes of contents) await backend.load(fileOf('data', bytes), 'all')
  for (const bytes of contents) await backend.load(fileOf('data', bytes), { offset: 0, length: 1000 })
  expect(seconds() - before).toBeCloseTo((22_000 - 4000 - 1000) / 4000, 1)
})

test('calls at the same time share one rate', async () => {
  const clock = handClock()
  const began = clock.now().getTime()
  const backend = withBandwidth(memoryBackend(), { upload: 1000 }, clock)
  const contents = Array.from({ length: 10 }, (_, i) => Buffer.alloc(1000, i))
  await Promise.all(contents.map((bytes) => backend.save(fileOf('data', bytes), bytes)))
  expect(clock.now().getTime() - began).toBeGreaterThanOrEqual(8000)
})

test('a backend without removal still gives up its locks', async () => {
  const store = memoryBackend()
  const backend = withoutRemoval(store)
  for (const type of ['locks', 'data', 'snapshots'] as const) await backend.save(fileOf(type, content), content)
  await backend.remove(fileOf('locks', content))
  for (const type of ['data', 'snapshots'] as const) {
    await expect(backend.remove(fileOf(type, content))).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  }
  expect([...store.files.keys()].map((path) => path.split('/')[0])).toEqual(['data', 'snapshots'])
})

test('a backup over storage that fails every third call ends as if nothing had happened', async () => {
  const disk = Buffer.from(Array.from({ length: MiB }, randomOf(1)).map((value) => value * 256))
  for (let seed = 1; seed <= 10; seed++) {
    const store = memoryBackend()
    const backend = withRetry(faultyBackend(store, seed, 0.33), { ...steady, patienceMs: 1e9, clock: handClock() })
    let id: SnapshotId
    {
      await using repository = await initRepository(backend, 'pw', smallRepository)
      id = await saveDisk(repository, disk)
    }
    await using repository = await openRepository(store, 'pw', smallRepository)
    const { errors, unusedPacks } = await repository.check({ readData: true })
    expect({ seed, errors, unusedPacks }).toEqual({ seed, errors: [], unusedPacks: [] })
    expect(Buffer.compare(await loadDisk(repository, id), disk), `seed ${seed}`).toBe(0)
    expect(await all(store.list('locks'))).toEqual([])
  }
})

test('where nothing at all can be removed, not even locks, backups and reading go on, and the rest says why not', async () => {
  const store = memoryBackend()
  const refuse = () => Promise.reject(new RepositoryError('BACKEND_DENIED', 'nothing is ever removed'))
  const frozen: Backend = { ...store, remove: refuse }
  let now = Date.UTC(2026, 0, 1)
  const clock = { ...handClock(), now: () => new Date(now) }
  const options = { ...smallRepository, clock }
  const disk = Buffer.alloc(MiB, 7)
  await using repository = await initRepository(frozen, 'pw', options)
  const first = await saveDisk(repository, disk)
  now += 60 * 60_000 // the lock of the first run is dead by now
  const second = await saveDisk(repository, disk)
  for (const id of [first, second]) expect(Buffer.compare(await loadDisk(repository, id), disk)).toBe(0)
  expect((await repository.check({ readData: true })).errors).toEqual([])
  expect(await all(frozen.list('locks'))).toHaveLength(2)
  await expect(repository.lock('exclusive')).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  await expect(repository.unlock('stale')).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  const before = store.files.size
  await expect(assertRemovable(repository, 'prune')).rejects.toMatchObject({
    code: 'REPOSITORY_APPEND_ONLY',
    message: expect.stringContaining('nothing was changed'),
  })
  expect(store.files.size).toBe(before)
  expect(await probeProtection(repository)).toMatchObject({ removal: 'refused', remains: 'in place', locks: 'kept' })
})

test('the proof of protection destroys nothing but its own file', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, 'pw', smallRepository)
  await saveDisk(repository, Buffer.alloc(MiB, 7))
  const before = [...store.files.keys()]
  expect(await probeProtection(repository)).toMatchObject({ removal: 'accepted', remains: 'no', locks: 'removable' })
  expect([...store.files.keys()]).toEqual(before)
  await assertRemovable(repository, 'prune')
})

/** The most packs that are under way together, when none is saved until so many are. */
async function packsTogether(wanted: number, wrap: (backend: Backend) => Backend): Promise<number> {
  const store = memoryBackend()
  await (await initRepository(store, 'pw', smallRepository))[Symbol.asyncDispose]()
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  let [underWay, most] = [0, 0]
  const slow: Backend = {
    ...store,
    async save(saved, bytes, signal) {
      if (saved.type !== 'data') return store.save(saved, bytes, signal)
      most = Math.max(most, ++underWay)
      if (most === wanted) reach()
      await reached
      await sleep(5)
      await store.save(saved, bytes, signal)
      underWay--
    },
  }
  await using repository = await openRepository(wrap(slow), 'pw', { ...smallRepository, packSize: MiB })
  await saveDisk(repository, seededRandom(3).bytes(24 * MiB))
  return most
}

test('several packs are saved together behind a network; elsewhere each waits for the one before, but for what is compressed already', async () => {
  expect(await packsTogether(10, (backend) => withConnections(backend, 10))).toBeGreaterThanOrEqual(10)
  expect(await packsTogether(1, (backend) => backend)).toBeLessThan(5)
})
