import { blockIndex, bytes, CBT_BLOCK, emptyBitmap, mark } from '@tidemark/blocks'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StreamCut } from '../streams/pieces.ts'
import { HEADER, viewOf } from './format.ts'
import { readQcow2 } from './read.ts'
import { writeQcow2 } from './write.ts'

const bytesOf = (cluster: number, length: number): Uint8Array => new Uint8Array(length).fill((cluster % 251) + 1)

async function image(size: number, clusters: readonly number[]): Promise<Buffer> {
  const bitmap = emptyBitmap(bytes(size))
  for (const cluster of clusters) mark(bitmap, blockIndex(cluster))
  const read = async (cluster: number): Promise<Uint8Array> =>
    bytesOf(cluster, Math.min(CBT_BLOCK, size - cluster * CBT_BLOCK))
  return Buffer.concat(await all(writeQcow2({ size, clusters: bitmap, read })))
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

async function* cut(data: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += step) yield data.subarray(at, at + step)
}

/** The clusters of an image, each checked. */
async function clustersOf(data: Uint8Array, step = 100_000): Promise<number[]> {
  const { size, clusters } = await readQcow2(cut(data, step))
  const found: number[] = []
  for await (const { offset, data: content } of clusters()) {
    const cluster = offset / CBT_BLOCK
    expect(Buffer.from(content).equals(bytesOf(cluster, Math.min(CBT_BLOCK, size - offset)))).toBe(true)
    found.push(cluster)
  }
  return found
}

test('what was written is read back, however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40_000 }),
      fc.uniqueArray(fc.nat(40_000), { maxLength: 4 }),
      fc.integer({ min: 500, max: 300_000 }),
      async (sectors, picks, step) => {
        const size = sectors * 512 * 100
        const last = Math.ceil(size / CBT_BLOCK)
        const clusters = [...new Set(picks.map((pick) => pick % last))].sort((a, b) => a - b)
        expect(await clustersOf(await image(size, clusters), step)).toEqual(clusters)
      },
    ),
    { numRuns: 40 },
  )
})

test('an image of nothing has tables and no data', async () => {
  const empty = await image(1024 ** 3, [])
  expect(await clustersOf(empty)).toEqual([])
  expect(empty.length).toBe(4 * CBT_BLOCK)
})

/** The code with which a changed image is refused. */
async function refusal(change: (view: DataView, data: Buffer) => void): Promise<unknown> {
  const data = await image(4 * CBT_BLOCK, [1, 2])
  change(viewOf(data), data)
  try {
    await clustersOf(data)
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
  return undefined
}

/** Clusters of the image: header, refcount table and block, L1, L2, data. */
const [L1, L2] = [3 * CBT_BLOCK, 4 * CBT_BLOCK]

test('what contradicts itself is refused, and so is what a stream cannot give', async () => {
  const damaged = 'LAB_QCOW2_DAMAGED'
  const unsupported = 'LAB_QCOW2_UNSUPPORTED'
  expect(await refusal((view) => view.setUint32(0, 7))).toBe(damaged)
  expect(await refusal((view) => view.setUint32(HEADER.version, 4))).toBe(unsupported)
  expect(await refusal((view) => view.setUint32(HEADER.clusterBits, 30))).toBe(damaged)
  expect(await refusal((view) => view.setBigUint64(HEADER.backingOffset, 600n))).toBe(unsupported)
  expect(await refusal((view) => view.setUint32(HEADER.encryption, 2))).toBe(unsupported)
  expect(await refusal((view) => view.setBigUint64(HEADER.size, 1n << 60n))).toBe(damaged)
  expect(await refusal((view) => view.setUint32(HEADER.l1Entries, 0))).toBe(damaged)
  expect(await refusal((view) => view.setUint32(HEADER.l1Entries, 0xff_ff_ff_ff))).toBe(damaged)
  expect(await refusal((view) => view.setBigUint64(HEADER.l1Offset, 100n))).toBe(damaged)
  expect(await refusal((view) => view.setBigUint64(HEADER.incompatible, 2n))).toBe(damaged)
  expect(await refusal((view) => view.setBigUint64(HEADER.incompatible, 16n))).toBe(unsupported)
  expect(await refusal((view) => view.setBigUint64(L1, 65_536n))).toBe(unsupported)
  expect(await refusal((view) => view.setBigUint64(L1, BigInt(L2) | 2n))).toBe(damaged)
  expect(await refusal((view) => view.setBigUint64(L2 + 8, 65_536n))).toBe(unsupported)
  expect(await refusal((view) => view.setBigUint64(L2 + 8, view.getBigUint64(L2 + 16)))).toBe(damaged)
  expect(await refusal((view) => view.setBigUint64(L2 + 8, (1n << 62n) | 400_000n))).toBe(unsupported)
  expect(await refusal((view) => view.setBigUint64(L2 + 8 * 4, view.getBigUint64(L2 + 8)))).toBe(damaged)
})

test('a cut image and one whose data are far away end as cut', async () => {
  const data = await image(4 * CBT_BLOCK, [1, 2])
  for (const length of [10, 100, L1 + 5, L2 + 5, data.length - 1]) {
    await expect(clustersOf(data.subarray(0, length))).rejects.toThrow(StreamCut)
  }
  viewOf(data).setBigUint64(L2 + 8, 1n << 55n)
  await expect(clustersOf(data)).rejects.toThrow(StreamCut)
})

test('clusters that are marked as zeros come as zeros', async () => {
  const data = await image(4 * CBT_BLOCK, [1, 2])
  viewOf(data).setBigUint64(L2 + 3 * 8, 1n)
  const { clusters } = await readQcow2(cut(data, 65_536))
  const found = await all(clusters())
  expect(found.map(({ offset, data: content }) => [offset / CBT_BLOCK, content[0]])).toEqual([
    [3, 0],
    [1, 2],
    [2, 3],
  ])
})

test('bytes at random are refused with a code of their own, and never hang', async () => {
  const sound = await image(4 * CBT_BLOCK, [1, 2])
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(fc.nat(111), fc.nat(255)), { maxLength: 3 }),
      async (anywhere, inHeader) => {
        const changed = Buffer.from(sound)
        for (const [at, value] of [...anywhere, ...inHeader]) changed[at] = value
        try {
          const { size, clusters } = await readQcow2(cut(changed, 65_536))
          if (size <= 1024 ** 2) await all(clusters())
        } catch (error) {
          const isTyped =
            error instanceof StreamCut || String((error as { code?: unknown }).code).startsWith('LAB_QCOW2_')
          if (!isTyped) throw error
        }
      },
    ),
    { numRuns: 300 },
  )
})
