import { bytes, clip, extent, intersect, KiB, MiB, normalize, totalLength, type Extents } from '@tidemark/blocks'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryBackend } from '../backends/memory.ts'
import { initRepository } from '../open.ts'
import type { Repository } from '../repository.ts'
import type { DiskContent } from './content.ts'
import type { Grid } from './grid.ts'
import { gridFor } from './grid.ts'
import { planContent } from './plan.ts'
import { readContent } from './read.ts'
import { writeContent } from './write.ts'
import { isZeroPiece, SPARSE_MARK } from './zero.ts'

const BLOCK = 64 * KiB
let repository: Repository
beforeAll(async () => {
  repository = await initRepository(memoryBackend(), 'pw', { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 })
})
afterAll(() => repository[Symbol.asyncDispose]())

/** The disk as chunks of any size; `step` shows that the split does not matter. */
async function* chunksOf(disk: Uint8Array, extents: Extents, step: number) {
  for (const { offset, length } of extents) {
    for (let at = 0; at < length; at += step) {
      yield { offset: offset + at, data: disk.subarray(offset + at, offset + Math.min(at + step, length)) }
    }
  }
}

async function write(
  parent: DiskContent | undefined,
  disk: Uint8Array,
  changed: Extents | 'all',
  grid: Grid,
  step = MiB,
) {
  const plan = planContent(parent, bytes(disk.length), changed, grid)
  const written = await writeContent(repository, plan, chunksOf(disk, plan.reads, step))
  await repository.flush()
  return { plan, ...written }
}

async function read(content: DiskContent, from = 0, to: number = content.size): Promise<Uint8Array> {
  const result = new Uint8Array(to - from).fill(0xee)
  let at = from
  for await (const chunk of readContent(repository, content, { from: bytes(from), to: bytes(to), holes: 'zeros' })) {
    expect(chunk.offset).toBe(at)
    at += chunk.length
    if (chunk.data === 'zero') result.fill(0, chunk.offset - from, at - from)
    else result.set(chunk.data, chunk.offset - from)
  }
  expect(at).toBe(to)
  return result
}

const piecesOf = ({ sizes }: DiskContent) => [...sizes]

/**
 * Data pieces start at multiples of their own size on the grid; restic-format.md §14. A group that ended with the disk is
 * shorter, and stays so when the disk grows: it starts where the whole one would.
 */
function expectOnGrid(content: DiskContent): void {
  let at = 0
  let marks = 0
  let longestHole = 0
  let hole = 0
  for (const [i, size] of content.sizes.entries()) {
    const isZero = isZeroPiece(size, content.ids, i * 32)
    const isLast = i === content.length - 1
    if (!isLast) expect(at % (isZero ? BLOCK : 2 ** Math.ceil(Math.log2(size)))).toBe(0)
    if (isZero && size === SPARSE_MARK.size) marks++
    hole = isZero ? hole + size : 0
    longestHole = Math.max(longestHole, hole)
    at += size
  }
  if (longestHole >= SPARSE_MARK.size) expect(marks).toBeGreaterThan(0)
}

const change = fc.record({
  block: fc.nat(70),
  count: fc.integer({ min: 1, max: 9 }),
  fill: fc.constantFrom(0, 0, 1, 2, 3),
})
const generation = fc.record({
  changes: fc.array(change, { maxLength: 6 }),
  growth: fc.constantFrom(0, 0, 0, BLOCK, 300_001),
})

