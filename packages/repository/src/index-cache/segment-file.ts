import { createHash, hash, randomBytes } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { idBytes, ID_LENGTH } from '../id.ts'
import { prefixAt, RECORD } from './records.ts'

/** Records whose bytes share one CRC: what is read at once to be verified, 48 KiB. */
export const CHUNK = 1024
/** Records to one slot of the fan-out, about: what a look-up has to go through in memory. */
const SLOT_RECORDS = 16
/** Which byte of an ID is kept in memory for each record. The first four are used up by order. */
export const MARK_BYTE = 4

/** What a segment keeps in memory: about 1.6 bytes a blob. */
export interface SegmentTables {
  readonly records: number
  /** Bits of an ID's prefix that choose its slot. */
  readonly bits: number
  /** 2^bits + 1 positions: slot `i` has the records from `fan[i]` to `fan[i + 1]`. */
  readonly fan: Uint32Array
  /** CRC-32 of each chunk of records. */
  readonly checks: Uint32Array
  /** For each pack the number of the index file that named it. */
  readonly packFiles: Uint32Array
  /** Packed IDs of the packs. */
  readonly packs: Uint8Array
  /** Packed names of the index files. */
  readonly files: Uint8Array
  /** One byte of each record's ID. */
  readonly marks: Uint8Array
}

/** Numbers in native order: a file from a machine of the other order has another magic. */
const MAGIC = 0x31_78_69_74
/** Magic, bits, records, packs, files, 0; the ID of the repository; SHA-256 of the tables and all of this before it. */
const FOOTER = 24 + 32 + 32
const SUFFIX = '.segment'

export const isSegmentName = (name: string): boolean => /^[0-9a-f]{64}\.segment$/.test(name)

/** Bits for so many records: slots of 8 to 16. */
const bitsFor = (records: number): number => Math.max(0, Math.min(28, Math.ceil(Math.log2(records / SLOT_RECORDS))))

/**
 * Reads and verifies the tables of a segment file; its records are verified when they are read.
 * @returns undefined when the file is torn, damaged, or of another repository
 */
export async function readTables(handle: FileHandle, repositoryId: string): Promise<SegmentTables | undefined> {
  const { size } = await handle.stat()
  if (size < FOOTER) return undefined
  const footer = await readFully(handle, size - FOOTER, FOOTER)
  const head = new Uint32Array(footer.buffer, 0, 6)
  const [magic = 0, bits = 0, records = 0, packs = 0, files = 0] = head
  if (magic !== MAGIC || bits > 28 || !sameBytes(footer.subarray(24, 56), idBytes(repositoryId))) return undefined
  const sizes = tableSizes({ bits, records, packs, files })
  const length = sizes.reduce((sum, each) => sum + each, 0)
  if (records * RECORD + length + FOOTER !== size) return undefined
  const bytes = await readFully(handle, records * RECORD, length)
  if (!sameBytes(footer.subarray(56), sealOf([bytes], footer.subarray(0, 56)))) return undefined
  let at = 0
  const [fan = 0, checks = 0, packFiles = 0, packIds = 0, names = 0, marks = 0] = sizes.map(
    (each) => (at += each) - each,
  )
  return {
    records,
    bits,
    fan: new Uint32Array(bytes.buffer, fan, 2 ** bits + 1),
    checks: new Uint32Array(bytes.buffer, checks, Math.ceil(records / CHUNK)),
    packFiles: new Uint32Array(bytes.buffer, packFiles, packs),
    packs: bytes.subarray(packIds, names),
    files: bytes.subarray(names, marks),
    marks: bytes.subarray(marks),
  }
}

function tableSizes({ bits, records, packs, files }: { bits: number; records: number; packs: number; files: number }) {
  return [(2 ** bits + 1) * 4, Math.ceil(records / CHUNK) * 4, packs * 4, packs * ID_LENGTH, files * ID_LENGTH, records]
}

/** Binds the tables and the head of the footer; the records are bound by the CRCs among the tables. */
function sealOf(tables: readonly Uint8Array[], head: Uint8Array): Uint8Array {
  const inner = createHash('sha256')
  for (const each of tables) inner.update(each)
  return hash('sha256', Buffer.concat([inner.digest(), head]), 'buffer')
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

async function readFully(handle: FileHandle, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0) throw new Error(`the file ended at ${offset + done}`)
    done += bytesRead
  }
  return bytes
}

