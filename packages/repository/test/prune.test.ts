import { KiB } from '@tidemark/blocks'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  forget,
  initRepository,
  localBackend,
  memoryBackend,
  openRepository,
  planForget,
  prune,
  pruneFigures,
  RepositoryError,
  type Backend,
  type MemoryBackend,
  type PruneOptions,
  type Repository,
} from '../src/index.ts'
import { STRETCH_MAX } from '../src/stretches.ts'
import { backUpRandomly, expectWhole, type KnownPoint } from './support/points.ts'
import { seededRandom, type Random } from './support/random.ts'

const PASSWORD = 'pw'
const options = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0, packSize: 256 * KiB } as const
const SIZE = 1024 * KiB
const run = promisify(execFile)

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-prune-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function restic(path: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('restic', ['--no-cache', '-r', path, ...args], {
    env: { ...process.env, RESTIC_PASSWORD: PASSWORD },
    maxBuffer: 1 << 26,
  })
  return stdout + stderr
}

/** Points of two VMs, one session after the other, so that there are several packs and indexes. */
async function fill(repository: Repository, random: Random, count: number): Promise<KnownPoint[]> {
  const points: KnownPoint[] = []
  for (let day = 0; day < count; day++) {
    const vm = `vm${day % 2}`
    const parent = points.findLast((point) => point.vm === vm)
    points.push(await backUpRandomly(repository, random, { vm, day, size: SIZE, parent }))
  }
  return points
}

async function forgetThese(repository: Repository, points: readonly KnownPoint[]): Promise<void> {
  await using lock = await repository.lock('exclusive')
  const plan = await planForget(repository, { snapshots: points.map(({ id }) => id) })
  await forget(repository, plan, lock)
}

async function pruned(repository: Repository, given: Partial<PruneOptions> = {}) {
  await using lock = await repository.lock('exclusive')
  return prune(repository, lock, { packSize: options.packSize, ...given })
}

async function figures(repository: Repository, given: Partial<PruneOptions> = {}) {
  await using lock = await repository.lock('exclusive')
  return pruneFigures(repository, lock, { packSize: options.packSize, ...given })
}

async function expectSound(store: Backend, points: readonly KnownPoint[]): Promise<void> {
  await using repository = await openRepository(store, PASSWORD, options)
  const { errors } = await repository.check({ readData: true })
  expect(errors).toEqual([])
  for (const point of points) await expectWhole(repository, point)
}

const bytesOf = ({ files }: MemoryBackend, type: string): number =>
  Array.from(files, ([path, file]) => (path.startsWith(`${type}/`) ? file.length : 0)).reduce((a, b) => a + b, 0)

test('what no point needs goes, what one needs stays, and a second prune finds nothing to do', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, PASSWORD, options)
  const points = await fill(repository, seededRandom(1), 8)
  const before = bytesOf(store, 'data')
  await forgetThese(repository, points.slice(0, 5))
  const planned = await figures(repository, { maxUnused: { bytes: 0 } })
  expect(bytesOf(store, 'data')).toBe(before) // figures are only figures
  const done = await pruned(repository, { maxUnused: { bytes: 0 } })
  expect(done).toEqual(planned)
  expect(done.bytes.freed).toBeGreaterThan(0)
  expect(bytesOf(store, 'data')).toBeLessThanOrEqual(before - done.bytes.freed + 10_000) // headers of new packs
  await expectSound(store, points.slice(5))
  const again = await pruned(repository, { maxUnused: { bytes: 0 } })
  expect(again.bytes).toMatchObject({ freed: 0, repack: 0, unused: 0, duplicate: 0 })
})

test('after a prune the same repository object reads and backs up on, over the newest point that is left', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, PASSWORD, options)
  const random = seededRandom(2)
  const points = await fill(repository, random, 6)
  await forgetThese(repository, points.slice(2)) // the bases of the next increments
  await pruned(repository, { maxUnused: { bytes: 0 } })
  const next = await backUpRandomly(repository, random, { vm: 'vm0', day: 9, size: SIZE, parent: points[0] })
  await expectSound(store, [...points.slice(0, 2), next])
})

