import { SEAL_OVERHEAD } from './format/crypto.ts'
import type { PackedBlob } from './format/pack.ts'
import { ID_LENGTH, idBytes, type BlobType } from './id.ts'
import { fieldsAt, prefixAt, RECORD, sortedByPrefix, SORTED_MAX, type RecordFields } from './index-cache/records.ts'
import type { Segment } from './index-cache/segment.ts'
import { MemoryIndex } from './memory-index.ts'

/** Where a blob is stored. */
export interface BlobLocation {
  /** Pack file, 64 hex characters. */
  readonly pack: string
  readonly offset: number
  /** Sealed length in bytes. */
  readonly length: number
  /** 0 when stored raw. */
  readonly uncompressedLength: number
}

/** A blob of the index. */
export interface IndexEntry extends BlobLocation {
  /** Number of the entry: what `find` answers. */
  readonly entry: number
  readonly type: BlobType
  /** Packed ID: a view, valid until the next entry. */
  readonly id: Uint8Array
}

/** Look-ups in order are worth reading whole chunks when there are this many records to one of them, or fewer. */
const DENSE = 128

/**
 * Finds blobs by type and ID. What the cache has is in sorted files (docs/scale.md), the rest in memory. Synchronous: a look-up in
 * a cached file costs 2 µs. Entries have numbers below `size`, which stay while this index is used.
 */
export class BlobIndex {
  readonly #segments: readonly Segment[]
  readonly #memory: MemoryIndex
  /** Number of the first entry of each segment. */
  readonly #bases: readonly number[]
  /** Number of the first entry in memory. */
  readonly #memoryBase: number

  /** @param segments of a cache, which stay open while the index is used */
  constructor(segments: readonly Segment[] = [], memory = new MemoryIndex()) {
    let base = 0
    this.#bases = segments.map(({ length }) => (base += length) - length)
    this.#segments = segments
    this.#memory = memory
    this.#memoryBase = base
  }

  /**
   * Numbers of entries are below this. A blob in several packs counts once unless a cache is used: that also counts what a prune
   * took out of it, until a quarter of it is such.
   */
  get size(): number {
    return this.#memoryBase + this.#memory.size
  }

