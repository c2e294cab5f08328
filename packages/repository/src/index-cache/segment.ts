import { closeSync, openSync, readSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { RepositoryError } from '../error.ts'
import { idAt, ID_LENGTH, type BlobType } from '../id.ts'
import { fieldsAt, isRecordOf, packOf, prefixAt, RECORD, type RecordFields } from './records.ts'
import { CHUNK, MARK_BYTE, readTables, type SegmentTables } from './segment-file.ts'

/** A part of a segment in order, valid until the next one. */
export interface RecordChunk {
  /** Number of the first record. */
  readonly from: number
  readonly count: number
  readonly bytes: Uint8Array
}

/**
 * An immutable, sorted part of the index in a file. In memory are a fan-out and one byte of each ID: 15 in 16 look-ups of what is
 * unknown cost no read, others one of 48 bytes, which the system's page cache answers. Reads are synchronous: 2 µs when cached.
 */
export class Segment {
  readonly path: string
  /** Found damaged while it was read: its file is removed, and it must not be asked again. */
  isBroken = false
  #tables: SegmentTables
  readonly #file: number
  /** All records, when they are few. */
  #resident: Uint8Array | undefined
  /** 1 for a pack whose index file is gone, or is answered for by another segment. */
  readonly #dead: Uint8Array
  /** 1 for each chunk that was compared with its CRC. */
  readonly #verified: Uint8Array
  #chunk: Uint8Array | undefined
  readonly #record = new Uint8Array(RECORD)
  /** Where `#load` put a record: one of those above, or `#resident`. */
  #bytes: Uint8Array = this.#record
  /** Number of the record in `#record`, and of the chunk in `#chunk`. */
  #recordLoaded = -1
  #chunkLoaded = -1
  #wholeChunks = false
  #recordsDead = -1
  #isClosed = false

  private constructor(path: string, file: number, tables: SegmentTables) {
    this.path = path
    this.#file = file
    this.#tables = tables
    this.#dead = new Uint8Array(tables.packFiles.length)
    this.#verified = new Uint8Array(tables.checks.length)
  }

  /**
   * @returns undefined when it is gone; it is removed when it is torn, damaged or of another repository
   * @throws what the file system says otherwise
   */
  static async open(path: string, repositoryId: string): Promise<Segment | undefined> {
    try {
      await using handle = await open(path)
      const tables = await readTables(handle, repositoryId)
      if (tables !== undefined) return new Segment(path, openSync(path, 'r'), tables)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    await rm(path, { force: true })
    return undefined
  }

  /** One that this process just wrote: its tables need not be read again. */
  static written(path: string, tables: SegmentTables): Segment {
    return new Segment(path, openSync(path, 'r'), tables)
  }

  get length(): number {
    return this.#tables.records
  }

  /** Names of the index files that it was made from. */
  files(): string[] {
    const { files } = this.#tables
    return Array.from({ length: files.length / ID_LENGTH }, (_, i) => idAt(files, i * ID_LENGTH))
  }

  get packCount(): number {
    return this.#tables.packFiles.length
  }

  packId(pack: number): string {
    return idAt(this.#tables.packs, pack * ID_LENGTH)
  }

  /** Number among `files` of the index file that named the pack. */
  packFile(pack: number): number {
    return this.#tables.packFiles[pack] ?? 0
  }

  isLive(pack: number): boolean {
    return this.#dead[pack] === 0
  }

  /** Packs of other index files than these are as if they were not there. */
  keepOnly(files: ReadonlySet<string>): void {
    const kept = this.files().map((name) => files.has(name))
    for (let pack = 0; pack < this.#dead.length; pack++) this.#dead[pack] = kept[this.packFile(pack)] === true ? 0 : 1
    this.#recordsDead = -1
  }

  /** Names of the index files whose packs count. */
  liveFiles(): string[] {
    const live = new Set<number>()
    for (let pack = 0; pack < this.packCount; pack++) if (this.isLive(pack)) live.add(this.packFile(pack))
    return this.files().filter((_, file) => live.has(file))
  }

  get hasDead(): boolean {
    return this.#dead.includes(1)
  }

  /** How many records belong to packs that are not there any more. Reads all of them once. */
  recordsDead(): number {
    if (this.#recordsDead >= 0) return this.#recordsDead
    let dead = 0
    if (this.hasDead) {
      for (const { bytes, count } of this.chunks()) {
        for (let i = 0; i < count; i++) if (this.#dead[packOf(bytes, i * RECORD)] === 1) dead++
      }
    }
    return (this.#recordsDead = dead)
  }

  /** Number of the first record of a pack that is there, or -1. `ids` holds the ID at `offset`. */
  find(type: BlobType, ids: Uint8Array, offset: number): number {
    const { fan, bits, marks } = this.#tables
    const slot = bits === 0 ? 0 : prefixAt(ids, offset) >>> (32 - bits)
    const mark = ids[offset + MARK_BYTE]
    const end = fan[slot + 1] ?? 0
    for (let i = fan[slot] ?? 0; i < end; i++) {
      if (marks[i] !== mark) continue
      const at = this.#load(i)
      const bytes = this.#bytes
      if (isRecordOf(bytes, at, type, ids, offset) && this.#dead[packOf(bytes, at)] === 0) return i
    }
    return -1
  }

  fields(record: number): RecordFields {
    const at = this.#load(record)
    return fieldsAt(this.#bytes, at)
  }

  /** ID of a record: a copy. */
  idAt(record: number): Uint8Array {
    const at = this.#load(record)
    return this.#bytes.slice(at, at + ID_LENGTH)
  }

  /** A number of records that is at least that of all with this prefix or a smaller one. */
  slotEnd(prefix: number): number {
    const { fan, bits } = this.#tables
    return fan[(bits === 0 ? 0 : prefix >>> (32 - bits)) + 1] ?? 0
  }

  /** All records in order. */
  *chunks(): Generator<RecordChunk> {
    const own = new Uint8Array(CHUNK * RECORD)
    for (let chunk = 0; chunk < this.#tables.checks.length; chunk++) {
      const from = chunk * CHUNK
      const count = Math.min(CHUNK, this.length - from)
      yield { from, count, bytes: this.chunk(chunk, own) }
    }
  }

  /** The records of one chunk, verified. @param into 48 KiB, which is used unless all records are in memory */
  chunk(chunk: number, into: Uint8Array): Uint8Array {
    const from = chunk * CHUNK * RECORD
    const length = Math.min(CHUNK * RECORD, this.length * RECORD - from)
    if (this.#resident !== undefined) return this.#resident.subarray(from, from + length)
    const bytes = into.subarray(0, length)
    this.#read(bytes, from)
    this.#verify(chunk, bytes)
    return bytes
  }

  /** Lets go of what only look-ups need. Nothing can be found in it afterwards. */
  forgetMarks(): void {
    this.#tables = { ...this.#tables, marks: new Uint8Array() }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    closeSync(this.#file)
  }

  /** Holds all records in memory from now on, 48 bytes each: for small segments. */
  makeResident(): void {
    const all = new Uint8Array(this.length * RECORD)
    for (let chunk = 0; chunk < this.#tables.checks.length; chunk++) {
      const from = chunk * CHUNK * RECORD
      this.chunk(chunk, all.subarray(from, from + CHUNK * RECORD))
    }
    this.#resident = all
    this.#bytes = all
  }

  get isResident(): boolean {
    return this.#resident !== undefined
  }

  /** Whether look-ups read 48 KiB at once: better when many come in order. */
  readWholeChunks(enable: boolean): void {
    this.#wholeChunks = enable
  }

  /** Makes a record available in `#bytes`, and says where it begins there. */
  #load(record: number): number {
    if (this.#resident !== undefined) return record * RECORD
    const chunk = Math.floor(record / CHUNK)
    if (this.#wholeChunks || this.#verified[chunk] === 0) {
      this.#chunk ??= new Uint8Array(CHUNK * RECORD)
      if (this.#chunkLoaded !== chunk) {
        this.#chunkLoaded = -1
        this.chunk(chunk, this.#chunk)
        this.#chunkLoaded = chunk
      }
      this.#bytes = this.#chunk
      return (record % CHUNK) * RECORD
    }
    if (this.#recordLoaded !== record) {
      this.#recordLoaded = -1
      this.#read(this.#record, record * RECORD)
      this.#recordLoaded = record
    }
    this.#bytes = this.#record
    return 0
  }

  #verify(chunk: number, bytes: Uint8Array): void {
    if (this.#verified[chunk] === 1) return
    if (crc32(bytes) !== this.#tables.checks[chunk]) this.#giveUp('its bytes are not what was written')
    this.#verified[chunk] = 1
  }

  #read(bytes: Uint8Array, from: number): void {
    for (let done = 0; done < bytes.length;) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, from + done)
      if (read === 0) this.#giveUp('it ends too early')
      done += read
    }
  }

  /** Look-ups are synchronous and cannot wait for a download; the next run makes the cache anew. */
  #giveUp(reason: string): never {
    this.isBroken = true
    rmSync(this.path, { force: true })
    throw new RepositoryError(
      'REPOSITORY_CACHE',
      `the index cache ${this.path} is damaged: ${reason}; it is made anew when the command is run again`,
    )
  }
}
