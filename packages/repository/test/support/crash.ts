import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { KiB } from '@tidemark/blocks'
import {
  copySnapshots,
  forget,
  initRepository,
  localBackend,
  memoryBackend,
  openRepository,
  planForget,
  prune,
  repairIndex,
  repairPacks,
  repairSnapshots,
  systemClock,
  type Backend,
  type MemoryBackend,
  type Repository,
  type Snapshot,
} from '../../src/index.ts'
import { PowerCut, PowerCutFileSystem, type Cut } from './power-cut.ts'
import { backUpRandomly, expectWhole, type KnownPoint } from './points.ts'
import { seededRandom, type Random } from './random.ts'

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
  readonly files: Files
  readonly points: readonly KnownPoint[]
  /** Another repository, with one point of its own. */
  readonly other: { readonly files: Files; readonly point: KnownPoint }
}

type Files = ReadonlyMap<string, Uint8Array>

/** An operation that is killed. New ones are a line in `operations`. */
interface Operation {
  /** Runs it to its end; calls `acknowledge` with each point that it reports as made. */
  run(repository: Repository, before: Before, acknowledge: (point: KnownPoint) => void): Promise<void>
  /** Points that it removes: each may be there or not, after a kill. */
  removes(before: Before): readonly KnownPoint[]
  /** What is broken before it, for a repair: it need not be sound until that has run to its end. */
  damage?(before: Before): Promise<Damaged>
}

interface Damaged {
  readonly files: Files
  /** Points that are not whole, nor will be. */
  readonly lost: readonly KnownPoint[]
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
  copy: {
    async run(repository, { other }, acknowledge) {
      await using source = await openRepository(memoryBackend(new Map(other.files)), CRASH_PASSWORD, options)
      await using _lock = await repository.lock('shared')
      const { copied, skipped } = await copySnapshots(source, repository, [await source.loadSnapshot(other.point.id)])
      for (const { to } of [...copied, ...skipped]) acknowledge({ ...other.point, id: to })
    },
    removes: () => [],
  },
  'repair of the index': {
    async run(repository) {
      await using lock = await repository.lock('exclusive')
      await repairIndex(repository, lock)
    },
    removes: () => [],
    async damage({ files }) {
      const [first, second] = pathsOf(files, 'index')
      return { files: without(withFlip(files, second), first), lost: [] }
    },
  },
  'repair of packs': {
    async run(repository, { files }) {
      await using from = await openRepository(memoryBackend(new Map(files)), CRASH_PASSWORD, options)
      await using lock = await repository.lock('exclusive')
      const packs = pathsOf(files, 'data').slice(0, 2)
      await repairPacks(
        repository,
        lock,
        packs.map((path) => path.slice(-64)),
        { from, packSize: PACK },
      )
    },
    removes: () => [],
    async damage({ files }) {
      const [first, second] = pathsOf(files, 'data')
      return { files: without(withFlip(files, first), second), lost: [] }
    },
  },
  'repair of snapshots': {
    async run(repository) {
      await using lock = await repository.lock('exclusive')
      const snapshots: Snapshot[] = []
      for await (const snapshot of repository.snapshots()) snapshots.push(snapshot)
      await repairSnapshots(repository, lock, snapshots, { forget: true })
    },
    removes: () => [],
    damage: async ({ files, points }) => loseOne(files, points),
  },
} as const satisfies Record<string, Operation>

const pathsOf = (files: Files, type: string): string[] =>
  Array.from(files.keys())
    .filter((path) => path.startsWith(`${type}/`))
    .toSorted()

function without(files: Files, path: string | undefined): Files {
  const rest = new Map(files)
  rest.delete(path ?? '')
  return rest
}

function withFlip(files: Files, path: string | undefined): Files {
  const bytes = Uint8Array.from(files.get(path ?? '') ?? [])
  bytes[50] = (bytes[50] ?? 0) ^ 1
  return new Map(files).set(path ?? '', bytes)
}

/** Takes a pack away, and out of the index, that some point can do without and some cannot. */
async function loseOne(files: Files, points: readonly KnownPoint[]): Promise<Damaged> {
  for (const path of pathsOf(files, 'data')) {
    const store = memoryBackend(new Map(without(files, path)))
    await using repository = await openRepository(store, CRASH_PASSWORD, options)
    {
      await using lock = await repository.lock('exclusive')
      await repairIndex(repository, lock)
    }
    const lost: KnownPoint[] = []
    for (const point of points) await expectWhole(repository, point).catch(() => lost.push(point))
    if (lost.length > 0 && lost.length < points.length) return { files: new Map(store.files), lost }
  }
  throw new Error('every pack is needed by all points, or by none')
}

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
  return { files: new Map(store.files), points: points.slice(2), other: await prepareOther(random) }
}

