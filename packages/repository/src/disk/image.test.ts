import { bytes, KiB, MiB } from '@tidemark/blocks'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryBackend } from '../backends/memory.ts'
import { initRepository } from '../open.ts'
import type { Repository } from '../repository.ts'
import type { DiskContent } from './content.ts'
import { gridFor } from './grid.ts'
import { BlobCache } from './image-cache.ts'
import { openImage } from './image.ts'
import { planContent } from './plan.ts'
import { writeContent } from './write.ts'

const SIZE = 12 * MiB + 3 * KiB
let repository: Repository
let disk: Uint8Array
let content: DiskContent

/** Noise with holes of many lengths, one of them at the end. */
function sample(): Uint8Array {
  const data = new Uint8Array(SIZE)
  for (let at = 0, n = 1; at < SIZE; at += 64 * KiB, n = (n * 48_271) % 2_147_483_647) {
    if (n % 3 === 0 || (at > 4 * MiB && at < 6 * MiB) || at > 11 * MiB) continue
    for (let i = at; i < Math.min(at + 64 * KiB, SIZE); i += 4) data[i] = (n >>> (i % 13)) & 0xff
  }
  return data
}

beforeAll(async () => {
  repository = await initRepository(memoryBackend(), 'pw', { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 })
  disk = sample()
  const plan = planContent(undefined, bytes(SIZE), 'all', gridFor(bytes(SIZE)))
  const chunks = async function* () {
    for (let at = 0; at < SIZE; at += MiB) yield { offset: at, data: disk.subarray(at, Math.min(at + MiB, SIZE)) }
  }
  ;({ content } = await writeContent(repository, plan, chunks()))
  await repository.flush()
})
afterAll(() => repository[Symbol.asyncDispose]())

const range = fc
  .tuple(fc.nat(SIZE), fc.nat(2 * MiB))
  .map(([offset, length]) => ({ offset, length: Math.min(length, SIZE - offset) }))

test('whatever is read, in whatever order and at once, is what the disk holds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(range, { minLength: 1, maxLength: 12 }),
      fc.constantFrom(0, 64 * KiB, 4 * MiB),
      async (ranges, cacheBytes) => {
        const image = await openImage(repository, content, { cacheBytes, readAheadBytes: 2 * MiB })
        const into = ranges.map(({ length }) => new Uint8Array(length).fill(0xaa))
        const [read] = await Promise.all([
          Promise.all(ranges.map(({ offset, length }) => image.read(offset, length))),
          Promise.all(ranges.map(({ offset }, i) => image.readInto(into[i] ?? new Uint8Array(), offset))),
        ])
        for (const [i, { offset, length }] of ranges.entries()) {
          expect(Buffer.compare(read[i] ?? new Uint8Array(), disk.subarray(offset, offset + length))).toBe(0)
          expect(Buffer.compare(into[i] ?? new Uint8Array(), disk.subarray(offset, offset + length))).toBe(0)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('extents cover a range without gaps, and what they call zero is zero', async () => {
  const image = await openImage(repository, content)
  await fc.assert(
    fc.asyncProperty(range, async ({ offset, length }) => {
      let at = offset
      for (const each of image.extents(offset, length)) {
        expect(each.offset).toBe(at)
        at += each.length
        if (each.zero) expect(disk.subarray(each.offset, at).every((byte) => byte === 0)).toBe(true)
      }
      expect(at).toBe(offset + length)
    }),
  )
  expect(image.extents(5 * MiB, MiB)).toEqual([{ offset: 5 * MiB, length: MiB, zero: true }])
})

test('a reader that goes on is read ahead of; nothing is loaded twice, and holes not at all', async () => {
  const image = await openImage(repository, content, { cacheBytes: 32 * MiB, readAheadBytes: 4 * MiB })
  for (let at = 0; at < SIZE; at += 64 * KiB) await image.read(at, Math.min(64 * KiB, SIZE - at))
  expect(image.stats.servedBytes).toBe(SIZE)
  const data = image.extents(0, SIZE).filter(({ zero }) => !zero)
  expect(image.stats.loadedBytes).toBe(data.reduce((sum, { length }) => sum + length, 0))
  expect(image.stats.loadedBytes).toBeLessThan(SIZE - MiB)
})

test('bytes past the end are refused', async () => {
  const image = await openImage(repository, content)
  await expect(image.read(SIZE - 1, 2)).rejects.toThrow(RangeError)
  await expect(image.readInto(new Uint8Array(2), SIZE - 1)).rejects.toThrow(RangeError)
  await expect(image.read(-1, 1)).rejects.toThrow(RangeError)
})

test('the cache keeps to its bound, drops what was not used for longest, and tries again what failed', async () => {
  const loads: number[][] = []
  let isBroken = true
  const cache = new BlobCache(300, async (pieces) => {
    loads.push([...pieces])
    if (isBroken) throw new Error('no such pack')
    return pieces.map((piece) => new Uint8Array(100).fill(piece))
  })
  await expect(cache.use([1], () => {})).rejects.toThrow('no such pack')
  isBroken = false
  await cache.use([1, 2, 3], () => {})
  await cache.use([1], () => {})
  await cache.use([4], () => {})
  expect(cache.size).toBe(300)
  expect(await cache.use([1, 3, 4], (blobs) => blobs.get(3)?.[0])).toBe(3)
  await cache.use([2], () => {})
  expect(loads).toEqual([[1], [1, 2, 3], [4], [2]])
})

test('two who ask at once share one load; who gives up does not end it for the other', async () => {
  let finish: (() => void) | undefined
  const cache = new BlobCache(300, async () => {
    await new Promise<void>((resolve) => (finish = resolve))
    return [new Uint8Array(1)]
  })
  const impatient = new AbortController()
  const [first, second] = [cache.use([7], () => {}, impatient.signal), cache.use([7], (blobs) => blobs.size)]
  impatient.abort(new Error('enough'))
  await expect(first).rejects.toThrow('enough')
  finish?.()
  expect(await second).toBe(1)
})

test('what the cache drops loses its memory at once, though not while somebody uses it or a neighbour in its buffer', async () => {
  const both = new Uint8Array(200)
  const cache = new BlobCache(200, async (pieces) =>
    pieces.map((piece) => (piece < 2 ? both.subarray(piece * 100, piece * 100 + 100) : new Uint8Array(100))),
  )
  both.fill(5)
  const seen: (number | undefined)[] = []
  const slow = cache.use([0, 1, 2, 3, 4], (blobs) => seen.push(blobs.get(0)?.[99], blobs.get(1)?.[99])) // five where two fit
  await slow
  expect(seen).toEqual([5, 5])
  expect(cache.size).toBe(200)
  expect(both.buffer.byteLength).toBe(200) // smaller than what Node may share: left to the collector

  const large = new Uint8Array(100_000)
  const other = new BlobCache(50_000, async ([piece = 0]) => [
    piece < 2 ? large.subarray(piece * 50_000, piece * 50_000 + 50_000) : new Uint8Array(50_000),
  ])
  await other.use([0], () => {})
  await other.use([1], () => {})
  expect(large.length).toBe(100_000)
  await other.use([2], () => {})
  expect(large.length).toBe(0)
})