test(
  'whatever changes, every generation reads back as the disk was, and reads only what changed',
  { timeout: 60_000 },
  async () => {
    const grids = fc.constantFrom(
      { base: MiB, fine: BLOCK },
      { base: 4 * BLOCK, fine: BLOCK },
      { base: 8 * BLOCK, fine: 2 * BLOCK },
    )
    const sizes = fc.constantFrom(40 * BLOCK, 40 * BLOCK + 1000, 33 * BLOCK - 512, 3 * BLOCK)
    const law = fc.asyncProperty(
      sizes,
      grids,
      fc.array(generation, { minLength: 1, maxLength: 4 }),
      fc.boolean(), // whether the grid is another one after the full backup
      async (size, grid, generations, mixed) => {
        let disk = new Uint8Array(size)
        for (let block = 0; block * BLOCK < size; block += 3) disk.fill(block, block * BLOCK, (block + 1) * BLOCK)
        let { content } = await write(undefined, disk, 'all', grid, 100_000)
        const history = [{ disk: disk.slice(), content }]
        for (const { changes, growth } of generations) {
          const grown = new Uint8Array(disk.length + growth)
          grown.set(disk)
          disk = grown
          const dirty = []
          for (const { block, count, fill } of changes) {
            const [from, to] = [block * BLOCK, Math.min((block + count) * BLOCK, disk.length)]
            if (from >= to) continue
            for (let at = from; at < to; at += BLOCK)
              disk.fill(fill === 0 ? 0 : fill + at / BLOCK, at, Math.min(at + BLOCK, to))
            dirty.push(extent(from, to - from))
          }
          const changed = normalize(dirty)
          const next = await write(content, disk, changed, mixed ? gridFor(bytes(disk.length)) : grid, 70_000)
          const grownBy = growth === 0 ? [] : [extent(disk.length - growth, growth)]
          expect(next.plan.reads).toEqual(normalize([...changed, ...grownBy]))
          expect(next.plan.mergeBytes).toBe(0)
          content = next.content
          history.push({ disk: disk.slice(), content })
        }
        for (const each of history) {
          expect(Buffer.compare(await read(each.content), each.disk)).toBe(0)
          if (grid.fine === BLOCK) expectOnGrid(each.content)
        }
      },
    )
    await fc.assert(law, { numRuns: 25 })
  },
)

const random = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => ((i ^ seed) * 2_654_435_761) >>> 24)

test('a full backup has base pieces, and zero blobs for holes with the mark first', async () => {
  const disk = new Uint8Array(12 * MiB + 100)
  disk.set(random(MiB, 1), MiB)
  const { content } = await write(undefined, disk, 'all', { base: MiB, fine: BLOCK })
  // hole of 1 MiB, data, hole of 10 MiB, and the short end as an ordinary blob
  expect(piecesOf(content)).toEqual([512 * KiB, 512 * KiB, MiB, 8 * MiB, MiB, MiB, 100])
})

test('one changed block splits its group, and the clean rest comes from the repository', async () => {
  const disk = random(MiB, 2)
  const grid = gridFor(bytes(disk.length))
  const full = await write(undefined, disk, 'all', grid)
  disk.fill(1, 5 * BLOCK, 6 * BLOCK)
  const second = await write(full.content, disk, [extent(5 * BLOCK, BLOCK)], grid)
  const group = 256 * KiB
  expect(piecesOf(second.content)).toEqual([group, BLOCK, BLOCK, BLOCK, BLOCK, group, group])
  expect(totalLength(second.plan.reads)).toBe(BLOCK)
  disk.set(random(BLOCK, 99), 7 * BLOCK)
  const third = await write(second.content, disk, [extent(7 * BLOCK, BLOCK)], grid)
  expect(third.blobsNew).toBe(1)
  expect(Buffer.compare(await read(third.content), disk)).toBe(0)
})

test('a group that changed as a whole is one piece again, one that almost did is not', async () => {
  const disk = random(MiB, 3)
  const grid = gridFor(bytes(disk.length))
  const full = await write(undefined, disk, 'all', grid)
  for (const [count, pieces] of [
    [3, 7],
    [4, 4],
  ] as const) {
    disk.fill(count, 0, count * BLOCK)
    const { content, plan } = await write(full.content, disk, [extent(0, count * BLOCK)], grid)
    expect(content.length).toBe(pieces)
    expect(totalLength(plan.reads)).toBe(count * BLOCK)
    expect(Buffer.compare(await read(content), disk)).toBe(0)
  }
})

test('of a piece from a coarser grid only the touched group is split into fine pieces', async () => {
  const disk = random(2 * MiB + 1000, 7)
  const coarse = await write(undefined, disk, 'all', { base: MiB, fine: BLOCK })
  disk.fill(1, 5 * BLOCK, 6 * BLOCK)
  const { content, plan } = await write(coarse.content, disk, [extent(5 * BLOCK, BLOCK)], gridFor(bytes(disk.length)))
  const group = 256 * KiB
  expect(piecesOf(content)).toEqual([group, BLOCK, BLOCK, BLOCK, BLOCK, group, group, MiB, 1000])
  expect(totalLength(plan.reads)).toBe(BLOCK)
  expect(Buffer.compare(await read(content), disk)).toBe(0)
})

