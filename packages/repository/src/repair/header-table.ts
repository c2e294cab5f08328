import { createHash } from 'node:crypto'
import type { PackedBlob } from '../format/pack.ts'

const DIGEST = 32

/** Bits of a pack. */
const READ = 1
const CONFIRMED = 2
const WRONG = 4

/**
 * What the headers of packs say, and whether the indexes say the same: 33 bytes a pack, whatever it holds. A header that decides is read
 * once more when it is written.
 */
export class HeaderTable {
  readonly #digests: Uint8Array
  readonly #states: Uint8Array
  #length = 0

  /** @param packs how many there are; their numbers are below */
  constructor(packs: number) {
    this.#digests = new Uint8Array(packs * DIGEST)
    this.#states = new Uint8Array(packs)
  }

  /** Headers that were read. */
  get length(): number {
    return this.#length
  }

  /** What a header says. */
  add(pack: number, blobs: readonly PackedBlob[]): void {
    this.#digests.set(digestOf(blobs), pack * DIGEST)
    this.#states[pack] = READ
    this.#length++
  }

  /** What an index says of a pack. False when the header was read and says something else. */
  compare(pack: number, blobs: readonly PackedBlob[]): boolean {
    const state = this.#states[pack] ?? 0
    if ((state & READ) === 0) return true
    const isRight = Buffer.compare(digestOf(blobs), this.#digests.subarray(pack * DIGEST, (pack + 1) * DIGEST)) === 0
    this.#states[pack] = state | (isRight ? CONFIRMED : WRONG)
    return isRight
  }

  /** Whether an index says something else than the header. */
  isWrong(pack: number): boolean {
    return ((this.#states[pack] ?? 0) & WRONG) !== 0
  }

  /** Whether the header decides: no index names the pack, or one wrongly. */
  decides(pack: number): boolean {
    const state = this.#states[pack] ?? 0
    return (state & READ) !== 0 && (state & (CONFIRMED | WRONG)) !== CONFIRMED
  }
}

/** In whatever order the blobs are named. */
function digestOf(blobs: readonly PackedBlob[]): Uint8Array {
  const lines = blobs.map(({ type, id, offset, length, uncompressedLength }) =>
    [offset, type, Buffer.from(id).toString('hex'), length, uncompressedLength].join(),
  )
  return createHash('sha256').update(lines.toSorted().join(' ')).digest()
}
