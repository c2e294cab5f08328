import { ID_LENGTH, type BlobType } from '../id.ts'

/**
 * A blob in a segment, 48 bytes, numbers little-endian:
 * 0 ID (32), 32 number of its pack in the segment, 36 offset, 40 sealed length, 44 uncompressed length (0 when raw), whose top
 * bit is set for a tree. Sorted by ID.
 */
export const RECORD = 48
const PACK = 32
const OFFSET = 36
const LENGTH = 40
const PLAIN = 44
export const TREE_BIT = 0x8000_0000

/** What a record says beside its ID. */
export interface RecordFields {
  readonly type: BlobType
  /** Number of the pack in its segment. */
  readonly pack: number
  readonly offset: number
  /** Sealed length in bytes. */
  readonly length: number
  /** 0 when stored raw. */
  readonly uncompressedLength: number
}

/** Takes the blobs of packs, as an index lists them. */
export interface PackSink {
  /** Number of the pack, a new one unless it is known. */
  packNumber(pack: string): number
  add(pack: number, ids: Uint8Array, at: number, offset: number, length: number, plain: number): void
}

const uint32At = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0

function setUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

/** First four bytes of an ID, as the number that IDs are ordered by. */
export const prefixAt = (ids: Uint8Array, at: number): number =>
  (((ids[at] ?? 0) << 24) | ((ids[at + 1] ?? 0) << 16) | ((ids[at + 2] ?? 0) << 8) | (ids[at + 3] ?? 0)) >>> 0

export const packOf = (bytes: Uint8Array, at: number): number => uint32At(bytes, at + PACK)

const isTree = (bytes: Uint8Array, at: number): boolean => (bytes[at + PLAIN + 3] ?? 0) >= 0x80

export function fieldsAt(bytes: Uint8Array, at: number): RecordFields {
  const plain = uint32At(bytes, at + PLAIN)
  return {
    type: plain >= TREE_BIT ? 'tree' : 'data',
    pack: packOf(bytes, at),
    offset: uint32At(bytes, at + OFFSET),
    length: uint32At(bytes, at + LENGTH),
    uncompressedLength: plain & ~TREE_BIT,
  }
}

/** Whether the record at `at` is of the type and ID that `ids` holds at `offset`. */
export function isRecordOf(bytes: Uint8Array, at: number, type: BlobType, ids: Uint8Array, offset: number): boolean {
  for (let i = 0; i < ID_LENGTH; i++) if (bytes[at + i] !== ids[offset + i]) return false
  return isTree(bytes, at) === (type === 'tree')
}

/** Gathers records, in any order. */
export class RecordBuffer {
  #bytes: Uint8Array<ArrayBuffer>
  length = 0

  /** @param capacity records to make room for; it grows */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity * RECORD)
  }

  /** `ids` holds the ID at `at`; `plain` has the top bit set for a tree. */
  add(ids: Uint8Array, at: number, pack: number, offset: number, length: number, plain: number): void {
    const to = this.#next()
    const bytes = this.#bytes
    for (let i = 0; i < ID_LENGTH; i++) bytes[to + i] = ids[at + i] ?? 0
    setUint32(bytes, to + PACK, pack)
    setUint32(bytes, to + OFFSET, offset)
    setUint32(bytes, to + LENGTH, length)
    setUint32(bytes, to + PLAIN, plain)
  }

  /** Takes over the record at `from` of others' `bytes`, with another pack. */
  copy(bytes: Uint8Array, from: number, pack: number): void {
    const to = this.#next()
    this.#bytes.set(bytes.subarray(from, from + RECORD), to)
    setUint32(this.#bytes, to + PACK, pack)
  }

  /** The records sorted by ID, then type, pack and offset, as bytes of their own. */
  sorted(): Uint8Array<ArrayBuffer> {
    const result = new Uint8Array(this.length * RECORD)
    for (const [i, from] of this.#order().entries()) {
      result.set(this.#bytes.subarray(from * RECORD, (from + 1) * RECORD), i * RECORD)
    }
    return result
  }

  #next(): number {
    const at = this.length++ * RECORD
    if (at < this.#bytes.length) return at
    const larger = new Uint8Array(Math.max(1024 * RECORD, this.#bytes.length * 2))
    larger.set(this.#bytes)
    this.#bytes = larger
    return at
  }

  /** Numbers of the records in order. The native sort of doubles is ten times as fast as one that calls back. */
  #order(): Float64Array {
    const order = sortedByPrefix(this.length, (i) => prefixAt(this.#bytes, i * RECORD))
    for (let i = 1; i < order.length; i++) {
      const each = order[i] ?? 0
      let to = i // those that share 32 bits: few, unless a blob lies in many packs
      for (; to > 0 && this.#compare(order[to - 1] ?? 0, each) > 0; to--) order[to] = order[to - 1] ?? 0
      order[to] = each
    }
    return order
  }

  #compare(left: number, right: number): number {
    const [a, b] = [left * RECORD, right * RECORD]
    for (let i = 0; i < ID_LENGTH; i++) {
      const difference = (this.#bytes[a + i] ?? 0) - (this.#bytes[b + i] ?? 0)
      if (difference !== 0) return difference
    }
    return (
      Number(isTree(this.#bytes, a)) - Number(isTree(this.#bytes, b)) ||
      packOf(this.#bytes, a) - packOf(this.#bytes, b) ||
      uint32At(this.#bytes, a + OFFSET) - uint32At(this.#bytes, b + OFFSET)
    )
  }
}

/** Positions below this fit beside a prefix of 32 bits into a double. */
export const SORTED_MAX = 2 ** 21

/** The numbers below `count`, ordered by their 32-bit prefix; those with the same one keep their order. */
export function sortedByPrefix(count: number, prefix: (i: number) => number): Float64Array {
  const keys = new Float64Array(count)
  if (count > SORTED_MAX) return keys.map((_, i) => i).sort((a, b) => prefix(a) - prefix(b) || a - b)
  for (let i = 0; i < count; i++) keys[i] = prefix(i) * SORTED_MAX + i
  keys.sort()
  for (let i = 0; i < count; i++) keys[i] = (keys[i] ?? 0) % SORTED_MAX
  return keys
}
