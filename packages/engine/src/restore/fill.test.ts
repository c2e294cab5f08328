import { bytes, MiB } from '@tidemark/blocks'
import type { DiskContent } from '@tidemark/repository'
import { expect, test } from 'vitest'
import { sparseReader } from './fill.ts'

const PIECE = 8 * MiB
/** SHA-256 of 8 MiB of zeros: what a hole of that size is called. */
const ZERO = Buffer.from('2daeb1f36095b44b318410b3f4e8b5d989dcc7bb023d1426c492dab0a3053e74', 'hex')

/** A disk of so many pieces of 8 MiB, of which the first ones hold data. */
function disk(pieces: number, data: number): DiskContent {
  const ids = Buffer.concat(Array.from({ length: pieces }, (_, n) => (n < data ? Buffer.alloc(32, 1) : ZERO)))
  return { size: bytes(pieces * PIECE), length: pieces, ids, sizes: new Uint32Array(pieces).fill(PIECE) }
}

test('a VHD stream reads a disk back that is large and mostly holes; NBD what is small, full, or more than a VHD has', () => {
  expect(sparseReader(disk(256, 20))).toBe('vhd')
  expect(sparseReader(disk(32, 0))).toBe('nbd')
  expect(sparseReader(disk(1024, 500))).toBe('nbd')
  expect(sparseReader(disk(261_500, 20))).toBe('nbd')
})
