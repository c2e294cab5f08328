import { bytes, clip, extent, KiB, MiB, normalize, totalLength, type Extents } from '@tidemark/blocks'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryBackend } from '../backends/memory.ts'
import { initRepository } from '../open.ts'
import type { Repository } from '../repository.ts'
import type { DiskContent } from './content.ts'
import { PieceLog, type PieceRun } from './pieces.ts'
import { planContent, type ContentPlan } from './plan.ts'
import { continueContent, layoutOf } from './resume.ts'
import { writeContent } from './write.ts'

const BLOCK = 64 * KiB
const BLOCKS = 64
const grid = { base: 256 * KiB, fine: BLOCK }
const open = () => initRepository(memoryBackend(), 'pw', { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 })

/** Each block filled with its number: what is 0 is a hole. */
function diskOf(fills: readonly number[]): Uint8Array {
  const disk = new Uint8Array(BLOCKS * BLOCK)
  for (const [block, fill] of fills.entries()) disk.fill(fill, block * BLOCK, (block + 1) * BLOCK)
  return disk
}

/** Ends with an error once `most` bytes were given. */
async function* chunksOf(disk: Uint8Array, extents: Extents, most = Infinity) {
  let given = 0
  for (const { offset, length } of extents) {
    for (let at = 0; at < length; at += BLOCK) {
      if (given >= most) throw new Error('cut')
      given += BLOCK
      yield { offset: offset + at, data: disk.subarray(offset + at, offset + Math.min(at + BLOCK, length)) }
    }
  }
}

const blocksAt = (blocks: readonly number[]): Extents => normalize(blocks.map((block) => extent(block * BLOCK, BLOCK)))

/** Writes until so many bytes were read; answers what of it is durable. */
async function cutAt(repository: Repository, plan: ContentPlan, disk: Uint8Array, most: number): Promise<PieceRun[]> {
  const log = new PieceLog()
  const cut = writeContent(repository, plan, chunksOf(disk, plan.reads, most), undefined, undefined, log)
  await cut.catch((error: Error) => expect(error.message).toBe('cut'))
  await repository.flush()
  return [...log.take()]
}

const expectSame = (a: DiskContent, b: DiskContent) => {
  expect([...a.sizes]).toEqual([...b.sizes])
  expect(Buffer.compare(a.ids, b.ids)).toBe(0)
}

test('a disk that is cut anywhere and gone on with has the content of one that was not, and is read once', async () => {
  const fills = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: BLOCKS, maxLength: BLOCKS })
  const dirty = fc.array(fc.integer({ min: 0, max: BLOCKS - 1 }), { minLength: 1, maxLength: BLOCKS })
  const cuts = fc.array(fc.integer({ min: 0, max: BLOCKS }), { minLength: 1, maxLength: 3 })
  await using whole = await open()
  await fc.assert(
    fc.asyncProperty(fills, fills, dirty, cuts, fc.boolean(), async (before, now, blocks, most, isFull) => {
      await using repository = await open()
      const size = bytes(BLOCKS * BLOCK)
      const first = diskOf(before)
      const base = (
        await writeContent(repository, planContent(undefined, size, 'all', grid), chunksOf(first, [extent(0, size)]))
      ).content
      await writeContent(whole, planContent(undefined, size, 'all', grid), chunksOf(first, [extent(0, size)]))
      await repository.flush()
      const disk = first.slice()
      for (const block of blocks) disk.fill((now[block] ?? 0) + 4, block * BLOCK, (block + 1) * BLOCK)
      const changed = clip(blocksAt(blocks), size)
      const plan = isFull ? planContent(undefined, size, 'all', grid) : planContent(base, size, changed, grid)
      const expected = await writeContent(whole, plan, chunksOf(disk, plan.reads))
      const runs: PieceRun[] = []
      let rest = plan
      for (const each of most) {
        runs.push(...(await cutAt(repository, rest, disk, each * BLOCK)))
        rest = await continueContent(repository, plan, runs)
        expect(layoutOf(plan)).toBe(layoutOf(rest))
      }
      const done = runs.reduce((sum, { ids }) => sum + ids.length / 32, 0)
      if (done > 0) expect(totalLength(rest.reads)).toBeLessThan(totalLength(plan.reads))
      const { content } = await writeContent(repository, rest, chunksOf(disk, rest.reads))
      expectSame(content, expected.content)
    }),
    { numRuns: 40 },
  )
}, 60_000)

test('a piece whose blob is gone, or has another size, is written again', async () => {
  await using repository = await open()
  const disk = diskOf(Array.from({ length: BLOCKS }, (_, i) => (i >> 2) + 1)) // a base piece is of one byte, and no other's
  const plan = planContent(undefined, bytes(disk.length), 'all', grid)
  const [run] = await cutAt(repository, plan, disk, 4 * MiB)
  if (run === undefined) throw new Error('nothing was written')
  const ids = run.ids.slice()
  ids.fill(7, 0, 32) // of no blob
  const { id } = await repository.saveBlob('data', new Uint8Array(BLOCK).fill(9))
  await repository.flush()
  ids.set(Buffer.from(id, 'hex'), 5 * 32) // of a blob of another size
  const rest = await continueContent(repository, plan, [{ first: 0, ids }])
  expect(rest.reads).toEqual([extent(0, 256 * KiB), extent(5 * 256 * KiB, 256 * KiB)])
  const { content } = await writeContent(repository, rest, chunksOf(disk, rest.reads))
  await using other = await open()
  expectSame(content, (await writeContent(other, plan, chunksOf(disk, plan.reads))).content)
})

test('plans that write other pieces have other layouts', () => {
  const size = bytes(BLOCKS * BLOCK)
  const layouts = [
    planContent(undefined, size, 'all', grid),
    planContent(undefined, bytes(size - BLOCK), 'all', grid),
    planContent(undefined, size, 'all', { base: BLOCK, fine: BLOCK }),
  ].map(layoutOf)
  expect(new Set(layouts).size).toBe(3)
})
