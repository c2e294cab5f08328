import { CBT_BLOCK } from '@tidemark/blocks'
import { ABSENT, DATA, ZERO, type Layer } from './layer.ts'
import type { RangeLock } from './rangelock.ts'
import type { View } from './view.ts'

/** A disk that is being written: its own layer, on top of all that lies below. */
export interface WriteTarget {
  readonly size: number
  readonly top: Layer
  /** The view of this moment: it may be another one after each wait. */
  readonly view: () => View
  /** Who writes which blocks. */
  readonly blocks: RangeLock
}

const ZEROS = new Uint8Array(CBT_BLOCK)

/**
 * Writes into the top layer. Writes into blocks that the layer has already run side by side; a block that it gets for
 * the first time is completed from the layers below, and belongs to one writer until it is in the map.
 */
export async function writeData(target: WriteTarget, offset: number, data: Uint8Array): Promise<void> {
  const { first, last } = touchedBlocks(offset, data.length)
  if (!changesMap(target, offset, data)) {
    const done = await target.blocks.hold(first, last, 'shared', () => overwrite(target, offset, data))
    if (done) return
  }
  await target.blocks.hold(first, last, 'exclusive', () => writePieces(target, offset, data))
}

/** Makes the range zeros; whole blocks give up their space, parts of blocks are written. */
export async function writeZeroRange(target: WriteTarget, offset: number, length: number): Promise<void> {
  const { first, last } = touchedBlocks(offset, length)
  await target.blocks.hold(first, last, 'exclusive', async () => {
    for (const piece of pieces(offset, length, target.size)) {
      if (piece.whole) hide(target, piece.offset / CBT_BLOCK, blocksIn(piece.length))
      else if (isData(target, piece.offset)) await writePart(target, piece.offset, ZEROS.subarray(0, piece.length))
    }
  })
}

/** The whole blocks inside a range, as bytes; the short last block of a disk is whole. */
export function wholeBlocks(offset: number, length: number, size: number): { offset: number; length: number } {
  const whole = pieces(offset, length, size).find((piece) => piece.whole)
  return whole ?? { offset, length: 0 }
}

/** First and last block of a range that is not empty. */
export function touchedBlocks(offset: number, length: number): { first: number; last: number } {
  return { first: Math.floor(offset / CBT_BLOCK), last: Math.floor((offset + length - 1) / CBT_BLOCK) }
}

/** Whether a block must be added to the layer, or can leave it because it becomes zeros. */
function changesMap({ top, size }: WriteTarget, offset: number, data: Uint8Array): boolean {
  const { first, last } = touchedBlocks(offset, data.length)
  for (let block = first; block <= last; block++) if (top.stateOf(block) !== DATA) return true
  const { offset: from, length } = wholeBlocks(offset, data.length, size)
  for (let at = from; at < from + length; at += CBT_BLOCK) {
    if (isZero(data.subarray(at - offset, at - offset + CBT_BLOCK))) return true
  }
  return false
}

async function overwrite(target: WriteTarget, offset: number, data: Uint8Array): Promise<boolean> {
  if (changesMap(target, offset, data)) return false // another writer came before
  await target.top.write(offset, data)
  return true
}

async function writePieces(target: WriteTarget, offset: number, data: Uint8Array): Promise<void> {
  for (const piece of pieces(offset, data.length, target.size)) {
    const part = data.subarray(piece.offset - offset, piece.offset - offset + piece.length)
    if (piece.whole) await writeWhole(target, piece.offset / CBT_BLOCK, part)
    else await writePart(target, piece.offset, part)
  }
}

/** Writes whole blocks, except that zeros are only noted. The last one may be the short end of the disk. */
async function writeWhole(target: WriteTarget, first: number, data: Uint8Array): Promise<void> {
  const count = blocksIn(data.length)
  for (let start = 0; start < count;) {
    const zero = isZero(blockAt(data, start))
    let end = start + 1
    while (end < count && isZero(blockAt(data, end)) === zero) end++
    if (zero) hide(target, first + start, end - start)
    else await store(target, first + start, data.subarray(start * CBT_BLOCK, end * CBT_BLOCK))
    start = end
  }
}

/** Writes a part of one block: in place, or, when the layer has not got the block yet, together with the rest of it. */
async function writePart(target: WriteTarget, offset: number, part: Uint8Array): Promise<void> {
  const block = Math.floor(offset / CBT_BLOCK)
  if (target.top.stateOf(block) === DATA) return target.top.write(offset, part)
  const whole = Buffer.allocUnsafeSlow(CBT_BLOCK)
  await target.view().read(block * CBT_BLOCK, whole)
  whole.set(part, offset - block * CBT_BLOCK)
  return writeWhole(target, block, whole)
}

async function store(target: WriteTarget, first: number, data: Uint8Array): Promise<void> {
  const count = blocksIn(data.length)
  await target.top.write(first * CBT_BLOCK, data)
  const missing = count * CBT_BLOCK - data.length
  // a block is 64 KiB in the file even when the disk ends before: the disk may grow, and must find zeros there
  if (missing > 0) await target.top.write(first * CBT_BLOCK + data.length, ZEROS.subarray(0, missing))
  target.top.set(first, count, DATA)
  target.view().note(first, count, 'data')
}

/** Makes whole blocks zeros without writing any: those that are data somewhere are dropped, or hidden from below. */
function hide(target: WriteTarget, first: number, count: number): void {
  const view = target.view()
  const stretches = [...view.stretches(first, first + count - 1)].filter(({ source }) => source !== 0)
  for (const stretch of stretches) {
    target.top.set(stretch.first, stretch.count, view.hasParent ? ZERO : ABSENT)
    view.note(stretch.first, stretch.count, 'zeros')
  }
}

function isData(target: WriteTarget, offset: number): boolean {
  const block = Math.floor(offset / CBT_BLOCK)
  return target.view().extents(block, block).length > 0
}

interface Piece {
  readonly offset: number
  readonly length: number
  readonly whole: boolean
}

/** Cuts a range into a part of a block, whole blocks, and a part of a block; each may be missing. */
function pieces(offset: number, length: number, size: number): Piece[] {
  const end = offset + length
  const from = Math.ceil(offset / CBT_BLOCK) * CBT_BLOCK
  const to = end === size ? end : Math.floor(end / CBT_BLOCK) * CBT_BLOCK
  if (from >= to) return splitParts(offset, end)
  return [
    { offset, length: from - offset, whole: false },
    { offset: from, length: to - from, whole: true },
    { offset: to, length: end - to, whole: false },
  ].filter((piece) => piece.length > 0)
}

/** A range without a whole block lies in one block, or in two. */
function splitParts(offset: number, end: number): Piece[] {
  const cut = Math.min(end, (Math.floor(offset / CBT_BLOCK) + 1) * CBT_BLOCK)
  return [
    { offset, length: cut - offset, whole: false },
    { offset: cut, length: end - cut, whole: false },
  ].filter((piece) => piece.length > 0)
}

const blocksIn = (length: number): number => Math.ceil(length / CBT_BLOCK)
const blockAt = (data: Uint8Array, block: number) => data.subarray(block * CBT_BLOCK, (block + 1) * CBT_BLOCK)
const isZero = (data: Uint8Array): boolean => Buffer.compare(data, ZEROS.subarray(0, data.length)) === 0
