import { bytes, CBT_BLOCK, changedExtents, countMarked, extent, MiB, totalLength } from '@tidemark/blocks'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryBackend } from '../backends/memory.ts'
import { initRepository } from '../open.ts'
import { compareContent, wholePieces } from './compare.ts'
import { planContent } from './plan.ts'
import type { SourceChunk } from './source.ts'
import { writeContent } from './write.ts'

const fast = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 } as const
const SIZE = 4 * MiB + 5000

/** The bytes of some extents, cut into chunks of odd sizes, long zeros told as such. */
async function* chunksOf(disk: Uint8Array, extents: readonly { offset: number; length: number }[]) {
  for (const { offset, length } of extents) {
    for (let at = offset; at < offset + length; at += 300_001) {
      const data = disk.subarray(at, Math.min(at + 300_001, offset + length))
      const chunk: SourceChunk = data.every((byte) => byte === 0)
        ? { offset: at, length: data.length, data: 'zero' }
        : { offset: at, data }
      yield chunk
    }
  }
}

async function stored(disk: Uint8Array) {
  const store = memoryBackend()
  const repository = await initRepository(store, 'pw', fast)
  const size = bytes(disk.length)
  const plan = planContent(undefined, size, 'all', { base: MiB, fine: CBT_BLOCK })
  const { content } = await writeContent(repository, plan, chunksOf(disk, plan.reads))
  await repository.flush()
  return { store, repository, content }
}

/** A disk with holes, text and noise; the same for the same seed. */
function someDisk(): Uint8Array {
  const disk = new Uint8Array(SIZE)
  for (let i = 0; i < 2 * MiB; i++) disk[i] = (i * 7 + (i >> 8)) & 0xff
  disk.fill(9, 3 * MiB + 100, 3 * MiB + 200)
  return disk
}

test('exactly the blocks that differ are found, wherever they are, holes included', async () => {
  const before = someDisk()
  const { repository, content } = await stored(before)
  await using _ = repository
  const blocks = Math.ceil(SIZE / CBT_BLOCK)
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 0, max: blocks - 1 }), { maxLength: 12 }), async (changed) => {
      const now = before.slice()
      for (const block of changed) {
        const at = Math.min(block * CBT_BLOCK + 4999, SIZE - 1)
        now[at] = (now[at] ?? 0) ^ 0x10
      }
      const all = [extent(0, SIZE)]
      const found = await compareContent(repository, content, all, chunksOf(now, all))
      const expected = changed.toSorted((a, b) => a - b).map((block) => block * CBT_BLOCK)
      expect(countMarked(found)).toBe(changed.length)
      expect(
        expected.every((at) =>
          changedExtents(found, bytes(SIZE)).some((e) => e.offset <= at && at < e.offset + e.length),
        ),
      ).toBe(true)
    }),
    { numRuns: 40 },
  )
})

test('some extents are compared as whole pieces, and nothing beside them is asked for', async () => {
  const disk = someDisk()
  const { repository, content } = await stored(disk)
  await using _ = repository
  const pieces = wholePieces(content, [extent(MiB + 5, 10), extent(4 * MiB + 1, 1)])
  expect(totalLength(pieces)).toBeLessThan(SIZE)
  expect(pieces[0]).toEqual(extent(MiB, MiB))
  disk[MiB + 70_000] = 1
  disk[0] = 77 // outside
  const found = await compareContent(repository, content, pieces, chunksOf(disk, pieces))
  expect(changedExtents(found, bytes(SIZE))).toEqual([extent(MiB + CBT_BLOCK, CBT_BLOCK)])
})

test('what is equal costs no read of the repository; a piece that is lost there counts as different', async () => {
  const disk = someDisk()
  const { store, repository, content } = await stored(disk)
  await using _ = repository
  for (const name of store.files.keys()) if (name.startsWith('data/')) store.files.delete(name)
  const all = [extent(0, SIZE)]
  expect(countMarked(await compareContent(repository, content, all, chunksOf(disk, all)))).toBe(0)
  disk[5] = 200
  expect(changedExtents(await compareContent(repository, content, all, chunksOf(disk, all)), bytes(SIZE))).toEqual([
    extent(0, MiB),
  ])
})

test('a source that ends early is refused', async () => {
  const disk = someDisk()
  const { repository, content } = await stored(disk)
  await using _ = repository
  const given = chunksOf(disk, [extent(0, MiB)])
  await expect(compareContent(repository, content, [extent(0, SIZE)], given)).rejects.toMatchObject({
    code: 'REPOSITORY_INPUT',
  })
})
