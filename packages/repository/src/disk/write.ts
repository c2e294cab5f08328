import { bytes, subtract, totalLength, type Bytes } from '@tidemark/blocks'
import { ID_LENGTH } from '../id.ts'
import type { Repository } from '../repository.ts'
import { newTally, type BlobWriter, type Tally } from '../writer.ts'
import { ContentBuilder, type DiskContent } from './content.ts'
import { doneAt, isZeros, ZEROS, type PieceLog } from './pieces.ts'
import type { ContentPlan } from './plan.ts'
import { readExtents } from './read.ts'
import { stepsOf } from './steps.ts'
import { joinChunks, PieceSource, type SourceChunk } from './source.ts'
import { isAllZero, isZeroPiece, SPARSE_MARK, zeroBytes, zeroRun } from './zero.ts'

/** How far writing is, in bytes. */
export interface WriteProgress {
  /** Of `plan.reads`, taken in so far. */
  readonly done: Bytes
  readonly total: Bytes
  /** Of blobs that the repository did not have. */
  readonly bytesNew: Bytes
  /** What those take in packs, as far as they are sealed. */
  readonly bytesStored: Bytes
}

export interface WrittenContent {
  readonly content: DiskContent
  readonly blobsNew: number
  /** Bytes of the new blobs. */
  readonly bytesNew: number
  /** Bytes they take in packs. */
  readonly bytesStored: number
}

/**
 * Stores a disk as planned. Durable after the repository's `flush`.
 * @param chunks exactly the bytes of `plan.reads`, ascending, split anyhow; holes may come as 'zero'
 * @param log is told every piece that is written, for `continueContent` of a later try
 * @throws RepositoryError REPOSITORY_INPUT when the chunks are others; what the backend throws; the signal's reason
 */
export async function writeContent(
  repository: Repository,
  plan: ContentPlan,
  chunks: AsyncIterable<SourceChunk>,
  onProgress: (progress: WriteProgress) => void = () => {},
  signal?: AbortSignal,
  log?: PieceLog,
): Promise<WrittenContent> {
  await repository.blobs.ready(signal)
  const writer = new ContentWriter(repository.blobs.writer, plan)
  const given = counted(chunks, plan, writer.tally, onProgress)
  const source = new PieceSource(withRest(repository, plan, given, signal))
  try {
    let piece = 0
    for (const step of stepsOf(plan)) {
      signal?.throwIfAborted()
      if (step.from !== undefined) writer.keep(step.from, step.offset, step.offset + step.length)
      else {
        const done = doneAt(plan.done, piece)
        if (done !== undefined) writer.take(done, step.length)
        else {
          const id = await writer.write(await source.take(step.offset, step.length), step.length)
          log?.add(piece, id)
        }
        piece++
      }
    }
    await source.expectEnd()
  } finally {
    await source.close()
  }
  const content = await writer.finish()
  return { content, ...writer.tally }
}

/** Counts what the source gave. */
async function* counted(
  chunks: AsyncIterable<SourceChunk>,
  { reads }: ContentPlan,
  tally: Tally,
  onProgress: (progress: WriteProgress) => void,
): AsyncGenerator<SourceChunk> {
  const total = totalLength(reads)
  let done = 0
  for await (const chunk of chunks) {
    yield chunk
    done += chunk.data === 'zero' ? chunk.length : chunk.data.length
    onProgress({ done: bytes(done), total, bytesNew: bytes(tally.bytesNew), bytesStored: bytes(tally.bytesStored) })
  }
}

/** Adds the clean bytes of rewritten pieces, from the parent's blobs. */
function withRest(
  repository: Repository,
  { parent, rewritten, reads, done }: ContentPlan,
  chunks: AsyncGenerator<SourceChunk>,
  signal?: AbortSignal,
): AsyncIterable<SourceChunk> {
  const rest = subtract(subtract(rewritten, reads), done?.extents ?? [])
  if (parent === undefined || rest.length === 0) return chunks
  return joinChunks(chunks, readExtents(repository, parent, rest, signal))
}

/** Builds a content piece by piece. Zeros gather into runs, however they arrive. */
class ContentWriter {
  readonly tally: Tally = newTally()
  readonly #writer: BlobWriter
  readonly #content: ContentBuilder
  /** Sizes of the zero blobs that are known to be stored. */
  readonly #zerosStored = new Set<number>()
  #zeros = 0
  #hasMark = false
  /** Where the next piece of the parent begins. */
  #parentPiece = 0
  #parentOffset = 0

  constructor(writer: BlobWriter, { parent, size, grid, kind }: ContentPlan) {
    this.#writer = writer
    const kept = kind === 'full' ? 0 : (parent?.length ?? 0)
    this.#content = new ContentBuilder(Math.max(kept + (kept >> 3), Math.ceil(size / grid.base)) + 256)
  }

  /** Takes over the parent's pieces between two offsets; only holes may reach over them. */
  keep(parent: DiskContent, from: number, to: number): void {
    for (; this.#parentPiece < parent.length && this.#parentOffset < to; this.#parentPiece++) {
      const size = parent.sizes[this.#parentPiece] ?? 0
      const end = this.#parentOffset + size
      if (end > from) this.#keepPiece(parent, size, Math.min(end, to) - Math.max(this.#parentOffset, from))
      if (end > to) return // a hole that goes on behind what is written anew
      this.#parentOffset = end
    }
  }

  /** @returns the ID of what was written, or ZEROS */
  async write(data: Uint8Array | 'zero', length: number): Promise<Uint8Array> {
    if (data === 'zero' || isAllZero(data)) {
      this.#zeros += length
      return ZEROS
    }
    const wait = this.#writer.room()
    if (wait !== undefined) await wait
    this.#flushZeros()
    return this.#save(data)
  }

  /** Takes over a piece that an earlier try wrote. */
  take(id: Uint8Array, length: number): void {
    if (isZeros(id)) this.#zeros += length
    else {
      this.#flushZeros()
      this.#content.add(length, id)
    }
  }

  /** Resolves when the tally is complete. */
  async finish(): Promise<DiskContent> {
    this.#flushZeros()
    await this.#writer.sealed()
    return this.#content.finish()
  }

  #keepPiece(parent: DiskContent, size: number, length: number): void {
    const at = this.#parentPiece * ID_LENGTH
    if (isZeroPiece(size, parent.ids, at)) this.#zeros += length
    else {
      this.#flushZeros()
      this.#content.add(size, parent.ids, at)
    }
  }

  #flushZeros(): void {
    if (this.#zeros === 0) return
    let left = this.#zeros
    for (const blob of zeroRun(this.#zeros, !this.#hasMark)) {
      if (!this.#zerosStored.has(blob.size)) this.#writer.accept('data', zeroBytes(blob.size), this.tally)
      this.#zerosStored.add(blob.size)
      this.#hasMark ||= blob === SPARSE_MARK
      this.#content.add(blob.size, blob.id)
      left -= blob.size
    }
    this.#zeros = 0
    if (left > 0) this.#save(zeroBytes(left))
  }

  #save(data: Uint8Array): Uint8Array {
    const { id } = this.#writer.accept('data', data, this.tally)
    this.#content.add(data.length, id)
    return id
  }
}
