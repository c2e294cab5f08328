import { bytes, type Extents } from '@tidemark/blocks'
import type { Chunk } from '../pool.ts'

/** A reader of a disk that does not change, whose connection may break. */
export interface BreakableReader {
  /** Reads from the beginning of `extents`, in order. */
  read(extents: Extents, signal: AbortSignal | undefined): AsyncIterable<Chunk>
  /** Whether this error says that the way to the disk broke, and nothing about the disk. */
  isBroken(error: unknown): boolean
  /** Makes another way. @throws what ends the reading */
  mend(signal: AbortSignal | undefined): Promise<void>
}

/** Ways in a row that may break before they brought anything. */
const FRUITLESS_MAX = 3

/** Reads all of `extents`; when the way breaks, reading goes on behind the last chunk that came. */
export async function* readOn(
  reader: BreakableReader,
  extents: Extents,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  let at = 0
  for (let fruitless = 0; ; fruitless++) {
    const rest = behind(extents, at)
    try {
      for await (const chunk of reader.read(rest, signal)) {
        at = chunk.offset + (chunk.data === 'zero' ? chunk.length : chunk.data.length)
        fruitless = 0
        yield chunk
      }
      return
    } catch (error) {
      signal?.throwIfAborted()
      if (!reader.isBroken(error) || fruitless === FRUITLESS_MAX || behind(rest, at).length === 0) throw error
      await reader.mend(signal)
    }
  }
}

/** What of the extents lies at or behind an offset. */
const behind = (extents: Extents, at: number): Extents =>
  extents.flatMap(({ offset, length }) => {
    const start = Math.max(offset, at)
    return start < offset + length ? [{ offset: bytes(start), length: bytes(offset + length - start) }] : []
  })
