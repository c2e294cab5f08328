import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile, chmod, cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { KiB } from '@tidemark/blocks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  copySnapshots,
  initRepository,
  loadPoint,
  localBackend,
  openRepository,
  prune,
  repairIndex,
  repairPacks,
  repairSnapshots,
  RepositoryError,
  systemClock,
  withoutRemoval,
  type Backend,
  type Repository,
  type RepositoryLock,
  type Snapshot,
} from '../src/index.ts'
import { backUpRandomly, expectWhole, type KnownPoint } from './support/points.ts'
import { seededRandom } from './support/random.ts'

const run = promisify(execFile)
const options = {
  kdf: { N: 1024, r: 8, p: 1 },
  workers: 0,
  packSize: 128 * KiB,
  clock: { ...systemClock, sleep: async () => {} }, // nobody else is there to wait for
} as const
const SIZE = 512 * KiB

let top: string
let original: string
let directory: string
const points: KnownPoint[] = []
const packs = new Map<string, string>()

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'tidemark-repair-'))
  original = join(top, 'original')
  await makePoints()
  directory = original
  await findPacks()
})
async function makePoints(): Promise<void> {
  await using repository = await initRepository(localBackend(original), 'pw', options)
  await using _ = await repository.lock('shared')
  const random = seededRandom(5)
  for (const vm of ['one', 'two']) {
    const first = await backUpRandomly(repository, random, { vm, day: 1, size: SIZE, parent: undefined })
    points.push(first, await backUpRandomly(repository, random, { vm, day: 2, size: SIZE, parent: first }))
  }
}
afterAll(() => rm(top, { recursive: true, force: true }))
beforeEach(async () => {
  directory = join(top, `case-${Math.random().toString(36).slice(2)}`)
  await cp(original, directory, { recursive: true })
})

async function locked<Result>(
  work: (repository: Repository, lock: RepositoryLock) => Promise<Result>,
): Promise<Result> {
  await using repository = await openRepository(localBackend(directory), 'pw', options)
  await using lock = await repository.lock('exclusive')
  return await work(repository, lock)
}

const restic = (...args: string[]) =>
  run('restic', ['--no-cache', '-r', directory, ...args], { env: { ...process.env, RESTIC_PASSWORD: 'pw' } })

async function expectSound(): Promise<void> {
  const { errors } = await locked((repository) => repository.check({ readData: true }))
  expect(errors).toEqual([])
  expect((await restic('check', '--read-data')).stdout).toContain('no errors were found')
}

async function expectAllWhole(): Promise<void> {
  await locked(async (repository) => {
    for (const point of points) await expectWhole(repository, point)
  })
}

const filesOf = async (type: string): Promise<string[]> =>
  (await readdir(join(directory, type), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at] = (bytes[at] ?? 0) ^ 4
  await chmod(path, 0o600)
  await writeFile(path, bytes)
}

async function snapshotsOf(repository: Repository): Promise<Snapshot[]> {
  const all: Snapshot[] = []
  for await (const snapshot of repository.snapshots()) all.push(snapshot)
  return all
}

/** By VM, a pack with nothing but blobs of its disk: found by what a check says is lost without it. */
async function findPacks(): Promise<void> {
  for (const path of await filesOf('data')) {
    const bytes = await readFile(path)
    await rm(path)
    const { errors } = await locked((repository) => repository.check({ readData: false }))
    await writeFile(path, bytes, { mode: 0o400 })
    const affected = errors.flatMap(({ affects = [] }) => affects.map((each) => each.path))
    const [, vm = ''] = /^\/(\w+)\/disks\//.exec(affected[0] ?? '') ?? []
    if (affected.every((each) => each.endsWith('disk.raw') && each.startsWith(`/${vm}/`)))
      packs.set(vm, path.slice(-64))
  }
}

function packOf(vm: string): { path: string; id: string } {
  const id = packs.get(vm) ?? ''
  return { id, path: join(directory, 'data', id.slice(0, 2), id) }
}

