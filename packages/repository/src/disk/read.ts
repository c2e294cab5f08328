import { bytes, clip, endOf, extent, mapInOrder, type Bytes, type Extent, type Extents } from '@tidemark/blocks'
import { ID_LENGTH } from '../id.ts'
import type { BlobReader } from '../reader.ts'
import type { Repository } from '../repository.ts'
import { idsOfPieces, type DiskContent } from './content.ts'
import { isZeroPiece } from './zero.ts'

/** A stretch of a disk: its `length` bytes, or 'zero' for a hole of any length. */
export type DiskChunk =
  | { readonly offset: Bytes; readonly length: Bytes; readonly data: Uint8Array }
  | { readonly offset: Bytes; readonly length: Bytes; readonly data: 'zero' }

export interface ReadOptions {
  /** First byte wanted; 0 when absent. */
  readonly from?: Bytes
  /** First byte not wanted; the end of the disk when absent. */
  readonly to?: Bytes
  /** 'zeros' yields holes as 'zero', each run once; 'skip' leaves them out. */
  readonly holes: 'zeros' | 'skip'
}

/** Bytes loaded at once, and how many such windows are under way: 12 MiB in memory, and as much on its way. */
const WINDOW_BYTES = 4 << 20
const WINDOW_PIECES = 512
const WINDOWS_AHEAD = 3

/**
 * Reads a disk, ascending, verified, reading ahead in the order of packs.
 * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED (naming the pack); the signal's reason when aborted
 */
export async function* readContent(
  repository: Repository,
  content: DiskContent,
  options: ReadOptions,
  signal?: AbortSignal,
): AsyncGenerator<DiskChunk> {
  const { from = 0, to = content.size, holes } = options
  if (from >= Math.min(to, content.size)) return
  for await (const chunk of readExtents(repository, content, [extent(from, to - from)], signal)) {
    if (chunk.data !== 'zero' || holes === 'zeros') yield chunk
  }
}

/** Reads several stretches of a disk; zeros that touch arrive as one chunk. */
export async function* readExtents(
  repository: Repository,
  content: DiskContent,
  extents: Extents,
  signal?: AbortSignal,
): AsyncGenerator<DiskChunk> {
  await repository.blobs.ready(signal)
  const windows = windowsOf(content, clip(extents, content.size))
  const { reader } = repository.blobs
  let zeros: Extent | undefined
  for await (const chunks of mapInOrder(windows, WINDOWS_AHEAD, (each, inner) => load(reader, each, inner), signal)) {
    for (const chunk of chunks) {
      const touches = zeros !== undefined && endOf(zeros) === chunk.offset
      if (zeros !== undefined && (chunk.data !== 'zero' || !touches)) {
        yield { ...zeros, data: 'zero' }
        zeros = undefined
      }
      if (chunk.data !== 'zero') yield chunk
      else zeros = zeros === undefined ? chunk : extent(zeros.offset, zeros.length + chunk.length)
    }
  }
  if (zeros !== undefined) yield { ...zeros, data: 'zero' }
}

/** A part of a piece. */
interface Slice extends Extent {
  /** Position among the window's IDs; -1 for zeros. */
  readonly blob: number
  /** Bytes of the piece before the slice. */
  readonly skip: number
}

interface Window {
  readonly slices: Slice[]
  readonly ids: Uint8Array
}

async function load(reader: BlobReader, { slices, ids }: Window, signal: AbortSignal): Promise<DiskChunk[]> {
  const blobs = ids.length === 0 ? [] : await reader.loadMany('data', ids, signal)
  return slices.map(({ offset, length, blob, skip }) => {
    const data = blobs[blob]?.subarray(skip, skip + length)
    return data === undefined ? { offset, length, data: 'zero' } : { offset, length, data }
  })
}

function* windowsOf(content: DiskContent, extents: Extents): Generator<Window> {
  let slices: Slice[] = []
  let pieces: number[] = []
  let loaded = 0
  for (const { piece, slice } of slicesOf(content, extents)) {
    if (piece < 0) slices.push(slice)
    else {
      if (pieces.at(-1) !== piece) {
        pieces.push(piece)
        loaded += content.sizes[piece] ?? 0
      }
      slices.push({ ...slice, blob: pieces.length - 1 })
    }
    if (loaded >= WINDOW_BYTES || slices.length >= WINDOW_PIECES) {
      yield { slices, ids: idsOfPieces(content, pieces) }
      slices = []
      pieces = []
      loaded = 0
    }
  }
  if (slices.length > 0) yield { slices, ids: idsOfPieces(content, pieces) }
}

/** The parts of pieces that lie in `extents`. `piece` is -1 for zeros. */
function* slicesOf(content: DiskContent, extents: Extents): Generator<{ piece: number; slice: Slice }> {
  let next = 0
  let at = 0
  for (let i = 0; i < content.length && next < extents.length; i++) {
    const size = content.sizes[i] ?? 0
    const end = at + size
    for (let hit = extents[next]; hit !== undefined && hit.offset < end; hit = extents[next]) {
      const from = Math.max(hit.offset, at)
      const to = Math.min(endOf(hit), end)
      const isZero = isZeroPiece(size, content.ids, i * ID_LENGTH)
      if (from < to) {
        const slice = { offset: bytes(from), length: bytes(to - from), blob: -1, skip: from - at }
        yield { piece: isZero ? -1 : i, slice }
      }
      if (endOf(hit) > end) break
      next++
    }
    at = end
  }
}
