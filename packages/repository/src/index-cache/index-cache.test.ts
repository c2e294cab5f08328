import { mkdir, mkdtemp, open, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BlobIndex } from '../blob-index.ts'
import { decodeIndex, encodeIndex, encodeIndexedPack, type IndexedPack } from '../format/index-file.ts'
import { idAt, ID_LENGTH, sha256, sha256Hex, type BlobType } from '../id.ts'
import { MemoryIndex } from '../memory-index.ts'
import { IndexCache } from './index-cache.ts'
import { addIndexFile } from './load.ts'
import { RunBuilder } from './run.ts'
import { SegmentWriter } from './segment-file.ts'

const REPOSITORY = sha256Hex(Buffer.from('a repository'))

let directory: string
/** Where the segments are. */
let place: string
let caches: IndexCache[] = []
const problems: unknown[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-index-'))
  place = join(directory, REPOSITORY, 'index')
})

afterEach(async () => {
  for (const cache of caches.splice(0)) cache.close()
  await rm(directory, { recursive: true, force: true })
  expect(problems.splice(0)).toEqual([])
})

const cacheOf = (residentMax: number, repositoryId = REPOSITORY) => {
  const cache = new IndexCache({ directory, repositoryId, residentMax, onProblem: (error) => problems.push(error) })
  caches.push(cache)
  return cache
}

/** An index file: `blobs` are numbers, those below 0 are trees; five to a pack. */
function indexFile(blobs: readonly number[], salt = 0): { name: string; json: Uint8Array } {
  const packs: IndexedPack[] = []
  for (let at = 0; at < blobs.length; at += 5) {
    const part = blobs.slice(at, at + 5)
    packs.push({
      pack: sha256Hex(Buffer.from(JSON.stringify([salt, at, part]))),
      blobs: part.map((n, i) => ({
        type: typeOf(n),
        id: sha256(Buffer.from(String(Math.abs(n)))),
        offset: i * 1000,
        length: 33 + Math.abs(n),
        uncompressedLength: n % 2 === 0 ? 0 : 7 + Math.abs(n),
      })),
    })
  }
  const json = encodeIndex(packs.map((pack) => encodeIndexedPack(pack)))
  return { name: sha256Hex(json), json }
}

const typeOf = (n: number): BlobType => (n < 0 ? 'tree' : 'data')

/** What loading does, with files in memory instead of a repository. Returns the names that had to be loaded. */
async function load(cache: IndexCache, files: readonly { name: string; json: Uint8Array }[]) {
  const missing = await cache.open(files.map(({ name }) => name))
  for (const name of missing) {
    const run = new RunBuilder()
    run.beginFile(name)
    addIndexFile(run, name, files.find((file) => file.name === name)?.json ?? new Uint8Array())
    expect(await cache.add(run)).toBe(true)
  }
  await cache.tidy()
  return { index: new BlobIndex(cache.segments()), missing }
}

function inMemory(files: readonly { name: string; json: Uint8Array }[]): BlobIndex {
  const memory = new MemoryIndex()
  for (const { name, json } of files) addIndexFile(memory, name, json)
  return new BlobIndex([], memory)
}

/** The same blobs are found, and at a place where one of the files has them. */
function expectSame(index: BlobIndex, files: readonly { name: string; json: Uint8Array }[], most: number): void {
  const expected = inMemory(files)
  const listed = files.flatMap(({ json }) => Array.from(decodeIndex(json)))
  const places = new Set(listed.flatMap(({ pack, blobs }) => blobs.map((blob) => placeOf({ ...blob, pack }))))
  for (let n = 0; n <= most; n++) {
    const id = sha256(Buffer.from(String(n)))
    for (const type of ['data', 'tree'] as const) {
      const entry = index.find(type, id)
      expect(entry >= 0, `${type} ${n}`).toBe(expected.has(type, id))
      if (entry < 0) continue
      expect(entry).toBeLessThan(index.size)
      expect(places).toContain(placeOf({ type, id, ...index.location(entry) }))
      expect(index.plainSize(entry)).toBe(expected.plainSize(expected.find(type, id)))
    }
  }
  expect(new Set(Array.from(index.entries(), placeOf))).toEqual(places) // every copy, in each of its packs
  expect(new Set(index.packs())).toEqual(new Set(expected.packs()))
  const ids = new Uint8Array((most + 1) * ID_LENGTH)
  for (let n = 0; n <= most; n++) ids.set(sha256(Buffer.from(String(n))), n * ID_LENGTH)
  index.findMany('data', ids, (position, entry, size) => {
    expect(entry).toBe(index.find('data', ids, position * ID_LENGTH))
    if (entry >= 0) expect(size).toBe(index.plainSize(entry))
  })
}

const placeOf = ({ type, id, pack, offset, length, uncompressedLength }: Place): string =>
  [type, idAt(id), pack, offset, length, uncompressedLength].join(' ')

type Place = { type: BlobType; id: Uint8Array } & ReturnType<BlobIndex['location']>

const MOST = 60
const blobs = fc.array(fc.integer({ min: -MOST, max: MOST }), { minLength: 1, maxLength: 25 })

for (const residentMax of [0, 1_000_000]) {
  const where = residentMax === 0 ? 'files' : 'memory'
  test(`segments in ${where} find what an index in memory finds, while index files come and go`, async () => {
    const step = fc.record({ add: fc.array(blobs, { maxLength: 3 }), remove: fc.nat(4), reopen: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        await rm(place, { recursive: true, force: true })
        let cache = cacheOf(residentMax)
        let files: { name: string; json: Uint8Array }[] = []
        let salt = 0
        for (const { add, remove, reopen } of steps) {
          const added = add.map((each) => indexFile(each, salt++))
          files = [...files.slice(remove), ...added]
          if (reopen) cache = cacheOf(residentMax)
          const { index, missing } = await load(cache, files)
          expect(new Set(missing)).toEqual(new Set(added.map(({ name }) => name)))
          expectSame(index, files, MOST)
        }
        for (const each of caches.splice(0)) each.close()
      }),
      { numRuns: 40 },
    )
  })
}

