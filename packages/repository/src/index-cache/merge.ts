import { dropped } from '../garbage.ts'
import { ID_LENGTH, idBytes } from '../id.ts'
import { packOf, prefixAt, RECORD, RecordBuffer } from './records.ts'
import { CHUNK, SegmentWriter, type SegmentSubject, type WrittenSegment } from './segment-file.ts'
import type { Segment } from './segment.ts'

/** Records sorted at once, about: 12 MiB, and as much again for the result. */
const PART_RECORDS = 1 << 18
const PREFIXES = 2 ** 32

/**
 * Joins segments into one, without what belongs to index files that are gone. IDs are spread evenly, so the segments are
 * walked side by side in parts of the same prefixes, each sorted as a whole; only a part is in memory.
 * @returns the new segment in `directory`; undefined when nothing was left
 */
export async function mergeSegments(
  segments: readonly Segment[],
  directory: string,
  repositoryId: string,
  signal?: AbortSignal,
): Promise<WrittenSegment | undefined> {
  const total = segments.reduce((sum, { length }) => sum + length, 0)
  const { subject, numbers } = joinedSubject(segments)
  if (subject.packFiles.length === 0) return undefined
  const cursors = segments.map((segment, i) => new Cursor(segment, numbers[i] ?? new Int32Array()))
  const writer = await SegmentWriter.create(directory, total)
  try {
    const parts = Math.ceil(total / PART_RECORDS)
    for (let part = 1; part <= parts; part++) {
      const limit = part === parts ? PREFIXES : Math.floor((PREFIXES / parts) * part)
      const buffer = new RecordBuffer(cursors.reduce((sum, cursor) => sum + cursor.bound(limit), 0))
      for (const cursor of cursors) cursor.takeUntil(limit, buffer)
      const sorted = buffer.sorted()
      await writer.append(sorted)
      dropped(sorted.length * 2)
      signal?.throwIfAborted()
    }
    return await writer.finish(repositoryId, subject)
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

/** Packs and index files of the result, and for each segment the new number of each pack, -1 for one that is gone. */
function joinedSubject(segments: readonly Segment[]): { subject: SegmentSubject; numbers: Int32Array[] } {
  const packs: Uint8Array[] = []
  const packFiles: number[] = []
  const files: string[] = []
  const numbers = segments.map((segment) => {
    const names = segment.files()
    const fileNumbers = new Map<number, number>()
    return Int32Array.from({ length: segment.packCount }, (_, pack) => {
      if (!segment.isLive(pack)) return -1
      const file = segment.packFile(pack)
      const number = fileNumbers.get(file) ?? files.push(names[file] ?? '') - 1
      fileNumbers.set(file, number)
      packFiles.push(number)
      return packs.push(idBytes(segment.packId(pack))) - 1
    })
  })
  return {
    subject: { packs: Buffer.concat(packs), packFiles: Uint32Array.from(packFiles), files: packedIds(files) },
    numbers,
  }
}

export function packedIds(names: readonly string[]): Uint8Array {
  const packed = new Uint8Array(names.length * ID_LENGTH)
  for (const [i, name] of names.entries()) packed.set(idBytes(name), i * ID_LENGTH)
  return packed
}

/** Walks one segment. */
class Cursor {
  readonly #segment: Segment
  readonly #numbers: Int32Array
  readonly #own = new Uint8Array(CHUNK * RECORD)
  #bytes: Uint8Array = new Uint8Array()
  /** Number of the next record. */
  #next = 0

  constructor(segment: Segment, numbers: Int32Array) {
    this.#segment = segment
    this.#numbers = numbers
  }

  /** At least as many as `takeUntil` will take. */
  bound(limit: number): number {
    return (limit === PREFIXES ? this.#segment.length : this.#segment.slotEnd(limit - 1)) - this.#next
  }

  /** Adds the live records with a prefix below `limit`. */
  takeUntil(limit: number, buffer: RecordBuffer): void {
    for (; this.#next < this.#segment.length; this.#next++) {
      const at = (this.#next % CHUNK) * RECORD
      if (at === 0) this.#bytes = this.#segment.chunk(this.#next / CHUNK, this.#own)
      if (prefixAt(this.#bytes, at) >= limit) break
      const pack = this.#numbers[packOf(this.#bytes, at)] ?? -1
      if (pack >= 0) buffer.copy(this.#bytes, at, pack)
    }
  }
}
