import { ID_LENGTH, type BlobType } from './id.ts'
import type { PackedBlob } from './format/pack.ts'
import { TREE_BIT, type PackSink, type RecordFields } from './index-cache/records.ts'

/** Entries per block: memory grows by 3 MiB at a time, and nothing is copied. */
const BLOCK = 65_536
const EMPTY_TABLE = 1024

interface Block {
  readonly ids: Uint8Array
  /** Four numbers an entry: pack, offset, sealed length, uncompressed length with the type in the top bit. */
  readonly fields: Uint32Array
}

/**
 * The part of the index that is in memory: what this process stored, and everything when there is no cache. Typed arrays
 * throughout: 48 bytes a blob and an open-addressing table of 4-byte slots, about 56 bytes a blob. restic-format.md §6.
 */
export class MemoryIndex implements PackSink {
  readonly #blocks: Block[] = []
  readonly #packs: string[] = []
  readonly #packNumbers = new Map<string, number>()
  #table = new Uint32Array(EMPTY_TABLE)
  #size = 0

  /** How many blobs are known; a blob in several packs counts once. */
  get size(): number {
    return this.#size
  }

  /** Adds the blobs of a pack. Of a blob that is known already, the first place is kept. */
  addPack(pack: string, blobs: Iterable<PackedBlob>): void {
    const number = this.packNumber(pack)
    for (const { type, id, offset, length, uncompressedLength } of blobs) {
      const plain = type === 'tree' ? uncompressedLength | TREE_BIT : uncompressedLength
      this.add(number, id, 0, offset, length, plain)
    }
  }

  /** Adds one blob. `ids` holds its ID at `at`; `plain` has the top bit set for a tree. */
  add(pack: number, ids: Uint8Array, at: number, offset: number, length: number, plain: number): void {
    if (this.find(plain >>> 31 === 1 ? 'tree' : 'data', ids, at) >= 0) return
    const entry = this.#size
    if (entry % BLOCK === 0) this.#blocks.push(newBlock())
    const block = this.#block(entry)
    const to = entry % BLOCK
    for (let i = 0; i < ID_LENGTH; i++) block.ids[to * ID_LENGTH + i] = ids[at + i] ?? 0
    block.fields[to * 4] = pack
    block.fields[to * 4 + 1] = offset
    block.fields[to * 4 + 2] = length
    block.fields[to * 4 + 3] = plain
    this.#size++
    if (this.#size * 3 > this.#table.length * 2) this.#growTable()
    else this.#insert(entry)
  }

  /** Number of the entry, or -1. `ids` holds the ID at `offset`. */
  find(type: BlobType, ids: Uint8Array, offset = 0): number {
    const mask = this.#table.length - 1
    for (let slot = hashOf(ids, offset) & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#table[slot] ?? 0) - 1
      if (entry < 0 || this.#matches(entry, type, ids, offset)) return entry
    }
  }

  fields(entry: number): RecordFields {
    const plain = this.#field(entry, 3)
    return {
      type: plain >= TREE_BIT ? 'tree' : 'data',
      pack: this.#field(entry, 0),
      offset: this.#field(entry, 1),
      length: this.#field(entry, 2),
      uncompressedLength: plain & ~TREE_BIT,
    }
  }

  /** The entry's ID: a view, not to be written to. */
  id(entry: number): Uint8Array {
    const from = (entry % BLOCK) * ID_LENGTH
    return this.#block(entry).ids.subarray(from, from + ID_LENGTH)
  }

  packId(pack: number): string {
    return this.#packs[pack] ?? ''
  }

  /** IDs of all packs that hold a blob known here, in the order they were added. */
  packs(): readonly string[] {
    return this.#packs
  }

  hasPack(pack: string): boolean {
    return this.#packNumbers.has(pack)
  }

  /** Number of the pack, a new one unless it is known. */
  packNumber(pack: string): number {
    const known = this.#packNumbers.get(pack)
    if (known !== undefined) return known
    this.#packs.push(pack)
    this.#packNumbers.set(pack, this.#packs.length - 1)
    return this.#packs.length - 1
  }

  #growTable(): void {
    this.#table = new Uint32Array(this.#table.length * 2)
    for (let entry = 0; entry < this.#size; entry++) this.#insert(entry)
  }

  #insert(entry: number): void {
    const mask = this.#table.length - 1
    let slot = hashOf(this.#block(entry).ids, (entry % BLOCK) * ID_LENGTH) & mask
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask
    this.#table[slot] = entry + 1
  }

  #matches(entry: number, type: BlobType, ids: Uint8Array, offset: number): boolean {
    if (this.#field(entry, 3) >= TREE_BIT !== (type === 'tree')) return false
    const { ids: own } = this.#block(entry)
    const from = (entry % BLOCK) * ID_LENGTH
    for (let i = 0; i < ID_LENGTH; i++) if (own[from + i] !== ids[offset + i]) return false
    return true
  }

  #field(entry: number, field: number): number {
    return this.#block(entry).fields[(entry % BLOCK) * 4 + field] ?? 0
  }

  #block(entry: number): Block {
    return this.#blocks[Math.floor(entry / BLOCK)] as Block // entries exist only in blocks that were made for them
  }
}

const newBlock = (): Block => ({ ids: new Uint8Array(BLOCK * ID_LENGTH), fields: new Uint32Array(BLOCK * 4) })

/** An ID is a SHA-256: its first bytes are as good as any hash of it. */
const hashOf = (ids: Uint8Array, offset: number): number =>
  ((ids[offset] ?? 0) |
    ((ids[offset + 1] ?? 0) << 8) |
    ((ids[offset + 2] ?? 0) << 16) |
    ((ids[offset + 3] ?? 0) << 24)) >>>
  0