async function prepareOther(random: Random): Promise<Before['other']> {
  const store = memoryBackend()
  await using repository = await initRepository(store, CRASH_PASSWORD, options)
  const point = await backUpRandomly(repository, random, { vm: 'other', day: 9, size: SIZE, parent: undefined })
  return { files: new Map(store.files), point }
}

/** What the operation finds. */
async function damagedBy(name: OperationName, before: Before): Promise<Damaged> {
  return (await (operations[name] as Operation).damage?.(before)) ?? { files: before.files, lost: [] }
}

/** Calls of the storage that an operation makes when nothing is in its way. */
export async function countCalls(name: OperationName, before: Before): Promise<number> {
  const { files } = await damagedBy(name, before)
  const { backend, calls } = killedAt(memoryBackend(new Map(files)), Infinity, 'before')
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
  const scene = await sceneOf(name, before)
  const store = memoryBackend(new Map(scene.files))
  await kill(name, before, killedAt(store, n, moment).backend, scene.acknowledged)
  return judge(name, before, scene, store)
}

/** Steps of the file system that an operation takes when nothing is in its way. */
export async function countSteps(name: OperationName, before: Before): Promise<number> {
  const { files } = await sceneOf(name, before)
  const fs = new PowerCutFileSystem(Infinity, 'before')
  await withDirectory(files, (directory) => kill(name, before, localBackend(directory, fs), []))
  return fs.steps
}

/** As `crashAt`, at a step of the file system, with what the cut leaves of what was not synced. */
export async function cutAt(
  name: OperationName,
  before: Before,
  { step, moment, cut }: { readonly step: number; readonly moment: Moment; readonly cut: Cut },
): Promise<MemoryBackend> {
  const scene = await sceneOf(name, before)
  const fs = new PowerCutFileSystem(step, moment)
  const left = await withDirectory(scene.files, async (directory) => {
    await kill(name, before, localBackend(directory, fs), scene.acknowledged)
    return fs.left(directory, cut, seededRandom(step))
  })
  return judge(name, before, scene, memoryBackend(left))
}

/** What is there before a kill, and what must be there after it. */
interface Scene {
  readonly files: Files
  readonly acknowledged: KnownPoint[]
  /** Points that can be read; undefined when all can, and the repository is sound. */
  readonly readable: readonly KnownPoint[] | undefined
}

async function sceneOf(name: OperationName, before: Before): Promise<Scene> {
  const { files, lost } = await damagedBy(name, before)
  const acknowledged = before.points.filter((point) => !lost.includes(point))
  const isRepair = (operations[name] as Operation).damage !== undefined
  const readable = isRepair ? await whole(memoryBackend(new Map(files)), acknowledged) : undefined
  return { files, acknowledged, readable }
}

async function judge(
  name: OperationName,
  before: Before,
  { acknowledged, readable }: Scene,
  store: MemoryBackend,
): Promise<MemoryBackend> {
  const left = memoryBackend(new Map(Array.from(store.files).filter(([path]) => !path.startsWith('locks/'))))
  const removed = new Set(operations[name].removes(before).map(({ id }) => id as string))
  if (readable === undefined) await expectSound(store, acknowledged, removed)
  else assert.deepEqual(await whole(store, readable), readable) // no repair may make it worse
  await heal(name, before, store, acknowledged, removed)
  return left
}

/** Memory where there is some to be had as a directory: thousands of repositories are made. */
const top = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

async function withDirectory<Result>(files: Files, work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(top, 'tidemark-cut-'))
  try {
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), bytes)
    }
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
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
  return error instanceof Killed || error instanceof PowerCut || (error instanceof Error && isKill(error.cause))
}

/** Points that read as they must. */
async function whole(store: MemoryBackend, points: readonly KnownPoint[]): Promise<KnownPoint[]> {
  const found: KnownPoint[] = []
  await using repository = await openRepository(memoryBackend(new Map(store.files)), CRASH_PASSWORD, options)
  for (const point of points) {
    const isWhole = expectWhole(repository, point).then(
      () => true,
      () => false,
    )
    if (await isWhole) found.push(point)
  }
  return found
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
