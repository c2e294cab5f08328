import { writeSync } from 'node:fs'
import { alignedMemory } from '../direct-io/aligned-memory.ts'
import { DIRECT_BLOCK, isRefusal } from '../direct-io/direct-file.ts'

/** Where blobs go in a file: one number each, of writes in the order of the blobs. A blob may be written several times. */
export interface BlobTarget {
  /** Descriptor; stays open until all is written. */
  readonly file: number
  /** The same file, for direct writes. */
  readonly direct?: number
  /** Which blob. */
  readonly blobs: Uint32Array
  /** Where in the file. */
  readonly offsets: Float64Array
}

/** Bytes gathered for one write. */
const STRETCH = 2 << 20

/** Of a thread: blobs are gathered in it one batch after the other. */
let memory: Uint8Array<ArrayBuffer> | undefined

/** Writes blobs, given in their order, to their places: those that follow each other in the file at once. */
export class BlobsToFile {
  readonly #target: BlobTarget
  readonly #memory: Uint8Array
  /** Among the places. */
  #next = 0
  #offset = 0
  #length = 0

  constructor(target: BlobTarget) {
    this.#target = target
    this.#memory = memory ??= alignedMemory(STRETCH)
  }

  put(blob: Uint8Array, index: number): void {
    const { blobs, offsets } = this.#target
    for (; this.#next < blobs.length && (blobs[this.#next] ?? 0) <= index; this.#next++) {
      if (blobs[this.#next] === index) this.#add(blob, offsets[this.#next] ?? 0)
    }
  }

  end(): void {
    if (this.#length > 0) this.#write()
  }

  #add(blob: Uint8Array, offset: number): void {
    if (this.#length > 0 && this.#offset + this.#length !== offset) this.#write()
    if (this.#length === 0) this.#offset = offset
    for (let done = 0; done < blob.length;) {
      const part = blob.subarray(done, done + STRETCH - this.#length)
      this.#memory.set(part, this.#length)
      this.#length += part.length
      done += part.length
      if (this.#length === STRETCH) this.#write()
    }
  }

  #write(): void {
    const bytes = this.#memory.subarray(0, this.#length)
    const { file, direct } = this.#target
    const isWhole = this.#offset % DIRECT_BLOCK === 0 && this.#length % DIRECT_BLOCK === 0
    if (direct === undefined || !isWhole || !wroteDirect(direct, bytes, this.#offset))
      writeAll(file, bytes, this.#offset)
    this.#offset += this.#length
    this.#length = 0
  }
}

/** Answers false when the disk does not take it this way. */
function wroteDirect(file: number, bytes: Uint8Array, offset: number): boolean {
  try {
    return writeSync(file, bytes, 0, bytes.length, offset) === bytes.length
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}

function writeAll(file: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, offset + done)
}
