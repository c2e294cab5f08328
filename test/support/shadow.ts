import { bytes, CBT_BLOCK, decodeBitmap, isMarked, blockIndex } from '@tidemark/blocks'
import { isFailure } from '@tidemark/xenapi'

/** What a block holds: 0 for zeros, a number of its own for each write, UNKNOWN after a write that may not have come through. */
type Content = number
const UNKNOWN = -1

let writes = 0

/**
 * What a disk must read as, block by block of 64 KiB, kept apart from the pool. A write leaves a number of its own in each block, so
 * that two shadows tell which blocks changed between them.
 */
export class Shadow {
  readonly #blocks: Map<number, Content>
  #size: number

  /** @param size bytes, a multiple of 64 KiB */
  constructor(size: number, blocks: ReadonlyMap<number, Content> = new Map()) {
    this.#size = size
    this.#blocks = new Map(blocks)
  }

  get size(): number {
    return this.#size
  }

  get count(): number {
    return this.#size / CBT_BLOCK
  }

  copy(): Shadow {
    return new Shadow(this.#size, this.#blocks)
  }

  grow(size: number): void {
    this.#size = size
  }

  /** Notes a write of whole blocks, and answers with the bytes to write. */
  write(first: number, count: number): Uint8Array {
    const data = Buffer.allocUnsafe(count * CBT_BLOCK)
    for (let n = 0; n < count; n++) {
      const content = ++writes
      this.#blocks.set(first + n, content)
      fill(data.subarray(n * CBT_BLOCK, (n + 1) * CBT_BLOCK), content)
    }
    return data
  }

  /** What the blocks hold, as bytes; zeros where it is unknown. */
  read(first: number, count: number): Uint8Array {
    const data = Buffer.allocUnsafe(count * CBT_BLOCK)
    for (let n = 0; n < count; n++) {
      fill(data.subarray(n * CBT_BLOCK, (n + 1) * CBT_BLOCK), Math.max(0, this.#blocks.get(first + n) ?? 0))
    }
    return data
  }

  /** A write of these blocks was begun, and nobody knows how far it came. */
  doubt(first: number, count: number): void {
    for (let block = first; block < first + count; block++) this.#blocks.set(block, UNKNOWN)
  }

  zero(first: number, count: number): void {
    for (let block = first; block < first + count; block++) this.#blocks.delete(block)
  }

  /**
   * Runs a transfer that makes the disk hold what `after` says. Refused for one of the reasons in `before`, the disk is as it
   * was; when it fails otherwise, nobody knows what it holds.
   */
  async replacedBy(after: Shadow, before: readonly string[], transfer: () => Promise<void>): Promise<void> {
    const was = new Map(this.#blocks)
    this.doubt(0, this.count)
    try {
      await transfer()
      this.#become(after.#blocks)
    } catch (error) {
      if (before.some((code) => isFailure(error, code))) this.#become(was)
      throw error
    }
  }

  #become(blocks: ReadonlyMap<number, Content>): void {
    this.#blocks.clear()
    for (const [block, content] of blocks) this.#blocks.set(block, content)
  }

  /** Whether no write is in doubt. */
  get isKnown(): boolean {
    return !this.#blocks.values().some((content) => content === UNKNOWN)
  }

  /** The first block of `data` that is not as it must be, if any. */
  mismatch(first: number, data: Uint8Array): number | undefined {
    const expected = Buffer.allocUnsafe(CBT_BLOCK)
    for (let n = 0; n * CBT_BLOCK < data.length; n++) {
      const content = this.#blocks.get(first + n) ?? 0
      const part = data.subarray(n * CBT_BLOCK, (n + 1) * CBT_BLOCK)
      if (content !== UNKNOWN && fill(expected, content).compare(part, 0, part.length, 0, part.length) !== 0) {
        return first + n
      }
    }
    return undefined
  }

  /**
   * The first block that differs from an older state and that the bitmap leaves out, if any.
   * @param base64 what list_changed_blocks answered
   * @throws BlocksError BLOCKS_BITMAP when the bitmap is none of this disk's size
   */
  unmarked(older: Shadow, base64: string): number | undefined {
    const bitmap = decodeBitmap(base64, bytes(this.#size))
    for (const block of new Set([...this.#blocks.keys(), ...older.#blocks.keys()])) {
      const [before, now] = [older.#blocks.get(block) ?? 0, this.#blocks.get(block) ?? 0]
      const differs = before !== now && before !== UNKNOWN && now !== UNKNOWN
      if (differs && !isMarked(bitmap, blockIndex(block))) return block
    }
    return undefined
  }
}

/** The content as bytes: its number over and over, so that no two writes are alike. */
function fill(block: Buffer, content: Content): Buffer {
  if (content === 0) return block.fill(0)
  const pattern = Buffer.alloc(16)
  pattern.writeDoubleBE(content, 0)
  pattern.writeUInt32BE(Math.imul(content, 0x9e3779b1) >>> 0, 8)
  return block.fill(pattern)
}
