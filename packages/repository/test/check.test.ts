import { bytes, KiB, MiB } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import {
  gridFor,
  initRepository,
  memoryBackend,
  openRepository,
  RepositoryError,
  planContent,
  repairIndex,
  savePoint,
  systemClock,
  writeContent,
  type Backend,
  type CheckProgress,
  type CheckReport,
  type DataSubset,
  type MemoryBackend,
} from '../src/index.ts'
import { decodeIndex } from '../src/format/index-file.ts'
import { IndexWriter } from '../src/index-writer.ts'
import { loadUnpacked } from '../src/unpacked.ts'
import { seededRandom } from './support/random.ts'

const options = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0, packSize: 128 * KiB } as const
const SIZE = bytes(2 * MiB)
/** Nobody else is there to wait for. */
const quick = { ...systemClock, sleep: async () => {} }

let store: Promise<MemoryBackend> | undefined

/** A copy of a store with two points of one disk with the same bytes, and one of another. */
async function made(): Promise<MemoryBackend> {
  store ??= make()
  return memoryBackend(new Map((await store).files))
}

async function make(): Promise<MemoryBackend> {
  const store = memoryBackend()
  await using repository = await initRepository(store, 'pw', options)
  for (const [day, seed] of [1, 1, 2].entries()) {
    const data = seededRandom(seed).bytes(SIZE) // does not compress: there are many packs
    const plan = planContent(undefined, SIZE, 'all', gridFor(SIZE))
    const chunks = async function* () {
      yield { offset: 0, data }
    }
    const { content } = await writeContent(repository, plan, chunks())
    await savePoint(repository, {
      slug: `vm-${seed}`,
      time: new Date(Date.UTC(2026, 10, 20 + day)),
      hostname: 'vm',
      paths: [`/pool/vm-${seed}`],
      tags: ['tidemark'],
      programVersion: 'tidemark 0',
      vmJson: Buffer.from('{}'),
      disks: [{ position: 0, vdiUuid: 'one', content }],
    })
  }
  return store
}

async function check(store: MemoryBackend, readData: boolean | DataSubset, workers = 0): Promise<CheckReport> {
  await using repository = await openRepository(memoryBackend(new Map(store.files)), 'pw', { ...options, workers })
  return await repository.check({ readData })
}

const packsOf = (store: MemoryBackend): string[] => [...store.files.keys()].filter((path) => path.startsWith('data/'))

test('the parts of a check are every pack once', async () => {
  const store = await made()
  const reports = await Promise.all([1, 2, 3].map((part) => check(store, { part, of: 3 })))
  expect(reports.reduce((sum, { packsRead }) => sum + packsRead, 0)).toBe(packsOf(store).length)
  const all = await check(store, true)
  expect(reports.reduce((sum, { bytesRead }) => sum + bytesRead, 0)).toBe(all.bytesRead)
})

test("a part has the packs that restic's part has: by the first byte of their IDs", async () => {
  const store = await made()
  const wanted = packsOf(store).filter((path) => parseInt(path.slice(5, 7), 16) % 4 === 1)
  const broken = new Map(store.files)
  for (const path of packsOf(store)) broken.set(path, flipped(store.files.get(path), 20))
  const { errors } = await check(memoryBackend(broken), { part: 2, of: 4 })
  const read = errors.filter(({ code }) => code === 'PACK_DAMAGED') // trees are read anyway
  expect(new Set(read.map(({ file }) => file))).toEqual(new Set(wanted))
})

test.each([
  [{ percent: 50 }, 0.5],
  [{ percent: 100 }, 1],
  [{ percent: 0.01 }, 0],
] as const)('of %j that share of the packs is read, and one at least', async (subset, share) => {
  const store = await made()
  const count = packsOf(store).length
  expect((await check(store, subset)).packsRead).toBe(Math.max(1, Math.round(count * share)))
})

test('a size is reached and passed by less than a pack', async () => {
  const store = await made()
  const { bytesRead } = await check(store, { bytes: MiB })
  expect(bytesRead).toBeGreaterThanOrEqual(MiB)
  expect(bytesRead).toBeLessThan(MiB + 512 * KiB)
})

test.each([
  { part: 0, of: 3 },
  { part: 4, of: 3 },
  { part: 1, of: 257 },
  { percent: 0 },
  { percent: 101 },
  { bytes: 0 },
])('a subset of %j is refused', async (subset) => {
  await expect(check(await made(), subset)).rejects.toMatchObject({ code: 'REPOSITORY_INPUT' })
})