/** What a segment is about: its packs, and the index files that named them. */
export interface SegmentSubject {
  /** Packed IDs. */
  readonly packs: Uint8Array
  readonly packFiles: Uint32Array
  /** Packed names. */
  readonly files: Uint8Array
}

/** A segment that was just written. */
export interface WrittenSegment {
  /** Of its file. */
  readonly name: string
  readonly tables: SegmentTables
}

/** Writes a segment in order; the name that makes it one comes last. */
export class SegmentWriter {
  readonly #directory: string
  readonly #temporary: string
  readonly #handle: FileHandle
  readonly #bits: number
  readonly #fan: Uint32Array
  readonly #marks: Uint8Array
  readonly #checks: number[] = []
  #check = 0
  #count = 0

  private constructor(directory: string, temporary: string, handle: FileHandle, most: number) {
    this.#directory = directory
    this.#temporary = temporary
    this.#handle = handle
    this.#bits = bitsFor(most)
    this.#fan = new Uint32Array(2 ** this.#bits + 1)
    this.#marks = new Uint8Array(most)
  }

  /** @param most records that will be appended at most */
  static async create(directory: string, most: number): Promise<SegmentWriter> {
    const temporary = join(directory, `tmp-${randomBytes(8).toString('hex')}`)
    return new SegmentWriter(directory, temporary, await open(temporary, 'wx', 0o600), most)
  }

  /** Takes records that follow those before in order. */
  async append(records: Uint8Array<ArrayBuffer>): Promise<void> {
    const count = records.length / RECORD
    for (let i = 0; i < count; i++) {
      const slot = this.#bits === 0 ? 0 : prefixAt(records, i * RECORD) >>> (32 - this.#bits)
      this.#fan[slot + 1] = (this.#fan[slot + 1] ?? 0) + 1
      this.#marks[this.#count + i] = records[i * RECORD + MARK_BYTE] ?? 0
    }
    this.#addChecks(records, count)
    await this.#write(records)
  }

  /** Gives the file its name. */
  async finish(repositoryId: string, { packs, packFiles, files }: SegmentSubject): Promise<WrittenSegment> {
    if (this.#count % CHUNK !== 0) this.#checks.push(this.#check)
    for (let slot = 1; slot < this.#fan.length; slot++)
      this.#fan[slot] = (this.#fan[slot] ?? 0) + (this.#fan[slot - 1] ?? 0)
    const parts = [
      this.#fan,
      Uint32Array.from(this.#checks),
      packFiles,
      packs,
      files,
      this.#marks.subarray(0, this.#count),
    ]
    const tables = parts.map((each) => new Uint8Array(each.buffer, each.byteOffset, each.byteLength))
    const head = Uint32Array.of(MAGIC, this.#bits, this.#count, packFiles.length, files.length / ID_LENGTH, 0)
    const footer = Buffer.concat([new Uint8Array(head.buffer), idBytes(repositoryId)])
    const seal = sealOf(tables, footer)
    for (const each of tables) await this.#write(each)
    await this.#write(Buffer.concat([footer, seal]))
    await this.#handle.datasync()
    await this.#handle.close()
    const name = Buffer.from(seal).toString('hex') + SUFFIX
    await rename(this.#temporary, join(this.#directory, name))
    return { name, tables: this.#tables({ packs, packFiles, files }) }
  }

  /** What reading the file again would give. */
  #tables(subject: SegmentSubject): SegmentTables {
    const [records, bits, fan] = [this.#count, this.#bits, this.#fan]
    return {
      records,
      bits,
      fan,
      checks: Uint32Array.from(this.#checks),
      ...subject,
      marks: this.#marks.subarray(0, records),
    }
  }

  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => {}) // it may be closed already, or the disk broken: either way it is let go
    await rm(this.#temporary, { force: true })
  }

  #addChecks(records: Uint8Array, count: number): void {
    for (let done = 0; done < count;) {
      const part = Math.min(CHUNK - (this.#count % CHUNK), count - done)
      this.#check = crc32(records.subarray(done * RECORD, (done + part) * RECORD), this.#check)
      done += part
      this.#count += part
      if (this.#count % CHUNK !== 0) continue
      this.#checks.push(this.#check)
      this.#check = 0
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done)
      done += bytesWritten
    }
  }
}