test('segments are joined as they grow in number, and what a prune took is left out in time', async () => {
  const cache = cacheOf(0)
  let files: { name: string; json: Uint8Array }[] = []
  for (let i = 0; i < 60; i++) {
    files = [...files, indexFile([i, i + 1, i + 2, -i])]
    await load(cache, files)
    expect((await readdir(place)).length).toBeLessThanOrEqual(8)
  }
  const { index } = await load(cache, files.slice(40))
  expectSame(index, files.slice(40), 70)
  expect(index.size).toBe(80)
})

test('an index that was loaded earlier goes on while a newer one takes over', async () => {
  const cache = cacheOf(0)
  const files = [indexFile([1, 2, 3])]
  const { index: before } = await load(cache, files)
  files.push(indexFile([4, 5, 6, 7]), indexFile([8, 9, 10]))
  const { index: after } = await load(cache, files)
  expect(before.location(before.find('data', sha256(Buffer.from('2')))).length).toBe(35)
  expect(before.has('data', sha256(Buffer.from('5')))).toBe(false)
  expectSame(after, files, 20)
})

const spoilers: Record<string, (path: string) => Promise<void>> = {
  'torn in its records': async (path) => truncate(path, 40_000),
  'torn in its tables': async (path) => truncate(path, (await stat(path)).size - 100),
  'longer than written': (path) => writeFile(path, 'more', { flag: 'a' }),
  empty: (path) => truncate(path, 0),
  'changed in its tables': async (path) => flip(path, (await stat(path)).size - 1000),
  'changed in its seal': async (path) => flip(path, (await stat(path)).size - 1),
}

test.each(Object.entries(spoilers))('a segment that is %s is thrown away and made anew', async (_, spoil) => {
  const files = [indexFile(Array.from({ length: 3000 }, (_, i) => i))]
  await load(cacheOf(0), files)
  await spoil(await onlySegment())
  const { missing, index } = await load(cacheOf(0), files)
  expect(missing).toHaveLength(1)
  expectSame(index, files, 100)
  expect((await load(cacheOf(0), files)).missing).toEqual([])
})

test('a changed record is never answered with: the segment is given up, and made anew', async () => {
  const files = [indexFile(Array.from({ length: 3000 }, (_, i) => i))]
  for (const at of [0, 70_000, 3000 * 48 - 1]) {
    await load(cacheOf(0), files)
    await flip(await onlySegment(), at)
    const cache = cacheOf(0)
    const { missing, index } = await load(cache, files)
    expect(missing).toEqual([])
    expect(() => expectSame(index, files, 3000)).toThrow(expect.objectContaining({ code: 'REPOSITORY_CACHE' }))
    const again = await load(cache, files)
    expect(again.missing).toHaveLength(1)
    expectSame(again.index, files, 100)
  }
})

test('a segment of another repository is thrown away', async () => {
  const files = [indexFile([1, 2, 3])]
  await load(cacheOf(0), files)
  const another = sha256Hex(Buffer.from('another repository'))
  await rename(dirname(place), join(directory, another))
  const other = cacheOf(0, another)
  expect(await other.open(files.map(({ name }) => name))).toHaveLength(1)
})

async function onlySegment(): Promise<string> {
  const names = await readdir(place)
  expect(names).toHaveLength(1)
  return join(place, names[0] ?? '')
}

async function flip(path: string, at: number): Promise<void> {
  await using handle = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, at)
  await handle.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, at)
}

test('a directory that cannot be written to is a problem to be told, and no failure', async () => {
  await mkdir(dirname(place), { recursive: true })
  await writeFile(place, 'a file where a directory should be')
  const cache = cacheOf(0)
  const { name, json } = indexFile([1, 2, 3])
  expect(await cache.open([name])).toEqual([name])
  const run = new RunBuilder()
  run.beginFile(name)
  addIndexFile(run, name, json)
  expect(await cache.add(run)).toBe(false)
  expect(problems.splice(0)).toHaveLength(2)
  const memory = new MemoryIndex()
  run.moveTo(memory)
  expectSame(new BlobIndex(cache.segments(), memory), [{ name, json }], 10)
})

test('segments that cannot be joined serve as they are', async () => {
  const files = [indexFile([1, 2, 3]), indexFile([4, 5, 6])]
  const cache = cacheOf(0)
  expect(await cache.open(files.map(({ name }) => name))).toHaveLength(2)
  for (const { name, json } of files) {
    const run = new RunBuilder()
    run.beginFile(name)
    addIndexFile(run, name, json)
    expect(await cache.add(run)).toBe(true)
  }
  const create = vi.spyOn(SegmentWriter, 'create').mockRejectedValueOnce(new Error('no space left on device'))
  await cache.tidy()
  create.mockRestore()
  expect(problems.splice(0)).toMatchObject([{ message: 'no space left on device' }])
  expectSame(new BlobIndex(cache.segments()), files, 10)
  expect(await readdir(place)).toHaveLength(2)
  const { missing, index } = await load(cacheOf(0), files)
  expect(missing).toEqual([])
  expectSame(index, files, 10)
  expect(await readdir(place)).toHaveLength(1)
})