test.each([0, 2])(
  'a damaged blob is told with every point and disk that needs it, with %d threads',
  async (workers) => {
    const store = await made()
    const [first = ''] = await dataPacksOf(store, '/vm-1')
    store.files.set(first, flipped(store.files.get(first), 40))
    const { errors } = await check(store, true, workers)
    const finding = errors.find(({ code }) => code === 'BLOB_DAMAGED')
    expect(finding).toMatchObject({ file: first, message: expect.stringContaining('the MAC does not verify') })
    expect(finding?.affects).toHaveLength(2) // the two points with the same bytes; not the third
    for (const { path } of finding?.affects ?? []) expect(path).toMatch(/^\/vm-1\/.*disk\.raw$/)
  },
)

test('a pack that is gone is told with what it takes along', async () => {
  const store = await made()
  const [first = ''] = await dataPacksOf(store, '/vm-2')
  store.files.delete(first)
  const { errors } = await check(store, false)
  const finding = errors.find(({ code }) => code === 'PACK_MISSING')
  expect(finding?.file).toBe(first)
  expect(finding?.affects?.map(({ path }) => path)).toEqual([expect.stringMatching(/^\/vm-2\/.*disk\.raw$/)])
})

test('a blob that no index has is told once, with every point and disk that needs it', async () => {
  const store = await made()
  const [first = ''] = await dataPacksOf(store, '/vm-1')
  store.files.delete(first)
  {
    await using repository = await openRepository(store, 'pw', { ...options, clock: quick })
    await using lock = await repository.lock('exclusive')
    await repairIndex(repository, lock) // no index names it any more
  }
  const { errors } = await check(store, false)
  expect(errors).toMatchObject([{ code: 'BLOB_MISSING', message: expect.stringContaining('needs data blob') }])
  expect(errors[0]?.affects).toHaveLength(2)
  expect(new Set(errors[0]?.affects?.map(({ snapshot }) => snapshot)).size).toBe(2)
})

test.each(['first', 'last'])(
  'two indexes that contradict each other about a pack are told, also where sizes agree, and a repair believes the pack (the wrong one %s)',
  async (place) => {
    const files = new Map((await made()).files)
    const known = new Set(files.keys())
    let contradicted = ''
    {
      await using repository = await openRepository(memoryBackend(files), 'pw', options)
      const { backend, sealer } = repository
      const writer = new IndexWriter(repository, () => {}, AbortSignal.timeout(60_000))
      for await (const { name } of backend.list('index')) {
        const packs = [...decodeIndex(await loadUnpacked(backend, sealer, { type: 'index', name }))]
        const pack = packs.find(({ blobs }) => blobs.length > 1)
        const [one, two, ...others] = pack?.blobs ?? []
        if (pack === undefined || one === undefined || two === undefined || contradicted !== '') continue
        contradicted = pack.pack
        await writer.add({ pack: pack.pack, blobs: [{ ...one, id: two.id }, { ...two, id: one.id }, ...others] })
      }
      await writer.end()
    }
    const isNew = ([path]: [string, Uint8Array]) => (known.has(path) ? 1 : 0)
    const sign = place === 'first' ? 1 : -1
    const store = memoryBackend(new Map([...files].toSorted((a, b) => sign * (isNew(a) - isNew(b)))))
    const file = `data/${contradicted.slice(0, 2)}/${contradicted}`
    expect((await check(store, false)).errors).toContainEqual(expect.objectContaining({ code: 'INDEX_DIFFERS', file }))
    {
      await using repository = await openRepository(store, 'pw', { ...options, clock: quick })
      await using lock = await repository.lock('exclusive')
      expect((await repairIndex(repository, lock)).correctedPacks).toEqual([contradicted])
    }
    expect((await check(store, true)).errors).toEqual([])
  },
)