test('a block that is the same as before adds nothing', async () => {
  const disk = random(MiB, 4)
  const grid = gridFor(bytes(MiB))
  const full = await write(undefined, disk, 'all', grid)
  const again = await write(full.content, disk, [extent(0, MiB)], grid)
  expect(again).toMatchObject({ blobsNew: 0, bytesNew: 0, bytesStored: 0 })
  expect(again.content).toEqual(full.content)
})

test('a hole given as zero costs no piece of its own, whatever its size', async () => {
  const size = bytes(100 * 1024 * MiB)
  const plan = planContent(undefined, size, 'all', gridFor(size))
  const hole = async function* () {
    yield { offset: 0, length: size, data: 'zero' as const }
  }
  const { content } = await writeContent(repository, plan, hole())
  expect(content.size).toBe(size)
  expect(content.length).toBe(12_799 + 1 + 7 + 1) // 512 KiB mark, 8 MiB pieces, 7 × 1 MiB, 512 KiB
})

test('a part of a disk is read without the rest', async () => {
  const disk = random(3 * MiB, 5)
  disk.fill(0, MiB, 2 * MiB)
  const { content } = await write(undefined, disk, 'all', gridFor(bytes(disk.length)))
  await fc.assert(
    fc.asyncProperty(fc.nat(3 * MiB), fc.nat(3 * MiB), async (a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)]
      expect(Buffer.compare(await read(content, from, to), disk.subarray(from, to))).toBe(0)
    }),
    { numRuns: 20 },
  )
  let sum = 0
  for await (const { data, length } of readContent(repository, content, { holes: 'skip' })) {
    expect(data).not.toBe('zero')
    sum += length
  }
  expect(sum).toBe(2 * MiB)
})

test('chunks that are not the plan are refused', async () => {
  const size = bytes(2 * MiB)
  const plan = planContent(undefined, size, 'all', gridFor(size))
  const attempt = (chunks: { offset: number; data: Uint8Array }[]) =>
    writeContent(
      repository,
      plan,
      (async function* () {
        yield* chunks
      })(),
    )
  const wrong = expect.objectContaining({ code: 'REPOSITORY_INPUT' })
  const piece = new Uint8Array(MiB)
  await expect(attempt([{ offset: 0, data: piece }])).rejects.toEqual(wrong)
  await expect(attempt([{ offset: MiB, data: piece }])).rejects.toEqual(wrong)
  const three = [0, 1, 2].map((n) => ({ offset: n * MiB, data: piece }))
  await expect(attempt(three)).rejects.toEqual(wrong)
})

test('when a list would grow too long, further splits are coarser', async () => {
  const disk = random(4 * MiB, 6)
  const size = bytes(disk.length)
  const grid = { base: MiB, fine: BLOCK }
  const full = await write(undefined, disk, 'all', grid)
  const changed = [extent(0, BLOCK), extent(MiB, BLOCK), extent(3 * MiB, BLOCK)]
  const plan = planContent(full.content, size, changed, grid, { piecesMax: 30 })
  expect(plan.grid.fine).toBe(128 * KiB)
  expect(plan.reads).toEqual(changed)
  disk.fill(9, 0, BLOCK)
  const { content } = await writeContent(repository, plan, chunksOf(disk, plan.reads, MiB))
  expect(content.length).toBeLessThanOrEqual(30)
  expect(Buffer.compare(await read(content), disk)).toBe(0)
})

test('reads of an increment are the changed bytes inside the disk, no more', () => {
  const size = bytes(10 * MiB)
  const changed = [extent(MiB, BLOCK), extent(9 * MiB, 5 * MiB)]
  const parent = { size, length: 10, ids: new Uint8Array(320).fill(1), sizes: new Uint32Array(10).fill(MiB) }
  const { reads, rewritten } = planContent(parent, size, changed, gridFor(size))
  expect(reads).toEqual(clip(changed, size))
  expect(intersect(rewritten, reads)).toEqual(reads)
})