  /** Adds the blobs of a pack. Of a blob that is known already, the first place is kept. */
  addPack(pack: string, blobs: Iterable<PackedBlob>): void {
    if (this.#segments.length === 0) return this.#memory.addPack(pack, blobs)
    const unknown = Array.from(blobs).filter(({ type, id }) => this.#findInSegments(type, id, 0) < 0)
    this.#memory.addPack(pack, unknown)
  }

  /** Number of the entry, or -1. `ids` holds the ID at `offset`. */
  find(type: BlobType, ids: Uint8Array, offset = 0): number {
    const entry = this.#memory.find(type, ids, offset)
    return entry >= 0 ? this.#memoryBase + entry : this.#findInSegments(type, ids, offset)
  }

  has(type: BlobType, ids: Uint8Array, offset = 0): boolean {
    return this.find(type, ids, offset) >= 0
  }

  location(entry: number): BlobLocation {
    const { offset, length, uncompressedLength, ...rest } = this.#fields(entry)
    return { pack: this.#packId(entry, rest.pack), offset, length, uncompressedLength }
  }

  /** Type and packed ID of an entry; a copy. */
  blobAt(entry: number): { readonly type: BlobType; readonly id: Uint8Array } {
    const { type } = this.#fields(entry)
    if (entry >= this.#memoryBase) return { type, id: this.#memory.id(entry - this.#memoryBase).slice() }
    const { segment, base } = this.#segmentOf(entry)
    return { type, id: segment.idAt(entry - base) }
  }

  /** Size of the blob itself, in bytes. */
  plainSize(entry: number): number {
    return plainSizeOf(this.#fields(entry))
  }

  /**
   * Entries of many blobs, as if `find` was called for each, but in an order in which millions are found in seconds.
   * @param ids packed IDs
   * @param visit gets the position in `ids`, the entry or -1, and the blob's own size
   */
  findMany(type: BlobType, ids: Uint8Array, visit: (position: number, entry: number, plainSize: number) => void): void {
    const count = ids.length / ID_LENGTH
    for (let from = 0; from < count; from += SORTED_MAX) {
      this.#findBatch(type, ids.subarray(from * ID_LENGTH, (from + SORTED_MAX) * ID_LENGTH), (position, entry, size) =>
        visit(from + position, entry, size),
      )
    }
  }

  /** All blobs in no order that means anything. A blob in several packs may come for each. */
  *entries(): Generator<IndexEntry> {
    for (const [i, segment] of this.#segments.entries()) {
      const base = this.#bases[i] ?? 0
      for (const { from, count, bytes } of segment.chunks()) {
        for (let at = 0; at < count; at++) {
          const { pack, ...fields } = fieldsAt(bytes, at * RECORD)
          const id = bytes.subarray(at * RECORD, at * RECORD + ID_LENGTH)
          if (segment.isLive(pack)) yield { entry: base + from + at, id, pack: segment.packId(pack), ...fields }
        }
      }
    }
    for (let entry = 0; entry < this.#memory.size; entry++) {
      const { pack, ...fields } = this.#memory.fields(entry)
      const id = this.#memory.id(entry)
      yield { entry: this.#memoryBase + entry, id, pack: this.#memory.packId(pack), ...fields }
    }
  }

  /** IDs of all packs that hold a blob known here. */
  packs(): readonly string[] {
    const own = this.#memory.packs()
    if (this.#segments.length === 0) return own
    const packs = new Set<string>(own)
    for (const segment of this.#segments) {
      for (let pack = 0; pack < segment.packCount; pack++) if (segment.isLive(pack)) packs.add(segment.packId(pack))
    }
    return Array.from(packs)
  }

  /** Convenience for a single hex ID. */
  lookup(type: BlobType, id: string): BlobLocation | undefined {
    const entry = this.find(type, idBytes(id))
    return entry < 0 ? undefined : this.location(entry)
  }

  #findInSegments(type: BlobType, ids: Uint8Array, offset: number): number {
    for (let i = 0; i < this.#segments.length; i++) {
      const record = this.#segments[i]?.find(type, ids, offset) ?? -1
      if (record >= 0) return (this.#bases[i] ?? 0) + record
    }
    return -1
  }

  #findBatch(
    type: BlobType,
    ids: Uint8Array,
    visit: (position: number, entry: number, plainSize: number) => void,
  ): void {
    const count = ids.length / ID_LENGTH
    const isSorted = this.#segments.some(({ isResident }) => !isResident)
    const order = isSorted ? sortedByPrefix(count, (i) => prefixAt(ids, i * ID_LENGTH)) : undefined
    for (const segment of this.#segments) segment.readWholeChunks(segment.length < count * DENSE)
    try {
      for (let i = 0; i < count; i++) {
        const position = order?.[i] ?? i
        const entry = this.find(type, ids, position * ID_LENGTH)
        visit(position, entry, entry < 0 ? 0 : this.plainSize(entry))
      }
    } finally {
      for (const segment of this.#segments) segment.readWholeChunks(false)
    }
  }

  #fields(entry: number): RecordFields {
    if (entry >= this.#memoryBase) return this.#memory.fields(entry - this.#memoryBase)
    const { segment, base } = this.#segmentOf(entry)
    return segment.fields(entry - base)
  }

  #packId(entry: number, pack: number): string {
    return entry >= this.#memoryBase ? this.#memory.packId(pack) : this.#segmentOf(entry).segment.packId(pack)
  }

  #segmentOf(entry: number): { segment: Segment; base: number } {
    const i = this.#bases.findLastIndex((base) => base <= entry)
    const segment = this.#segments[i]
    if (segment === undefined) throw new RangeError(`there is no entry ${entry}`)
    return { segment, base: this.#bases[i] ?? 0 }
  }
}

const plainSizeOf = ({ length, uncompressedLength }: RecordFields): number =>
  uncompressedLength || length - SEAL_OVERHEAD