test('whatever the limits, points stay whole; what may stay unused, and be repacked, is kept to (seeds 1 to 4)', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = seededRandom(seed)
    const store = memoryBackend()
    await using repository = await initRepository(store, PASSWORD, options)
    const points = await fill(repository, random, 4 + random.below(4))
    const gone = points.filter(() => random.below(2) === 0)
    await forgetThese(repository, gone)
    const given: Partial<PruneOptions> = {
      maxUnused: random.pick(['unlimited', { percent: 5 }, { percent: 30 }, { bytes: 0 }, { bytes: 200_000 }] as const),
      maxRepackBytes: random.pick([Infinity, 0, 500_000]),
      repackCacheableOnly: random.below(4) === 0,
      repackSmall: random.below(2) === 0,
      repackUncompressed: random.below(3) === 0,
    }
    const { bytes } = await pruned(repository, given)
    expect(bytes.repack).toBeLessThanOrEqual(given.maxRepackBytes ?? Infinity)
    const rest = await figures(repository, { maxUnused: 'unlimited' })
    expect({ seed, ...rest.bytes }).toMatchObject({
      seed,
      unused: bytes.remainingUnused - rest.bytes.duplicate,
      unindexed: 0,
    })
    await expectSound(
      store,
      points.filter((point) => !gone.includes(point)),
    )
  }
}, 60_000)

test('what two backups stored at the same time is kept once', async () => {
  const store = memoryBackend()
  await using one = await initRepository(store, PASSWORD, options)
  await using two = await openRepository(store, PASSWORD, options)
  await two.loadIndex()
  const points = [
    await backUpRandomly(one, seededRandom(7), { vm: 'vm0', day: 1, size: SIZE, parent: undefined }),
    await backUpRandomly(two, seededRandom(7), { vm: 'vm1', day: 1, size: SIZE, parent: undefined }),
  ]
  const planned = await figures(one)
  expect(planned.blobs.duplicate).toBeGreaterThan(0)
  await pruned(one, { maxUnused: { bytes: 0 } })
  expect((await figures(one)).blobs).toMatchObject({ duplicate: 0, unused: 0 })
  await expectSound(store, points)
})

test('a pack in no index goes, and a pack that two indexes name counts once', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, PASSWORD, options)
  const points = await fill(repository, seededRandom(3), 3)
  const index = [...store.files.keys()].find((path) => path.startsWith('index/')) ?? ''
  const lost = [...store.files.keys()].filter((path) => path.startsWith('data/')).length
  await repository.saveBlob('data', Buffer.from('nobody needs it'))
  const flushed = repository.flush()
  await flushed
  const added = [...store.files.keys()].filter((path) => path.startsWith('index/')).at(-1) ?? ''
  expect(added).not.toBe(index)
  store.files.delete(added) // a crash between pack and index
  expect([...store.files.keys()].filter((path) => path.startsWith('data/'))).toHaveLength(lost + 1)
  const { packs } = await pruned(repository)
  expect(packs.unindexed).toBe(1)
  await expectSound(store, points)
})

test('a blob or a pack that a point needs and that is missing stops the prune, which says what to do', async () => {
  for (const type of ['index', 'data']) {
    const store = memoryBackend()
    await using repository = await initRepository(store, PASSWORD, options)
    await fill(repository, seededRandom(4), 3)
    const victim = [...store.files.keys()].find((path) => path.startsWith(`${type}/`)) ?? ''
    store.files.delete(victim)
    const before = [...store.files.keys()].filter((path) => !path.startsWith('locks/'))
    const outcome = await pruned(repository).catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(RepositoryError)
    expect(String(outcome)).toContain('nothing was pruned')
    expect([...store.files.keys()]).toEqual(before)
  }
})

const inThreads = { ...options, workers: 2, packSize: 4096 * KiB } as const

/** Large enough that a pack has several stretches; the older point shares half of its blobs with the newer one. */
async function fillLargely(repository: Repository): Promise<[older: KnownPoint, newer: KnownPoint]> {
  const random = seededRandom(11)
  const older = await backUpRandomly(repository, random, {
    vm: 'vm0',
    day: 0,
    size: 12 * 1024 * KiB,
    parent: undefined,
  })
  return [older, await backUpRandomly(repository, random, { vm: 'vm0', day: 1, size: 12 * 1024 * KiB, parent: older })]
}

test('packs on a disk are repacked in threads, several stretches each', async () => {
  const store = localBackend(join(directory, 'threads'))
  await using repository = await initRepository(store, PASSWORD, inThreads)
  const [older, newer] = await fillLargely(repository)
  await forgetThese(repository, [older])
  const { packs, bytes } = await pruned(repository, { maxUnused: { bytes: 0 }, packSize: inThreads.packSize })
  expect(packs.repack).toBeGreaterThan(1)
  expect(bytes.repack).toBeGreaterThan(2 * STRETCH_MAX)
  await expectSound(store, [newer])
})