test('indexes that are right are left alone', async () => {
  const before = await filesOf('index')
  const repair = await locked((repository, lock) => repairIndex(repository, lock, { readAllPacks: true }))
  expect(repair).toMatchObject({ addedPacks: [], missingPacks: [], correctedPacks: [], written: 0, removed: 0 })
  expect(await filesOf('index')).toEqual(before)
})

test('lost indexes are made again from the packs, and every point is whole', async () => {
  for (const path of await filesOf('index')) await rm(path)
  const repair = await locked((repository, lock) => repairIndex(repository, lock))
  expect(repair.addedPacks).toHaveLength((await filesOf('data')).length)
  await expectSound()
  await expectAllWhole()
})

test('a damaged index is replaced', async () => {
  const [path = ''] = await filesOf('index')
  await flip(path, 40)
  const repair = await locked((repository, lock) => repairIndex(repository, lock))
  expect(repair.damagedIndexes).toEqual([path.slice(-64)])
  await expectSound()
  await expectAllWhole()
})

test('packs that two index files name are named once, and a second repair finds nothing', async () => {
  await locked(async ({ backend, sealer }) => {
    for await (const { name } of backend.list('index')) {
      const json = sealer.open(await backend.load({ type: 'index', name }, 'all')) ?? new Uint8Array()
      const again = sealer.seal(json) // the same under another name
      await backend.save({ type: 'index', name: createHash('sha256').update(again).digest('hex') }, again)
    }
  })
  const before = (await filesOf('index')).length
  expect((await locked((repository, lock) => repairIndex(repository, lock))).removed).toBeGreaterThan(0)
  expect((await filesOf('index')).length).toBeLessThan(before)
  expect(await locked((repository, lock) => repairIndex(repository, lock))).toMatchObject({ written: 0, removed: 0 })
  await expectSound()
  await expectAllWhole()
})

test('a dry run says what would be done, and does nothing', async () => {
  const [path = ''] = await filesOf('index')
  await flip(path, 40)
  const before = await readFile(path)
  const repair = await locked((repository, lock) => repairIndex(repository, lock, { dryRun: true }))
  expect(repair.damagedIndexes).toHaveLength(1)
  expect(await readFile(path)).toEqual(before)
})

test('storage that is away while headers are read ends the repair of the index before anything is changed', async () => {
  const before = await filesOf('index')
  const store = localBackend(directory)
  const away: Backend = {
    ...store,
    async load(file, ...rest) {
      if (file.type === 'data') throw new RepositoryError('BACKEND_UNAVAILABLE', 'away')
      return store.load(file, ...rest)
    },
  }
  await using repository = await openRepository(away, 'pw', options)
  await using lock = await repository.lock('exclusive')
  const repair = repairIndex(repository, lock, { readAllPacks: true })
  await expect(repair).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  expect(await filesOf('index')).toEqual(before)
})

test('a pack that is gone leaves the index, and what is missing is found', async () => {
  const { path, id } = packOf('one')
  await rm(path)
  const repair = await locked((repository, lock) => repairIndex(repository, lock))
  expect(repair.missingPacks).toEqual([id])
  const { errors } = await locked((repository) => repository.check({ readData: true }))
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['BLOB_MISSING']))
})

test('an index of restic that names a pack wrongly is corrected', async () => {
  await restic('rebuild-index')
  await locked(async (repository, lock) => {
    expect(await repairIndex(repository, lock, { readAllPacks: true })).toMatchObject({
      correctedPacks: [],
      written: 0,
    })
  })
  await expectAllWhole()
})

test('the whole blobs of a damaged pack are saved, the damaged one is named, and no other point suffers', async () => {
  const { path, id } = packOf('one')
  await flip(path, 100)
  const kept: string[] = []
  const repair = await locked((repository, lock) =>
    repairPacks(repository, lock, [id], { keep: async (pack) => void kept.push(pack) }),
  )
  expect(repair.removed).toEqual([id])
  expect(repair.lost).toMatchObject([{ type: 'data', pack: id, reason: 'the MAC does not verify' }])
  expect(kept).toEqual([id])
  const { errors } = await locked((repository) => repository.check({ readData: true }))
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['BLOB_MISSING']))
  await locked(async (repository) => {
    for (const point of points.filter(({ vm }) => vm === 'two')) await expectWhole(repository, point)
  })
})

