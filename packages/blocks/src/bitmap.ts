import { BlocksError } from './error.ts'
import { endOf, extent, type Extent, type Extents } from './extent.ts'
import { blockCount, blockIndex, CBT_BLOCK, type BlockIndex, type Bytes } from './units.ts'

/**
 * A changed-block bitmap as `VDI.list_changed_blocks` gives it: one bit per 64 KiB block, the first block in the most
 * significant bit of the first byte, `ceil(ceil(size / 65536) / 8)` bytes, unused bits at the end 0.
 */
export type Bitmap = Uint8Array

/** Length in bytes of the bitmap of a disk of `size`. */
export const bitmapLength = (size: Bytes): number => Math.ceil(blockCount(size) / 8)

/** A bitmap with no block marked. */
export const emptyBitmap = (size: Bytes): Bitmap => new Uint8Array(bitmapLength(size))

/** Whether `block` may have changed. A block past the bitmap counts as unmarked. */
export const isMarked = (bitmap: Bitmap, block: BlockIndex): boolean =>
  ((bitmap[block >>> 3] ?? 0) & (0x80 >> (block & 7))) !== 0

/** Marks one block, in place. */
export function mark(bitmap: Bitmap, block: BlockIndex): void {
  const at = block >>> 3
  bitmap[at] = (bitmap[at] ?? 0) | (0x80 >> (block & 7))
}

/** How many blocks are marked. */
export function countMarked(bitmap: Bitmap): number {
  let count = 0
  for (const byte of bitmap) count += ones[byte] ?? 0
  return count
}

/**
 * Decodes the base64 text of `list_changed_blocks` for a disk of `size`.
 * @throws BlocksError BLOCKS_BITMAP when the text is no base64, the length is wrong, or a bit past the disk is set
 */
export function decodeBitmap(base64: string, size: Bytes): Bitmap {
  const bitmap = fromBase64(base64)
  checkBitmap(bitmap, size)
  return bitmap
}

/** @throws BlocksError BLOCKS_BITMAP when the length does not fit `size`, or a bit past the disk is set */
export function checkBitmap(bitmap: Bitmap, size: Bytes): void {
  const expected = bitmapLength(size)
  if (bitmap.length !== expected) {
    throw new BlocksError(
      'BLOCKS_BITMAP',
      `the changed-block bitmap has ${bitmap.length} bytes, but a disk of ${size} bytes needs ${expected}`,
    )
  }
  const used = blockCount(size) % 8
  const last = bitmap.at(-1) ?? 0
  if (used !== 0 && (last & (0xff >> used)) !== 0) {
    throw new BlocksError('BLOCKS_BITMAP', `the changed-block bitmap marks blocks past the end of the disk`)
  }
}

/** The changed bytes of a disk of `size`. The last block is short when the disk is no multiple of 64 KiB. */
export function changedExtents(bitmap: Bitmap, size: Bytes): Extents {
  const extents: Extent[] = []
  const count = blockCount(size)
  let start = -1
  for (let block = 0; block <= count; block++) {
    if (start < 0 && (block & 7) === 0 && bitmap[block >>> 3] === 0) {
      block += 7 // eight clean blocks at once: most bytes of most bitmaps are zero
      continue
    }
    const marked = block < count && isMarked(bitmap, blockIndex(block))
    if (marked && start < 0) start = block
    if (!marked && start >= 0) {
      const from = start * CBT_BLOCK
      extents.push(extent(from, Math.min(block * CBT_BLOCK, size) - from))
      start = -1
    }
  }
  return extents
}

/** Marks every block that an extent touches. @throws BlocksError BLOCKS_RANGE for an extent past the disk */
export function toBitmap(extents: Extents, size: Bytes): Bitmap {
  const bitmap = emptyBitmap(size)
  for (const each of extents) {
    if (endOf(each) > size) {
      throw new BlocksError('BLOCKS_RANGE', `an extent ends at ${endOf(each)}, past the disk's ${size} bytes`)
    }
    const last = Math.floor((endOf(each) - 1) / CBT_BLOCK)
    for (let block = Math.floor(each.offset / CBT_BLOCK); block <= last; block++) mark(bitmap, blockIndex(block))
  }
  return bitmap
}

/**
 * What changed over several increments: a block marked in any of them. A shorter bitmap belongs to a smaller, earlier
 * disk and is extended with clean blocks, as the storage manager does.
 */
export function mergeBitmaps(bitmaps: Iterable<Bitmap>): Bitmap {
  let merged: Bitmap = new Uint8Array()
  for (const bitmap of bitmaps) {
    const [longer, shorter] = bitmap.length > merged.length ? [bitmap.slice(), merged] : [merged, bitmap]
    for (let i = 0; i < shorter.length; i++) longer[i] = (longer[i] ?? 0) | (shorter[i] ?? 0)
    merged = longer
  }
  return merged
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch (cause) {
    throw new BlocksError('BLOCKS_BITMAP', 'the changed-block bitmap is no base64 text', { cause })
  }
}

const ones = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)
