import { EMPTY_PACK, entryLength } from '../format/pack.ts'
import { idAt, idBytes, ID_LENGTH } from '../id.ts'
import { TREE_BIT, type PackSink } from '../index-cache/records.ts'
import { placeDigest } from './place-digest.ts'

const FIRST_CAPACITY = 1024

/** Bits of a pack of which an index told. */
const LISTED = 1
const LISTED_AGAIN = 2
const CONTRADICTED = 4

/** What indexes and the storage say of packs: typed arrays, 70 bytes a pack. */
export class PackTable implements PackSink {
  #ids = new Uint8Array(FIRST_CAPACITY * ID_LENGTH)
  /** Size by the indexes, bytes. */
  #sizes = new Float64Array(FIRST_CAPACITY)
  /** Blobs by the indexes. */
  #blobs = new Uint32Array(FIRST_CAPACITY)
  #isStored = new Uint8Array(FIRST_CAPACITY)
  /** Digest of the list of blobs that is being read, or was last, and of the one before. */
  #lists = new Uint32Array(FIRST_CAPACITY)
  #listsBefore = new Uint32Array(FIRST_CAPACITY)
  #listings = new Uint8Array(FIRST_CAPACITY)
  /** Open addressing; number and one, 0 for an empty slot. */
  #table = new Uint32Array(FIRST_CAPACITY * 2)
  #length = 0

  /** All packs that an index names, stored or not. */
  get length(): number {
    return this.#length
  }

  /** Number of a pack, -1 when it is not known. */
  find(id: Uint8Array): number {
    return (this.#table[this.#slot(id)] ?? 0) - 1
  }

  /** Number of a pack, a new one unless it is known. */
  number(id: Uint8Array): number {
    const slot = this.#slot(id)
    const known = this.#table[slot] ?? 0
    if (known > 0) return known - 1
    this.#ids.set(id, this.#length * ID_LENGTH)
    this.#table[slot] = ++this.#length
    if (this.#length === this.#sizes.length) this.#grow()
    return this.#length - 1
  }

  /** What an index says. */
  expect(pack: number, size: number, blobs: number): void {
    this.#sizes[pack] = size
    this.#blobs[pack] = blobs
  }

  /** Begins what an index says of a pack; what an earlier one said is forgotten. */
  packNumber(name: string): number {
    const pack = this.number(idBytes(name))
    const listings = this.isContradicted(pack) ? CONTRADICTED : 0
    const isListed = ((this.#listings[pack] ?? 0) & LISTED) !== 0
    this.#listings[pack] = listings | LISTED | (isListed ? LISTED_AGAIN : 0)
    this.#listsBefore[pack] = this.#lists[pack] ?? 0
    this.#lists[pack] = 0
    this.#sizes[pack] = EMPTY_PACK
    this.#blobs[pack] = 0
    return pack
  }

  /** A blob of a pack. */
  add(pack: number, ids: Uint8Array, at: number, offset: number, length: number, plain: number): void {
    const entry = entryLength({ uncompressedLength: plain & ~TREE_BIT })
    this.#sizes[pack] = this.size(pack) + length + entry
    this.#blobs[pack] = this.blobs(pack) + 1
    this.#lists[pack] = (this.#lists[pack] ?? 0) + placeDigest(ids, at, offset, length, plain)
  }

  /** The storage has it. */
  found(pack: number): void {
    this.#isStored[pack] = 1
  }

  /** 64 hex characters. */
  name(pack: number): string {
    return idAt(this.#ids, pack * ID_LENGTH)
  }

  firstByte(pack: number): number {
    return this.#ids[pack * ID_LENGTH] ?? 0
  }

  size(pack: number): number {
    return this.#sizes[pack] ?? 0
  }

  blobs(pack: number): number {
    return this.#blobs[pack] ?? 0
  }

  isStored(pack: number): boolean {
    return this.#isStored[pack] === 1
  }

  /** Whether two indexes say different things of it. */
  isContradicted(pack: number): boolean {
    const listings = this.#listings[pack] ?? 0
    const isAgain = (listings & LISTED_AGAIN) !== 0
    return (listings & CONTRADICTED) !== 0 || (isAgain && this.#lists[pack] !== this.#listsBefore[pack])
  }

  /** Numbers of the packs that the storage has. */
  stored(): number[] {
    const numbers: number[] = []
    for (let pack = 0; pack < this.#length; pack++) if (this.isStored(pack)) numbers.push(pack)
    return numbers
  }

  #slot(id: Uint8Array): number {
    const mask = this.#table.length - 1
    for (let slot = prefix(id, 0) & mask; ; slot = (slot + 1) & mask) {
      const pack = (this.#table[slot] ?? 0) - 1
      if (pack < 0 || this.#isSame(pack, id)) return slot
    }
  }

  #isSame(pack: number, id: Uint8Array): boolean {
    const from = pack * ID_LENGTH
    return Buffer.compare(this.#ids.subarray(from, from + ID_LENGTH), id) === 0
  }

  #grow(): void {
    const capacity = this.#length * 2
    this.#ids = enlarged(this.#ids, new Uint8Array(capacity * ID_LENGTH))
    this.#sizes = enlarged(this.#sizes, new Float64Array(capacity))
    this.#blobs = enlarged(this.#blobs, new Uint32Array(capacity))
    this.#isStored = enlarged(this.#isStored, new Uint8Array(capacity))
    this.#lists = enlarged(this.#lists, new Uint32Array(capacity))
    this.#listsBefore = enlarged(this.#listsBefore, new Uint32Array(capacity))
    this.#listings = enlarged(this.#listings, new Uint8Array(capacity))
    this.#table = new Uint32Array(capacity * 2)
    const mask = this.#table.length - 1
    for (let pack = 0; pack < this.#length; pack++) {
      let slot = prefix(this.#ids, pack * ID_LENGTH) & mask
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask
      this.#table[slot] = pack + 1
    }
  }
}

function enlarged<Values extends { set(from: Values): void }>(from: Values, to: Values): Values {
  to.set(from)
  return to
}

/** IDs are hashes: any bytes of them spread well. */
const prefix = (ids: Uint8Array, at: number): number =>
  (ids[at] ?? 0) | ((ids[at + 1] ?? 0) << 8) | ((ids[at + 2] ?? 0) << 16) | ((ids[at + 3] ?? 0) << 24)
