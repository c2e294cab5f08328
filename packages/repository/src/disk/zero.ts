import { KiB, MiB } from '@tidemark/blocks'
import { idBytes } from '../id.ts'

/** A blob of only zeros: how holes are stored, and recognised without being read. */
export interface ZeroBlob {
  readonly size: number
  /** Packed ID. */
  readonly id: Uint8Array
}

const zero = (size: number, id: string): ZeroBlob => ({ size, id: idBytes(id) })

/** `restic restore --sparse` writes a file sparsely only when it sees exactly this blob. restic-format.md §14. */
export const SPARSE_MARK = zero(512 * KiB, '07854d2fef297a06ba81685e660c332de36d5d18d546927d30daad6d7fda1541')

/** The four zero blobs, longest first. restic-format.md §16. */
export const zeroBlobs: readonly ZeroBlob[] = [
  zero(8 * MiB, '2daeb1f36095b44b318410b3f4e8b5d989dcc7bb023d1426c492dab0a3053e74'),
  zero(MiB, '30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58'),
  SPARSE_MARK,
  zero(64 * KiB, 'de2f256064a0af797747c2b97505dc0b9f3df0de4f489eac731c23ae9ca9cc31'),
]

/** Whether a piece is one of the zero blobs. `ids` holds its ID at `offset`. */
export function isZeroPiece(size: number, ids: Uint8Array, offset: number): boolean {
  const blob = zeroBlobs.find((each) => each.size === size)
  if (blob === undefined) return false
  for (let i = 0; i < blob.id.length; i++) if (blob.id[i] !== ids[offset + i]) return false
  return true
}

/**
 * Sizes of the zero blobs for a run of `length` zeros: as few as possible, but one of 512 KiB first when the list has none
 * yet. Together they may be shorter than the run: the rest, less than 64 KiB, is an ordinary blob.
 */
export function* zeroRun(length: number, needsMark: boolean): Generator<ZeroBlob> {
  let left = length
  if (needsMark && left >= SPARSE_MARK.size) {
    yield SPARSE_MARK
    left -= SPARSE_MARK.size
  }
  for (const blob of zeroBlobs) {
    for (; left >= blob.size; left -= blob.size) yield blob
  }
}

const LONGEST = 8 * MiB
let zeros: Buffer | undefined

/** `length` zeros, at most 8 MiB, in memory that is shared: not to be written to. */
export const zeroBytes = (length: number): Uint8Array => (zeros ??= Buffer.alloc(LONGEST)).subarray(0, length)

/** Whether all bytes are zero; 15 GB/s. */
export function isAllZero(data: Uint8Array): boolean {
  if (data[0] !== 0 || data.at(-1) !== 0) return data.length === 0
  for (let at = 0; at < data.length; at += LONGEST) {
    const part = data.subarray(at, at + LONGEST)
    if (Buffer.compare(part, zeroBytes(part.length)) !== 0) return false
  }
  return true
}