test('a cut pack keeps what is before the cut', async () => {
  const { path, id } = packOf('one')
  await chmod(path, 0o600)
  await truncate(path, (await readFile(path)).length - 5000)
  const repair = await locked((repository, lock) => repairPacks(repository, lock, [id]))
  expect(repair.lost.length).toBeLessThanOrEqual(1)
  expect(await filesOf('data')).not.toContain(path)
})

test('a pack that no index names and whose header is damaged is never removed without a copy', async () => {
  const { path, id } = packOf('one')
  for (const index of await filesOf('index')) await rm(index)
  await flip(path, (await readFile(path)).length - 10)
  const bytes = await readFile(path)
  const { unreadablePacks } = await locked((repository, lock) => repairIndex(repository, lock))
  expect(unreadablePacks).toMatchObject([{ file: `data/${id.slice(0, 2)}/${id}` }])
  const left = await locked((repository, lock) => repairPacks(repository, lock, [id]))
  expect(left).toMatchObject({ unreadable: [id], removed: [] })
  expect(await readFile(path)).toEqual(bytes)
  const kept = new Map<string, Uint8Array>()
  const keep = async (pack: string, copy: Uint8Array) => void kept.set(pack, copy)
  const moved = await locked((repository, lock) => repairPacks(repository, lock, [id], { keep }))
  expect(moved).toMatchObject({ unreadable: [id], removed: [id] })
  expect(Buffer.from(kept.get(id) ?? [])).toEqual(bytes)
})

test('what another repository has whole is healed from there, even a pack that is gone', async () => {
  const other = join(top, `other-${Math.random().toString(36).slice(2)}`)
  await using from = await initRepository(localBackend(other), 'other', options)
  await locked(async (repository) => {
    await copySnapshots(repository, from, await snapshotsOf(repository))
  })
  const [one, two] = [packOf('one'), packOf('two')]
  await flip(one.path, 100)
  await rm(two.path)
  const repair = await locked((repository, lock) => repairPacks(repository, lock, [one.id, two.id], { from }))
  expect(repair.lost).toEqual([])
  expect(repair.healed).toBeGreaterThan(0)
  await expectSound()
  await expectAllWhole()
})

test('a dry run of a repair of packs counts the same, and does nothing', async () => {
  const [one, two] = [packOf('one'), packOf('two')]
  await flip(one.path, 100)
  await flip(two.path, (await readFile(two.path)).length - 10) // its header
  const state = async () => [await filesOf('index'), await filesOf('data'), await readFile(one.path)]
  const before = await state()
  const dry = await locked((repository, lock) => repairPacks(repository, lock, [one.id, two.id], { dryRun: true }))
  expect(await state()).toEqual(before)
  expect(dry).toMatchObject({ removed: [one.id, two.id], lost: [{ type: 'data', pack: one.id }] })
  expect(dry.saved).toBeGreaterThan(0)
  expect(await locked((repository, lock) => repairPacks(repository, lock, [one.id, two.id]))).toEqual(dry)
})

test('storage that is away while a damaged blob is looked for ends the repair before anything is lost', async () => {
  const other = join(top, `other-${Math.random().toString(36).slice(2)}`)
  {
    await using from = await initRepository(localBackend(other), 'other', options)
    await locked(async (repository) => copySnapshots(repository, from, await snapshotsOf(repository)))
  }
  const { path, id } = packOf('one')
  await flip(path, 100)
  const before = [await filesOf('index'), await readFile(path)]
  const store = localBackend(other)
  const away: Backend = {
    ...store,
    async load(file, ...rest) {
      if (file.type === 'data') throw new RepositoryError('BACKEND_UNAVAILABLE', 'away')
      return store.load(file, ...rest)
    },
  }
  await using from = await openRepository(away, 'other', options)
  const repair = locked((repository, lock) => repairPacks(repository, lock, [id], { from }))
  await expect(repair).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  expect([await filesOf('index'), await readFile(path)]).toEqual(before)
})

