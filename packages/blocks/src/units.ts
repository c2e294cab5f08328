import { BlocksError } from './error.ts'

declare const unit: unique symbol
type Unit<Name extends string> = number & { readonly [unit]: Name }

/** A length or an offset, in bytes: a whole number from 0 to 2^53 - 1 (8 PiB). */
export type Bytes = Unit<'bytes'>

/** Position of a CBT block: block `i` covers bytes `[i * 65536, (i + 1) * 65536)`. */
export type BlockIndex = Unit<'block'>

/** Size of one tracked block, in bytes. xapi: "64 KiB", blktap's block log. */
export const CBT_BLOCK = 65_536

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB
export const TiB = 1024 * GiB

/**
 * Checks a number once, at the edge; from there on the type carries the proof.
 * @throws BlocksError BLOCKS_UNIT
 */
export function bytes(value: number): Bytes {
  assertWhole(value, 'bytes')
  return value as Bytes
}

/** @throws BlocksError BLOCKS_UNIT */
export function blockIndex(value: number): BlockIndex {
  assertWhole(value, 'block index')
  return value as BlockIndex
}

/** First byte of a block. */
export const blockStart = (block: BlockIndex): Bytes => bytes(block * CBT_BLOCK)

/** The block that holds the byte at `offset`. */
export const blockOf = (offset: Bytes): BlockIndex => blockIndex(Math.floor(offset / CBT_BLOCK))

/** How many CBT blocks a disk of `size` has; the last one may be short. */
export const blockCount = (size: Bytes): number => Math.ceil(size / CBT_BLOCK)

function assertWhole(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new BlocksError('BLOCKS_UNIT', `${value} is no ${what}: a whole number from 0 to 2^53 - 1 is needed`)
  }
}
