import { createHash } from 'node:crypto'
import type { Backend } from './backends/backend.ts'
import type { Sealer } from './format/crypto.ts'
import { packTrailer, type PackedBlob } from './format/pack.ts'
import type { BlobType } from './id.ts'

const FIRST_CAPACITY = 1 << 20
/** A pack that outgrows its first memory will most likely become a full one: 16 MiB, one blob more, and the header. */
const FULL_CAPACITY = 18 << 20
const GROWTH = 4 << 20

/** Bytes of packs being saved at once, where the storage takes several. One pack is always taken. */
const SAVING_BYTES = 48 << 20

/** How many packs of a size are saved at once. @param packSize in bytes */
export const packsAtOnce = ({ savesAtOnce = 1 }: Pick<Backend, 'savesAtOnce'>, packSize: number): number =>
  Math.max(1, Math.min(savesAtOnce, Math.floor(SAVING_BYTES / packSize)))

/** A pack that is whole: what to save under which name, and what to tell the index. */
export interface FinishedPack {
  /** SHA-256 of the bytes, 64 hex characters. */
  readonly id: string
  readonly bytes: Uint8Array
  readonly blobs: readonly PackedBlob[]
}

/** Gathers sealed blobs of one type into a pack, and hashes while it grows. restic-format.md §5. */
export class PackBuilder {
  readonly type: BlobType
  readonly #blobs: PackedBlob[] = []
  readonly #hash = createHash('sha256')
  #bytes: Uint8Array
  #length = 0

  /** @param memory of a pack that was saved, to be used again */
  constructor(type: BlobType, memory?: Uint8Array) {
    this.type = type
    this.#bytes = memory ?? new Uint8Array(FIRST_CAPACITY)
  }

  /** A pack around one blob that is sealed already, at the beginning of `memory`. */
  static around(
    type: BlobType,
    id: Uint8Array,
    { memory, sealed }: { readonly memory: Uint8Array; readonly sealed: number },
    uncompressedLength: number,
  ): PackBuilder {
    const pack = new PackBuilder(type, memory)
    pack.#blobs.push({ type, id, offset: 0, length: sealed, uncompressedLength })
    pack.#hash.update(memory.subarray(0, sealed))
    pack.#length = sealed
    return pack
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length
  }

  /** @param uncompressedLength 0 when the blob is stored raw */
  add(id: Uint8Array, sealed: Uint8Array, uncompressedLength: number): void {
    this.#blobs.push({ type: this.type, id, offset: this.#length, length: sealed.length, uncompressedLength })
    this.#append(sealed)
  }

  finish(sealer: Sealer): FinishedPack {
    this.#append(packTrailer(this.#blobs, sealer))
    const bytes = this.#bytes.subarray(0, this.#length)
    return { id: this.#hash.digest('hex'), bytes, blobs: this.#blobs }
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(
        needed <= GROWTH ? GROWTH : needed <= FULL_CAPACITY ? FULL_CAPACITY : needed + GROWTH,
      )
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.#length)
    this.#hash.update(bytes)
    this.#length = needed
  }
}