test('a pack of which only the header is damaged takes nothing along: its blobs are found by the index', async () => {
  const store = await made()
  const [first = ''] = await dataPacksOf(store, '/vm-1')
  const size = store.files.get(first)?.length ?? 0
  store.files.set(first, flipped(store.files.get(first), size - 10))
  const sound = await check(store, true)
  expect(new Set(sound.errors.map(({ code }) => code))).toEqual(new Set(['PACK_DAMAGED']))
  expect(sound.errors.flatMap(({ affects = [] }) => affects)).toEqual([])
  store.files.set(first, flipped(store.files.get(first), 40)) // and a blob
  const { errors } = await check(store, true)
  const damaged = errors.filter(({ code }) => code === 'BLOB_DAMAGED')
  expect(damaged).toMatchObject([{ file: first, message: expect.stringContaining('the MAC does not verify') }])
  expect(damaged[0]?.affects).toHaveLength(2)
})

test('a damaged tree is told with its pack and with what lies below, without reading data', async () => {
  const store = await made()
  const [first = ''] = await treePacksOf(store)
  const blobs = (store.files.get(first)?.length ?? 0) >> 1
  for (let at = 8; at < blobs; at += 8) store.files.set(first, flipped(store.files.get(first), at))
  const { errors } = await check(store, false)
  const finding = errors.find(({ code }) => code === 'TREE_DAMAGED')
  expect(finding).toMatchObject({ file: first, affects: [{ path: expect.stringMatching(/^\//) }] })
})

test('a lock that cannot be read is named', async () => {
  const store = await made()
  const path = `locks/${'a'.repeat(64)}`
  store.files.set(path, new Uint8Array(200).fill(7))
  expect((await check(store, false)).errors).toEqual([expect.objectContaining({ code: 'LOCK_DAMAGED', file: path })])
})

test('storage that does not answer is no damage, and an abort ends a check with its reason', async () => {
  const store = await made()
  const away: Backend = {
    ...store,
    async load(file, ...rest) {
      if (file.type === 'data') throw new RepositoryError('BACKEND_UNAVAILABLE', 'away')
      return store.load(file, ...rest)
    },
  }
  await using cut = await openRepository(away, 'pw', options)
  await expect(cut.check({ readData: true })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  await using repository = await openRepository(store, 'pw', options)
  const stop = new AbortController()
  const reason = new Error('enough')
  const stopEarly = ({ phase, done }: CheckProgress) => void (phase === 'packs' && done === 3 && stop.abort(reason))
  await expect(repository.check({ readData: true }, stopEarly, stop.signal)).rejects.toBe(reason)
})

test('of more findings than anybody reads, the others are counted', async () => {
  const store = await made()
  for (const path of store.files.keys()) if (path.startsWith('index/')) store.files.delete(path)
  for (let i = 0; i < 10_050; i++) store.files.set(`locks/${i.toString(16).padStart(64, '0')}`, new Uint8Array(9))
  const { errors, errorsOmitted } = await check(store, false)
  expect(errors).toHaveLength(10_000)
  expect(errorsOmitted).toBeGreaterThan(49)
})

test('two packs that changed places are found', async () => {
  const store = await made()
  const [one = '', two = ''] = packsOf(store)
  const [first, second] = [store.files.get(one), store.files.get(two)]
  store.files.set(one, second ?? new Uint8Array())
  store.files.set(two, first ?? new Uint8Array())
  const { errors } = await check(store, true)
  expect(new Set(errors.filter(({ code }) => code === 'PACK_DAMAGED').map(({ file }) => file))).toEqual(
    new Set([one, two]),
  )
})

/** Packs that hold blobs of the disks below a path: found by taking each away. */
async function dataPacksOf(store: MemoryBackend, path: string): Promise<string[]> {
  const found: string[] = []
  for (const pack of packsOf(store)) {
    const files = new Map(store.files)
    files.delete(pack)
    const { errors } = await check(memoryBackend(files), false)
    const affected = errors.flatMap(({ affects }) => affects ?? [])
    if (affected.length > 0 && affected.every((each) => each.path.startsWith(`${path}/`))) found.push(pack)
    if (found.length > 0) break
  }
  return found
}

/** Packs of which a check without data reads something. */
async function treePacksOf(store: MemoryBackend): Promise<string[]> {
  const read = new Set<string>()
  const watched: Backend = {
    ...store,
    load: (file, ...rest) => {
      if (file.type === 'data') read.add(`data/${file.name.slice(0, 2)}/${file.name}`)
      return store.load(file, ...rest)
    },
  }
  await using repository = await openRepository(watched, 'pw', options)
  await repository.check({ readData: false })
  return [...read]
}

function flipped(file: Uint8Array | undefined, at: number): Uint8Array {
  const copy = Uint8Array.from(file ?? [])
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
