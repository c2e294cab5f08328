import { dropped } from '../garbage.ts'
import { ID_LENGTH } from '../id.ts'
import { packedIds } from './merge.ts'
import { fieldsAt, RECORD, RecordBuffer, TREE_BIT, type PackSink } from './records.ts'
import { SegmentWriter, type WrittenSegment } from './segment-file.ts'

/** Blobs gathered before they are sorted and written: 24 MiB. */
const RUN_RECORDS = 1 << 19

/** Gathers the blobs of whole index files until they are worth a segment. */
export class RunBuilder implements PackSink {
  readonly #records = new RecordBuffer(RUN_RECORDS + RUN_RECORDS / 4) // memory that is not touched costs nothing
  readonly #packs: string[] = []
  readonly #packFiles: number[] = []
  readonly #files: string[] = []
  #packNumbers = new Map<string, number>()

  get isEmpty(): boolean {
    return this.#files.length === 0
  }

  get isFull(): boolean {
    return this.#records.length >= RUN_RECORDS
  }

  /** What is added from now on was listed by this index file. */
  beginFile(name: string): void {
    this.#files.push(name)
    this.#packNumbers = new Map() // a pack in two files counts for each, as one of them may go
  }

  packNumber(pack: string): number {
    const known = this.#packNumbers.get(pack)
    if (known !== undefined) return known
    this.#packFiles.push(this.#files.length - 1)
    const number = this.#packs.push(pack) - 1
    this.#packNumbers.set(pack, number)
    return number
  }

  add(pack: number, ids: Uint8Array, at: number, offset: number, length: number, plain: number): void {
    this.#records.add(ids, at, pack, offset, length, plain)
  }

  /** Writes a segment in `directory`. */
  async write(directory: string, repositoryId: string): Promise<WrittenSegment> {
    const writer = await SegmentWriter.create(directory, this.#records.length)
    try {
      const sorted = this.#records.sorted()
      await writer.append(sorted)
      dropped(sorted.length * 2)
      return await writer.finish(repositoryId, {
        packs: packedIds(this.#packs),
        packFiles: Uint32Array.from(this.#packFiles),
        files: packedIds(this.#files),
      })
    } catch (error) {
      await writer.abandon()
      throw error
    }
  }

  /** Gives everything to another sink. */
  moveTo(sink: PackSink): void {
    const numbers = this.#packs.map((pack) => sink.packNumber(pack))
    const bytes = this.#records.sorted()
    for (let at = 0; at < bytes.length; at += RECORD) {
      const { type, pack, offset, length, uncompressedLength } = fieldsAt(bytes, at)
      const plain = type === 'tree' ? uncompressedLength | TREE_BIT : uncompressedLength
      sink.add(numbers[pack] ?? 0, bytes.subarray(at, at + ID_LENGTH), 0, offset, length, plain)
    }
  }
}