test('a damaged blob ends a repacking in threads, which names the pack and leaves everything as it was', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, PASSWORD, inThreads)
  const [older] = await fillLargely(repository)
  await forgetThese(repository, [older])
  const plan = await figures(repository, { maxUnused: { bytes: 0 }, packSize: inThreads.packSize })
  expect(plan.packs.repack).toBeGreaterThan(1)
  for (const [path, bytes] of store.files) if (path.startsWith('data/')) bytes.fill(0, 100, bytes.length - 4096)
  const before = [...store.files.keys()]
  const outcome = await pruned(repository, { maxUnused: { bytes: 0 } }).catch((error: unknown) => error)
  expect(outcome).toMatchObject({ code: 'REPOSITORY_DAMAGED', file: expect.stringMatching(/^data\//) as string })
  expect([...store.files.keys()]).toEqual(before)
})

test('a new index or pack that is there although the storage said no is taken back as well', async () => {
  for (const type of ['data', 'index'] as const) {
    const store = memoryBackend()
    await using repository = await initRepository(store, PASSWORD, options)
    const points = await fill(repository, seededRandom(1), 8)
    await forgetThese(repository, points.slice(0, 5))
    const before = [...store.files.keys()]
    const save: Backend['save'] = async (file, bytes, signal) => {
      await store.save(file, bytes, signal)
      if (file.type === type) throw new RepositoryError('BACKEND_UNAVAILABLE', 'the answer was lost')
    }
    await using other = await openRepository({ ...store, save }, PASSWORD, options)
    await expect(pruned(other, { maxUnused: { bytes: 0 } })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect([...store.files.keys()]).toEqual(before)
    await expectSound(store, points.slice(5))
  }
})

test('a prune that is aborted before it removes anything leaves everything as it was', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, PASSWORD, options)
  const points = await fill(repository, seededRandom(5), 6)
  await forgetThese(repository, points.slice(0, 3))
  for (const phase of ['snapshots', 'packs', 'repack', 'index'] as const) {
    const before = [...store.files.keys()].toSorted()
    const controller = new AbortController()
    await using lock = await repository.lock('exclusive')
    const outcome = prune(
      repository,
      lock,
      { maxUnused: { bytes: 0 }, packSize: options.packSize },
      (progress) => {
        if (progress.phase === phase) controller.abort(new Error(`stopped in ${phase}`))
      },
      controller.signal,
    )
    await expect(outcome).rejects.toThrow(`stopped in ${phase}`)
    await lock[Symbol.asyncDispose]()
    expect([...store.files.keys()].toSorted()).toEqual(before)
  }
  await expectSound(store, points.slice(3))
})

test('while a backup runs nothing is pruned, and where nothing may be removed a prune says so before it begins', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, PASSWORD, options)
  const points = await fill(repository, seededRandom(6), 2)
  {
    await using _backup = await repository.lock('shared')
    await expect(repository.lock('exclusive')).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  }
  const kept: Backend = {
    ...store,
    async remove(file, signal) {
      if (file.type !== 'locks') throw new RepositoryError('BACKEND_DENIED', 'append-only')
      await store.remove(file, signal)
    },
  }
  await using limited = await openRepository(kept, PASSWORD, options)
  await expect(pruned(limited)).rejects.toMatchObject({ code: 'REPOSITORY_APPEND_ONLY' })
  await expectSound(store, points)
})

test('stock restic finds our forget and prune clean, and we its; each goes on after the other', async () => {
  const path = join(directory, 'both')
  const random = seededRandom(8)
  let points: KnownPoint[]
  {
    await using repository = await initRepository(localBackend(path), PASSWORD, options)
    points = await fill(repository, random, 6)
    await forgetThese(repository, points.slice(0, 2))
    await pruned(repository, { maxUnused: { bytes: 0 } })
  }
  points = points.slice(2)
  expect(await restic(path, 'check', '--read-data')).toContain('no errors were found')
  const [first] = points
  await restic(path, 'forget', '--prune', '--max-unused', '0', first?.id ?? '')
  points = points.slice(1)
  await expectSound(localBackend(path), points)
  {
    await using repository = await openRepository(localBackend(path), PASSWORD, options)
    await repository.loadIndex()
    points.push(await backUpRandomly(repository, random, { vm: 'vm1', day: 20, size: SIZE, parent: points.at(-1) }))
    await forgetThese(repository, points.slice(0, 1))
    points = points.slice(1)
    await pruned(repository, { maxUnused: { bytes: 0 }, repackSmall: true })
  }
  expect(await restic(path, 'check', '--read-data')).toContain('no errors were found')
  expect(await restic(path, 'prune', '--dry-run', '--max-unused', '0')).toMatch(/to delete:\s+0 blobs/)
  await expectSound(localBackend(path), points)
}, 60_000)
