import assert from 'node:assert/strict'
import { KiB } from '@tidemark/blocks'
import {
  forget,
  initRepository,
  memoryBackend,
  openRepository,
  planForget,
  prune,
  systemClock,
  type Backend,
  type MemoryBackend,
  type Repository,
} from '../../src/index.ts'
import { backUpRandomly, expectWhole, type KnownPoint } from './points.ts'
import { seededRandom } from './random.ts'

export const CRASH_PASSWORD = 'pw'
const SIZE = 512 * KiB
const PACK = 128 * KiB
const options = {
  kdf: { N: 1024, r: 8, p: 1 },
  workers: 0,
  packSize: PACK,
  clock: { ...systemClock, sleep: async () => {} }, // nobody else is there to wait for
} as const

/** A repository as it was before the operation that is killed. */
interface Before {
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly points: readonly KnownPoint[]
}

/** An operation that is killed. New ones are a line in `operations`. */
interface Operation {
  /** Runs it to its end; calls `acknowledge` with each point that it reports as made. */
  run(repository: Repository, before: Before, acknowledge: (point: KnownPoint) => void): Promise<void>
  /** Points that it removes: each may be there or not, after a kill. */
  removes(before: Before): readonly KnownPoint[]
}

const half = ({ points }: Before): readonly KnownPoint[] => points.filter((_, i) => i % 2 === 0)

export const operations = {
  backup: {
    async run(repository, { points }, acknowledge) {
      await using _lock = await repository.lock('shared')
      await repository.loadIndex()
      const random = seededRandom(points.length)
      const first = await backUpRandomly(repository, random, { vm: 'new', day: 50, size: SIZE, parent: undefined })
      acknowledge(first)
      acknowledge(await backUpRandomly(repository, random, { vm: 'new', day: 51, size: SIZE, parent: first }))
    },
    removes: () => [],
  },
  forget: {
    async run(repository, before) {
      await using lock = await repository.lock('exclusive')
      const present = new Set<string>()
      for await (const { id } of repository.snapshots()) present.add(id)
      const snapshots = half(before).flatMap(({ id }) => (present.has(id) ? [id] : []))
      await forget(repository, await planForget(repository, { snapshots }), lock)
    },
    removes: half,
  },
  prune: {
    async run(repository) {
      await using lock = await repository.lock('exclusive')
      await prune(repository, lock, { maxUnused: { bytes: 0 }, packSize: PACK, repackSmall: true })
    },
    removes: () => [],
  },
  'forget and prune': {
    async run(repository, before) {
      await operations.forget.run(repository, before)
      await operations.prune.run(repository)
    },
    removes: half,
  },
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof operations

/** Whether the storage did what the last call before the kill asked. */
export type Moment = 'before' | 'after'

class Killed extends Error {
  override readonly name = 'Killed'
}

/** Passes `n - 1` calls. The next one is the last: the storage does it or not, and nobody hears of it. */
function killedAt(backend: MemoryBackend, n: number, moment: Moment): { backend: Backend; calls: () => number } {
  let calls = 0
  const guard = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    calls++
    if (calls < n) return call()
    if (calls === n && moment === 'after') await call()
    throw new Killed(`killed at call ${n}`)
  }
  const guarded: Backend = {
    ...backend,
    async *list(type, signal) {
      yield* await guard(() => listed(backend, type, signal))
    },
    load: (file, range, signal) => guard(() => backend.load(file, range, signal)),
    save: (file, bytes, signal) => guard(() => backend.save(file, bytes, signal)),
    remove: (file, signal) => guard(() => backend.remove(file, signal)),
  }
  return { backend: guarded, calls: () => calls }
}

async function listed(...[backend, type, signal]: [Backend, ...Parameters<Backend['list']>]) {
  const files = []
  for await (const file of backend.list(type, signal)) files.push(file)
  return files
}

/** Six points of two VMs, one run each; two of them forgotten and not pruned. */
export async function prepare(seed: number): Promise<Before> {
  const store = memoryBackend()
  await using repository = await initRepository(store, CRASH_PASSWORD, options)
  const random = seededRandom(seed)
  const points: KnownPoint[] = []
  for (let day = 0; day < 6; day++) {
    const vm = `vm${day % 2}`
    const parent = points.findLast((point) => point.vm === vm)
    points.push(await backUpRandomly(repository, random, { vm, day, size: SIZE, parent }))
  }
  for (const { id } of points.slice(0, 2)) await repository.removeSnapshot(id)
  return { files: new Map(store.files), points: points.slice(2) }
}

/** Calls of the storage that an operation makes when nothing is in its way. */
export async function countCalls(name: OperationName, before: Before): Promise<number> {
  const { backend, calls } = killedAt(memoryBackend(new Map(before.files)), Infinity, 'before')
  await using repository = await openRepository(backend, CRASH_PASSWORD, options)
  await (operations[name] as Operation).run(repository, before, () => {})
  return calls()
}

/**
 * Kills an operation at call `n`. Then a fresh open must find every acknowledged point whole and the repository sound; and the next run, with a prune,
 * must leave no trace of it.
 * @returns the repository as the kill left it, without locks
 */
export async function crashAt(name: OperationName, before: Before, n: number, moment: Moment): Promise<MemoryBackend> {
  const store = memoryBackend(new Map(before.files))
  const acknowledged: KnownPoint[] = [...before.points]
  await kill(name, before, killedAt(store, n, moment).backend, acknowledged)
  const left = memoryBackend(new Map(Array.from(store.files).filter(([path]) => !path.startsWith('locks/'))))
  const removed = new Set(operations[name].removes(before).map(({ id }) => id as string))
  await expectSound(store, acknowledged, removed)
  await heal(name, before, store, acknowledged, removed)
  return left
}

async function kill(name: OperationName, before: Before, backend: Backend, acknowledged: KnownPoint[]): Promise<void> {
  try {
    await using repository = await openRepository(backend, CRASH_PASSWORD, options)
    await (operations[name] as Operation).run(repository, before, (point) => void acknowledged.push(point))
  } catch (error) {
    if (!isKill(error)) throw error
  }
}

/** The kill, or what became of it on the way up. */
function isKill(error: unknown): boolean {
  if (error instanceof SuppressedError) return isKill(error.error) || isKill(error.suppressed)
  return error instanceof Killed || (error instanceof Error && isKill(error.cause))
}

async function expectSound(store: MemoryBackend, points: readonly KnownPoint[], removed: ReadonlySet<string>) {
  await using repository = await openRepository(store, CRASH_PASSWORD, options)
  const { errors } = await repository.check({ readData: true })
  assert.deepEqual(errors, [])
  const present = new Set<string>()
  for await (const { id } of repository.snapshots()) present.add(id)
  await repository.loadIndex()
  for (const point of points) {
    if (removed.has(point.id) && !present.has(point.id)) continue
    await expectWhole(repository, point)
  }
}

async function heal(
  name: OperationName,
  before: Before,
  store: MemoryBackend,
  points: KnownPoint[],
  removed: ReadonlySet<string>,
): Promise<void> {
  {
    await using repository = await openRepository(store, CRASH_PASSWORD, options)
    await repository.unlock('all')
    await (operations[name] as Operation).run(repository, before, (point) => void points.push(point))
    await operations.prune.run(repository)
  }
  await expectSound(store, points, removed)
  await using repository = await openRepository(store, CRASH_PASSWORD, options)
  const { unusedPacks } = await repository.check({ readData: false })
  assert.deepEqual(unusedPacks, [])
  assert.deepEqual(
    [...store.files.keys()].filter((path) => path.startsWith('locks/')),
    [],
  )
}
