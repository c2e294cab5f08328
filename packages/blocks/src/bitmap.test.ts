import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bitmapLength, changedExtents, countMarked, decodeBitmap, isMarked, mergeBitmaps, toBitmap } from './bitmap.ts'
import { endOf, extent, totalLength, union } from './extent.ts'
import { blockCount, blockIndex, bytes, CBT_BLOCK, GiB } from './units.ts'

/** A disk of up to 200 blocks, often no multiple of 64 KiB, and any set of its blocks. */
const disk = fc.integer({ min: 1, max: 200 * CBT_BLOCK }).chain((size) =>
  fc.record({
    size: fc.constant(bytes(size)),
    blocks: fc.uniqueArray(fc.integer({ min: 0, max: blockCount(bytes(size)) - 1 })),
  }),
)
const bitmapOf = (blocks: readonly number[], size: number) =>
  toBitmap(
    blocks.map((block) => extent(block * CBT_BLOCK, 1)),
    bytes(size),
  )

test('the first block is the most significant bit of the first byte', () => {
  expect(bitmapOf([0, 9], 16 * CBT_BLOCK)).toEqual(Uint8Array.of(0b1000_0000, 0b0100_0000))
})

test('a 1 GiB disk has 16384 blocks, 2048 bytes and 2732 base64 characters', () => {
  expect(blockCount(bytes(GiB))).toBe(16_384)
  expect(bitmapLength(bytes(GiB))).toBe(2048)
  expect(btoa(String.fromCharCode(...new Uint8Array(2048)))).toHaveLength(2732)
})

test('the last block is short when the disk is no multiple of 64 KiB', () => {
  const size = bytes(2 * CBT_BLOCK + 512)
  expect(changedExtents(bitmapOf([2], size), size)).toEqual([extent(2 * CBT_BLOCK, 512)])
})

test('a bitmap survives the way to extents and back', () => {
  fc.assert(
    fc.property(disk, ({ size, blocks }) => {
      const bitmap = bitmapOf(blocks, size)
      expect(toBitmap(changedExtents(bitmap, size), size)).toEqual(bitmap)
      expect(countMarked(bitmap)).toBe(blocks.length)
      for (const block of blocks) expect(isMarked(bitmap, blockIndex(block))).toBe(true)
    }),
  )
})

test('extents of a bitmap are sorted, disjoint, never touching, and inside the disk', () => {
  fc.assert(
    fc.property(disk, ({ size, blocks }) => {
      const extents = changedExtents(bitmapOf(blocks, size), size)
      for (const [i, each] of extents.entries()) {
        const next = extents[i + 1]
        if (next !== undefined) expect(next.offset).toBeGreaterThan(endOf(each))
        expect(endOf(each)).toBeLessThanOrEqual(size)
      }
      expect(totalLength(extents)).toBeLessThanOrEqual(blocks.length * CBT_BLOCK)
    }),
  )
})

test('merged bitmaps mark the union of what each marks', () => {
  fc.assert(
    fc.property(disk, disk, (a, b) => {
      const size = bytes(Math.max(a.size, b.size))
      const one = bitmapOf(a.blocks, a.size)
      const two = bitmapOf(b.blocks, b.size)
      const wanted = toBitmap(union(changedExtents(one, a.size), changedExtents(two, b.size)), size)
      expect(mergeBitmaps([one, two])).toEqual(wanted)
    }),
  )
})

test('a bitmap of the wrong length, with marks past the disk, or of broken text is refused', () => {
  const size = bytes(9 * CBT_BLOCK)
  const code = (text: string) => {
    try {
      decodeBitmap(text, size)
      return 'accepted'
    } catch (error) {
      return (error as { code?: string }).code
    }
  }
  expect(code(btoa('\x80\x80'))).toBe('accepted')
  expect(code(btoa('\x80'))).toBe('BLOCKS_BITMAP')
  expect(code(btoa('\x80\x80\x00'))).toBe('BLOCKS_BITMAP')
  expect(code(btoa('\x80\x40'))).toBe('BLOCKS_BITMAP')
  expect(code('***')).toBe('BLOCKS_BITMAP')
})
