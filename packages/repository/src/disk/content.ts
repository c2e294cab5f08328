import { bytes, type Bytes } from '@tidemark/blocks'
import type { BlobIndex } from '../blob-index.ts'
import { RepositoryError } from '../error.ts'
import { idAt, ID_LENGTH } from '../id.ts'

/**
 * What a disk consists of: pieces in the order of the disk, without gaps. 36 bytes a piece; nothing of the data.
 * Immutable once made.
 */
export interface DiskContent {
  /** Sum of all pieces. */
  readonly size: Bytes
  /** How many pieces. */
  readonly length: number
  /** Packed IDs, 32 bytes each. */
  readonly ids: Uint8Array
  /** Bytes of each piece. */
  readonly sizes: Uint32Array
}

/** The IDs of some pieces, packed in the order given. */
export function idsOfPieces({ ids }: DiskContent, pieces: readonly number[]): Uint8Array {
  const result = new Uint8Array(pieces.length * ID_LENGTH)
  for (const [i, piece] of pieces.entries()) {
    result.set(ids.subarray(piece * ID_LENGTH, (piece + 1) * ID_LENGTH), i * ID_LENGTH)
  }
  return result
}

const FIRST_CAPACITY = 256

/** Gathers pieces into a content. */
export class ContentBuilder {
  #ids: Uint8Array
  #sizes: Uint32Array
  #length = 0
  #size = 0

  /** @param pieces that are expected: memory that is not used in the end costs nothing */
  constructor(pieces = FIRST_CAPACITY) {
    this.#ids = new Uint8Array(pieces * ID_LENGTH)
    this.#sizes = new Uint32Array(pieces)
  }

  /** End of the pieces so far: where the next one begins. */
  get size(): number {
    return this.#size
  }

  /** `ids` holds the ID at `offset`. */
  add(size: number, ids: Uint8Array, offset = 0): void {
    if (this.#length === this.#sizes.length) this.#grow()
    const at = this.#length * ID_LENGTH
    for (let i = 0; i < ID_LENGTH; i++) this.#ids[at + i] = ids[offset + i] ?? 0
    this.#sizes[this.#length++] = size
    this.#size += size
  }

  finish(): DiskContent {
    return {
      size: bytes(this.#size),
      length: this.#length,
      ids: this.#ids.subarray(0, this.#length * ID_LENGTH), // no copy: a long list is in memory once
      sizes: this.#sizes.subarray(0, this.#length),
    }
  }

  #grow(): void {
    const ids = new Uint8Array(this.#ids.length * 2)
    const sizes = new Uint32Array(this.#sizes.length * 2)
    ids.set(this.#ids)
    sizes.set(this.#sizes)
    this.#ids = ids
    this.#sizes = sizes
  }
}

/**
 * A file's content list with the sizes that the index knows: no other state is needed.
 * @param ids packed IDs; kept
 * @throws RepositoryError REPOSITORY_MISSING_BLOB
 */
export function contentOf(ids: Uint8Array, index: BlobIndex): DiskContent {
  const length = ids.length / ID_LENGTH
  const sizes = new Uint32Array(length)
  let size = 0
  index.findMany('data', ids, (position, entry, plainSize) => {
    if (entry < 0) {
      throw new RepositoryError(
        'REPOSITORY_MISSING_BLOB',
        `data blob ${idAt(ids, position * ID_LENGTH)} is in no index`,
      )
    }
    sizes[position] = plainSize
    size += plainSize
  })
  return { size: bytes(size), length, ids, sizes }
}
