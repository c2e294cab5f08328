import {
  blockIndex,
  bytes,
  CBT_BLOCK,
  clip,
  emptyBitmap,
  endOf,
  extent,
  mark,
  normalize,
  type Bitmap,
  type Bytes,
  type Extent,
  type Extents,
} from '@tidemark/blocks'
import { RepositoryError } from '../error.ts'
import { idAt, ID_LENGTH, sha256 } from '../id.ts'
import type { Repository } from '../repository.ts'
import type { DiskContent } from './content.ts'
import { PieceSource, type SourceChunk } from './source.ts'
import { isAllZero, isZeroPiece, zeroBytes } from './zero.ts'

/** `extents` widened to whole pieces, holes excepted: what `compareContent` can compare without reading the repository. */
export function wholePieces(content: DiskContent, extents: Extents): Extents {
  return normalize([...piecesIn(content, clip(extents, content.size))].map(({ place }) => place))
}

/**
 * Finds the 64 KiB blocks in which a disk differs from what the repository holds of it. A piece is compared by its hash, so that
 * only pieces that differ are read from the repository; one that cannot be read there counts as different as a whole.
 * @param extents whole pieces, as `wholePieces` gives them; of a disk that shrank, the part of its last piece counts as different
 * @param chunks exactly the bytes of `extents`, ascending, split anyhow
 * @param onCompared is told how much of `extents` was compared, and what differs so far
 * @returns a bitmap of `content.size` bytes of disk
 * @throws RepositoryError REPOSITORY_INPUT when the chunks are others; the signal's reason
 */
export async function compareContent(
  repository: Repository,
  content: DiskContent,
  extents: Extents,
  chunks: AsyncIterable<SourceChunk>,
  onCompared: (bytes: Bytes, differing: Bitmap) => void = () => {},
  signal?: AbortSignal,
): Promise<Bitmap> {
  await repository.blobs.ready(signal)
  const source = new PieceSource(chunks)
  const differing = emptyBitmap(content.size)
  let compared = 0
  try {
    for (const { piece, place, given } of piecesIn(content, extents)) {
      signal?.throwIfAborted()
      const data = await source.take(place.offset, given)
      if (given < place.length) markAll(extent(place.offset, given), differing)
      else await comparePiece(repository, { content, piece, place, data }, differing, signal)
      compared += given
      onCompared(bytes(compared), differing)
    }
    await source.expectEnd()
  } finally {
    await source.close()
  }
  return differing
}

/** A piece of a content, and what the disk holds in its place. */
interface Pair {
  readonly content: DiskContent
  readonly piece: number
  readonly place: Extent
  readonly data: Uint8Array | 'zero'
}

async function comparePiece(
  repository: Repository,
  { content, piece, place, data }: Pair,
  differing: Bitmap,
  signal: AbortSignal | undefined,
): Promise<void> {
  const at = piece * ID_LENGTH
  const isHole = isZeroPiece(content.sizes[piece] ?? 0, content.ids, at)
  if (isHole && (data === 'zero' || isAllZero(data))) return
  const found = data === 'zero' ? zeroBytes(place.length) : data
  if (!isHole && hasId(found, content.ids, at)) return
  const stored = isHole ? zeroBytes(place.length) : await storedPiece(repository, content.ids, at, signal)
  markDifferences(place, found, stored, differing)
}

function hasId(data: Uint8Array, ids: Uint8Array, at: number): boolean {
  const id = sha256(data)
  for (let i = 0; i < ID_LENGTH; i++) if (id[i] !== ids[at + i]) return false
  return true
}

/** Undefined for a piece that is damaged: reading the disk anew is what heals it. */
async function storedPiece(
  repository: Repository,
  ids: Uint8Array,
  at: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  try {
    return await repository.loadBlob('data', idAt(ids, at), signal)
  } catch (error) {
    if (error instanceof RepositoryError && UNREADABLE.has(error.code)) return undefined
    throw error
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['REPOSITORY_DAMAGED', 'REPOSITORY_MISSING_BLOB', 'BACKEND_NOT_FOUND'])

function markDifferences(place: Extent, found: Uint8Array, stored: Uint8Array | undefined, differing: Bitmap): void {
  for (let from = 0; from < place.length;) {
    const block = Math.floor((place.offset + from) / CBT_BLOCK)
    const to = Math.min((block + 1) * CBT_BLOCK - place.offset, place.length)
    const isSame = stored !== undefined && Buffer.compare(found.subarray(from, to), stored.subarray(from, to)) === 0
    if (!isSame) mark(differing, blockIndex(block))
    from = to
  }
}

const markAll = (place: Extent, differing: Bitmap): void =>
  markDifferences(place, zeroBytes(place.length), undefined, differing)

/** A piece that extents touch, and how many bytes from the beginning of `place` they have. */
interface PieceIn {
  readonly piece: number
  /** All of the piece; of a hole only what the extents have of it, since its bytes are known. */
  readonly place: Extent
  readonly given: number
}

/** Ascending. */
function* piecesIn(content: DiskContent, extents: Extents): Generator<PieceIn> {
  let next = 0
  let at = 0
  for (let piece = 0; piece < content.length && next < extents.length; piece++) {
    const whole = extent(at, content.sizes[piece] ?? 0)
    at = endOf(whole)
    const isHole = isZeroPiece(whole.length, content.ids, piece * ID_LENGTH)
    for (let hit = extents[next]; hit !== undefined && hit.offset < at; hit = extents[++next]) {
      const end = Math.min(at, endOf(hit))
      const from = isHole ? Math.max(hit.offset, whole.offset) : whole.offset
      const place = isHole ? extent(from, end - from) : whole
      if (end > from) yield { piece, place, given: end - from }
      if (endOf(hit) > at) break // it goes on in the next piece
    }
  }
}
