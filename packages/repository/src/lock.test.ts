import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { memoryBackend, type MemoryBackend } from './backends/memory.ts'
import type { Clock } from './clock.ts'
import { RepositoryError } from './error.ts'
import { initRepository, openRepository } from './open.ts'
import type { Repository } from './repository.ts'

const kdf = { N: 1024, r: 8, p: 1 }
const opened: Repository[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]()
})

/** Time that moves when told to; refreshes run when they are due. */
function manualClock(start = Date.parse('2026-11-22T10:00:00Z')) {
  let now = start
  const timers = new Map<() => void, { ms: number; next: number }>()
  const clock: Clock = {
    now: () => new Date(now),
    sleep: async () => {},
    every(ms, work) {
      timers.set(work, { ms, next: now + ms })
      return () => void timers.delete(work)
    },
  }
  const advance = async (minutes: number) => {
    for (let i = 0; i < minutes; i++) {
      now += 60_000
      for (const [work, timer] of timers) {
        if (timer.next > now) continue
        timer.next += timer.ms
        work()
      }
      for (let turn = 0; turn < 20; turn++) await nextTurn()
    }
  }
  return { clock, advance, timers }
}

async function open(backend: MemoryBackend, clock: Clock, hostname = 'here', pid = process.pid): Promise<Repository> {
  const options = { kdf, clock, hostname, pid, username: 'anna', workers: 0 }
  const repository = backend.files.has('config')
    ? await openRepository(backend, 'pw', options)
    : await initRepository(backend, 'pw', options)
  opened.push(repository)
  return repository
}

const locksIn = ({ files }: MemoryBackend) => [...files.keys()].filter((path) => path.startsWith('locks/'))
const locked = (text: string) =>
  expect.objectContaining({ code: 'REPOSITORY_LOCKED', message: expect.stringContaining(text) })

test('shared locks live beside each other, an exclusive one alone, and the refusal says who holds it', async () => {
  const backend = memoryBackend()
  const { clock } = manualClock()
  const [one, two] = [await open(backend, clock), await open(backend, clock, 'there', 4711)]
  {
    await using _shared = await one.lock('shared')
    await using _other = await two.lock('shared')
    expect(locksIn(backend)).toHaveLength(2)
    await expect(two.lock('exclusive')).rejects.toEqual(locked(`process ${process.pid}`))
  }
  expect(locksIn(backend)).toEqual([])
  await using _exclusive = await two.lock('exclusive')
  await expect(one.lock('shared')).rejects.toEqual(locked('anna@there, process 4711'))
  await expect(one.lock('shared')).rejects.toEqual(locked('unlock'))
  expect(locksIn(backend)).toHaveLength(1)
})

test('a lock is refreshed every five minutes: a new file, then the old one goes', async () => {
  const backend = memoryBackend()
  const { clock, advance } = manualClock()
  const repository = await open(backend, clock)
  const lock = await repository.lock('shared')
  const seen = new Set(locksIn(backend))
  for (let i = 0; i < 8; i++) {
    await advance(5)
    expect(locksIn(backend)).toHaveLength(1)
    seen.add(locksIn(backend)[0] ?? '')
  }
  expect(seen.size).toBe(9)
  expect(lock.signal.aborted).toBe(false)
  await lock[Symbol.asyncDispose]()
  expect(locksIn(backend)).toEqual([])
})

test('a lock whose file vanished is lost: its signal aborts, and nothing more is written', async () => {
  const backend = memoryBackend()
  const { clock, advance, timers } = manualClock()
  const repository = await open(backend, clock)
  await using lock = await repository.lock('shared')
  for (const path of locksIn(backend)) backend.files.delete(path)
  await advance(5)
  const lost = expect.objectContaining({ code: 'REPOSITORY_LOCK_LOST' })
  expect(lock.signal.reason).toEqual(lost)
  expect(timers.size).toBe(0)
  await expect(repository.saveBlob('data', Buffer.from('late'))).rejects.toEqual(lost)
  await expect(repository.flush()).rejects.toEqual(lost)
  await repository.loadIndex() // the next job, under a new lock, begins anew
  await expect(repository.saveBlob('data', Buffer.from('later'))).resolves.toMatchObject({ isNew: true })
})

test('storage that is away for a while does not lose the lock; away too long, it does', async () => {
  const backend = memoryBackend()
  const { clock, advance } = manualClock()
  const repository = await open(backend, clock)
  const save = backend.save.bind(backend)
  const away = () => Promise.reject(new Error('away'))
  {
    await using lock = await repository.lock('shared')
    backend.save = away
    await advance(15)
    expect(lock.signal.aborted).toBe(false)
    backend.save = save
    await advance(15)
    expect(lock.signal.aborted).toBe(false)
    backend.save = away
    await advance(30)
    expect(lock.signal.reason).toMatchObject({ code: 'REPOSITORY_LOCK_LOST' })
    backend.save = save
  }
  expect(locksIn(backend)).toEqual([])
})

const DEAD_PID = 2 ** 22 + 1 // above the kernel's largest

test('locks of dead processes of this machine are removed, those of other machines are not', async () => {
  const backend = memoryBackend()
  const { clock, advance } = manualClock()
  const dead = await open(backend, clock, 'here', DEAD_PID)
  const foreign = await open(backend, manualClock().clock, 'there', DEAD_PID)
  await using _dead = await dead.lock('exclusive')
  const repository = await open(backend, clock)
  await (await repository.lock('shared'))[Symbol.asyncDispose]()
  await using _foreign = await foreign.lock('exclusive')
  await expect(repository.lock('shared')).rejects.toEqual(locked('@there'))
  expect(await repository.unlock('stale')).toBe(0)
  await advance(31)
  expect(await repository.unlock('stale')).toBe(1)
  await (await repository.lock('shared'))[Symbol.asyncDispose]()
})

test('while a lock is held SIGHUP does not end the process, and afterwards it does again', async () => {
  const backend = memoryBackend()
  const repository = await open(backend, manualClock().clock)
  const before = process.listenerCount('SIGHUP')
  const [one, two] = [await repository.lock('shared'), await repository.lock('shared')]
  expect(process.listenerCount('SIGHUP')).toBe(before + 1)
  process.kill(process.pid, 'SIGHUP')
  await one[Symbol.asyncDispose]()
  await one[Symbol.asyncDispose]()
  expect(process.listenerCount('SIGHUP')).toBe(before + 1)
  await two[Symbol.asyncDispose]()
  expect(process.listenerCount('SIGHUP')).toBe(before)
})

test('a lock that is there although the storage said no locks nobody out, a first one or a later one', async () => {
  const backend = memoryBackend()
  const { clock, advance } = manualClock()
  let isLost = false
  const save: MemoryBackend['save'] = async (file, bytes, signal) => {
    await backend.save(file, bytes, signal)
    if (isLost && file.type === 'locks') throw new RepositoryError('BACKEND_UNAVAILABLE', 'no answer')
  }
  const one = await open({ ...backend, save }, clock)
  isLost = true
  await expect(one.lock('shared')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  expect(locksIn(backend)).toEqual([])
  isLost = false
  {
    await using held = await one.lock('shared')
    isLost = true
    await advance(12) // two refreshes
    expect(held.signal.aborted).toBe(false)
    expect(locksIn(backend)).toHaveLength(1)
  }
  expect(locksIn(backend)).toEqual([])
})