test('an incomplete point is written anew without the disk that is lost, and nothing reads as zeros', async () => {
  const { path, id } = packOf('one')
  await flip(path, 100)
  await locked((repository, lock) => repairPacks(repository, lock, [id]))
  const repairs = await locked(async (repository, lock) =>
    repairSnapshots(repository, lock, await snapshotsOf(repository), { forget: true }),
  )
  expect(repairs.length).toBeGreaterThan(0)
  for (const { from, dropped } of repairs) {
    expect(points.find((point) => point.id === from)?.vm).toBe('one')
    expect(dropped).toEqual([expect.stringMatching(/^\/one\/disks\/.*\/disk\.raw$/)])
  }
  await expectSound()
  await locked(async (repository, lock) => {
    for (const snapshot of await snapshotsOf(repository)) {
      const isRepaired = repairs.some(({ to }) => to === snapshot.id)
      expect(snapshot.tags?.includes('repaired')).toBe(isRepaired)
      const content = (await loadPoint(repository, snapshot)).disks[0]?.content()
      if (isRepaired) await expect(content).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED' })
      else await content
    }
    await prune(repository, lock)
  })
  await expectSound()
})

test('without forget the incomplete points stay beside the repaired', async () => {
  const { path } = packOf('one')
  await rm(path)
  const repairs = await locked(async (repository, lock) => {
    await repairIndex(repository, lock)
    return repairSnapshots(repository, lock, await snapshotsOf(repository))
  })
  const ids = await locked(async (repository) => (await snapshotsOf(repository)).map((snapshot) => snapshot.id))
  for (const { from, to } of repairs) expect(ids).toEqual(expect.arrayContaining([from, to]))
  expect(ids).toHaveLength(points.length + repairs.length)
})

test('under append-only nothing is begun', async () => {
  await using repository = await openRepository(withoutRemoval(localBackend(directory)), 'pw', options)
  await using lock = await repository.lock('exclusive')
  const refused = { code: 'REPOSITORY_APPEND_ONLY' }
  await expect(repairIndex(repository, lock)).rejects.toMatchObject(refused)
  await expect(repairPacks(repository, lock, [])).rejects.toMatchObject(refused)
  await expect(repairSnapshots(repository, lock, [], { forget: true })).rejects.toMatchObject(refused)
})

test('no point is given up while a pack that no index names may have what it misses', async () => {
  for (const path of await filesOf('index')) await rm(path)
  await locked(async (repository, lock) => {
    const repair = repairSnapshots(repository, lock, await snapshotsOf(repository), { forget: true })
    await expect(repair).rejects.toMatchObject({
      code: 'REPOSITORY_INPUT',
      message: expect.stringContaining('repair index'),
    })
    await repairIndex(repository, lock)
    expect(await repairSnapshots(repository, lock, await snapshotsOf(repository), { forget: true })).toEqual([])
  })
  await expectAllWhole()
})

test('a pack that no index names stands in the way of giving up only what it may hold', async () => {
  const { path, id } = packOf('one')
  await flip(path, 100)
  const orphan = await locked(async (repository, lock) => {
    await repairPacks(repository, lock, [id])
    const before = [...(await filesOf('index')), ...(await filesOf('data'))]
    await repository.saveBlob('data', Buffer.from('of a program that was killed before it wrote the index'))
    await repository.flush()
    const [index = ''] = (await filesOf('index')).filter((file) => !before.includes(file))
    await rm(index)
    return (await filesOf('data')).find((file) => !before.includes(file)) ?? ''
  })
  const repair = (dryRun: boolean) =>
    locked(async (repository, lock) => repairSnapshots(repository, lock, await snapshotsOf(repository), { dryRun }))
  expect(await repair(true)).not.toEqual([])
  const whole = await readFile(orphan)
  await flip(orphan, whole.length - 10)
  await expect(repair(false)).rejects.toMatchObject({
    code: 'REPOSITORY_INPUT',
    message: expect.stringContaining('which may hold'),
  })
  await chmod(orphan, 0o600)
  await writeFile(orphan, whole)
  expect(await repair(false)).not.toEqual([])
})
