import { bytes, extent, type Bytes, type Extent } from '@tidemark/blocks'
import { ID_LENGTH } from '../id.ts'
import type { Repository } from '../repository.ts'
import { idsOfPieces, type DiskContent } from './content.ts'
import { BlobCache } from './image-cache.ts'
import { Streams } from './image-streams.ts'
import { isZeroPiece } from './zero.ts'

/** A disk of a restore point to be read anywhere, in any order, by many readers at once. */
export interface DiskImage {
  readonly size: Bytes
  /**
   * Exactly `length` bytes, verified, in memory of their own.
   * @throws RangeError past the end; RepositoryError REPOSITORY_DAMAGED (naming the pack), REPOSITORY_MISSING_BLOB
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
  /**
   * Fills all of `into` as `read` would: for who uses a place again. After a failure nobody writes to it any more.
   * @throws as `read`
   */
  readInto(into: Uint8Array, offset: number, signal?: AbortSignal): Promise<void>
  /** What the range holds, from its start, without gaps: zeros cost nothing to read. Nothing is loaded for it. */
  extents(offset: number, length: number): readonly ImageExtent[]
  readonly stats: { readonly loadedBytes: number; readonly servedBytes: number }
}

export interface ImageExtent extends Extent {
  readonly zero: boolean
}

export interface ImageOptions {
  /** Bytes of pieces kept in memory, at most; what is being loaded or read at this moment may exceed it. */
  readonly cacheBytes: number
  /** Bytes loaded in advance of a reader that goes on where it stopped, at most. 0: none. */
  readonly readAheadBytes: number
}

export const imageDefaults = {
  cacheBytes: 64 << 20,
  readAheadBytes: 8 << 20,
} as const satisfies ImageOptions

/** Opens a disk for reading at random. The repository stays open as long as the image is used. */
export async function openImage(
  repository: Repository,
  content: DiskContent,
  options: Partial<ImageOptions> = {},
  signal?: AbortSignal,
): Promise<DiskImage> {
  await repository.blobs.ready(signal)
  return new RepositoryImage(repository, content, { ...imageDefaults, ...options })
}

class RepositoryImage implements DiskImage {
  readonly #content: DiskContent
  readonly #pieces: PieceIndex
  readonly #cache: BlobCache
  readonly #streams: Streams
  readonly stats = { loadedBytes: 0, servedBytes: 0 }

  constructor(repository: Repository, content: DiskContent, { cacheBytes, readAheadBytes }: ImageOptions) {
    this.#content = content
    this.#pieces = new PieceIndex(content)
    this.#streams = new Streams(readAheadBytes)
    this.#cache = new BlobCache(cacheBytes, async (pieces, signal) => {
      for (const piece of pieces) this.stats.loadedBytes += content.sizes[piece] ?? 0
      return repository.blobs.reader.loadMany('data', idsOfPieces(content, pieces), signal)
    })
  }

  get size(): Bytes {
    return this.#content.size
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    this.#checkRange(offset, length)
    const result = Buffer.allocUnsafeSlow(length) // memory of its own; every byte is filled
    await this.readInto(result, offset, signal)
    return result
  }

  async readInto(into: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> {
    const { length } = into
    this.#checkRange(offset, length)
    const parts = [...this.#pieces.within(offset, length)]
    const filling = this.#cache.use(this.#dataPieces(parts), (blobs) => fill(into, offset, parts, blobs), signal)
    this.#readAhead(offset, length)
    await filling
    this.stats.servedBytes += length
  }

  extents(offset: number, length: number): readonly ImageExtent[] {
    this.#checkRange(offset, length)
    const found: ImageExtent[] = []
    for (const part of this.#pieces.within(offset, length)) {
      const last = found.at(-1)
      if (last?.zero === part.zero)
        found[found.length - 1] = { ...extent(last.offset, last.length + part.length), zero: part.zero }
      else found.push({ ...extent(part.offset, part.length), zero: part.zero })
    }
    return found
  }

  /** What a reader will ask for next is on its way before it asks. A failure shows when it does ask. */
  #readAhead(offset: number, length: number): void {
    const ahead = this.#streams.after(offset, length, this.size)
    if (ahead === undefined) return
    const parts = this.#pieces.within(ahead.offset, ahead.length)
    this.#cache.use(this.#dataPieces(parts), () => undefined).catch(() => undefined)
  }

  #dataPieces(parts: Iterable<Part>): number[] {
    return [...parts].flatMap(({ piece, zero }) => (zero ? [] : [piece]))
  }

  #checkRange(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw new RangeError(`bytes ${offset} to ${offset + length} of a disk of ${this.size}`)
    }
  }
}

/** @param parts cover the range without gaps  @param blobs by piece, those that are not zero */
function fill(into: Uint8Array, start: number, parts: readonly Part[], blobs: ReadonlyMap<number, Uint8Array>): void {
  for (const { piece, skip, offset, length, zero } of parts) {
    const at = offset - start
    if (zero) into.fill(0, at, at + length)
    else {
      const data = blobs.get(piece)?.subarray(skip, skip + length)
      if (data?.length !== length) throw new Error(`piece ${piece} is not in memory`) // rather than bytes of something else
      into.set(data, at)
    }
  }
}

/** The part of a piece that lies in a range. */
interface Part extends Extent {
  readonly piece: number
  /** Bytes of the piece before the part. */
  readonly skip: number
  readonly zero: boolean
}

/** Every so many pieces, where the next one starts is kept: 8 bytes for 64 pieces. */
const STRIDE = 64

/** Finds the pieces of a range without walking the whole list. */
class PieceIndex {
  readonly #content: DiskContent
  readonly #starts: Float64Array

  constructor(content: DiskContent) {
    this.#content = content
    this.#starts = new Float64Array(Math.ceil(content.length / STRIDE))
    let at = 0
    for (let piece = 0; piece < content.length; piece++) {
      if (piece % STRIDE === 0) this.#starts[piece / STRIDE] = at
      at += content.sizes[piece] ?? 0
    }
  }

  /** The parts of pieces in the range, ascending. */
  *within(offset: number, length: number): Generator<Part> {
    const end = offset + length
    const { sizes, ids, length: count } = this.#content
    let piece = this.#strideBefore(offset) * STRIDE
    let at = this.#starts[piece / STRIDE] ?? 0
    for (; piece < count && at < end; piece++) {
      const size = sizes[piece] ?? 0
      const [from, to] = [Math.max(at, offset), Math.min(at + size, end)]
      if (from < to) {
        const zero = isZeroPiece(size, ids, piece * ID_LENGTH)
        yield { piece, offset: bytes(from), length: bytes(to - from), skip: from - at, zero }
      }
      at += size
    }
  }

  /** The last stride that starts at or before the offset. */
  #strideBefore(offset: number): number {
    let [low, high] = [0, this.#starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return Math.max(0, low)
  }
}
