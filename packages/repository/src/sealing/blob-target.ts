import { write as writeFile } from 'node:fs'
import { promisify } from 'node:util'
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

/** Bytes gathered for one write, and how many such writes may be under way in one thread. */
const STRETCH = 2 << 20
const STRETCHES_MAX = 4

const write = promisify(writeFile)

/** Memory of this thread for stretches: it goes round, and who finds none waits. */
class Stretches {
  readonly #free: Uint8Array[] = []
  readonly #waiting: ((memory: Uint8Array) => void)[] = []
  #made = 0

  async take(): Promise<Uint8Array> {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#made >= STRETCHES_MAX) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#made++
    return alignedMemory(STRETCH)
  }

  give(memory: Uint8Array): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free.push(memory)
    else next(memory)
  }
}

const stretches = new Stretches()

/** Writes blobs, given in their order, to their places: those that follow each other in the file at once, beside the caller. */
export class BlobsToFile implements AsyncDisposable {
  readonly #target: BlobTarget
  readonly #writing = new Set<Promise<void>>()
  #failure: { readonly reason: unknown } | undefined
  /** Being filled. */
  #memory: Uint8Array | undefined
  /** Among the places. */
  #next = 0
  #offset = 0
  #length = 0

  constructor(target: BlobTarget) {
    this.#target = target
  }

  /**
   * Takes a blob over; it may be changed when this has resolved.
   * @throws the system's errors, of this write or an earlier one
   */
  async put(blob: Uint8Array, index: number): Promise<void> {
    const { blobs, offsets } = this.#target
    for (; this.#next < blobs.length && (blobs[this.#next] ?? 0) <= index; this.#next++) {
      if (blobs[this.#next] === index) await this.#add(blob, offsets[this.#next] ?? 0)
    }
    this.#throwIfFailed()
  }

  /**
   * Resolves when all is written.
   * @throws the system's errors
   */
  async end(): Promise<void> {
    this.#send()
    await Promise.all(this.#writing)
    this.#throwIfFailed()
  }

  /** Waits for what is under way. What was gathered and not sent is dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#memory !== undefined) stretches.give(this.#memory)
    this.#memory = undefined
    await Promise.all(this.#writing)
  }

  async #add(blob: Uint8Array, offset: number): Promise<void> {
    if (this.#offset + this.#length !== offset) this.#send()
    for (let done = 0; done < blob.length;) {
      if (this.#memory === undefined) {
        this.#memory = await stretches.take()
        this.#offset = offset + done
      }
      const part = blob.subarray(done, done + STRETCH - this.#length)
      this.#memory.set(part, this.#length)
      this.#length += part.length
      done += part.length
      if (this.#length === STRETCH) this.#send()
    }
  }

  #send(): void {
    const memory = this.#memory
    if (memory === undefined) return
    const sent = writeStretch(this.#target, memory.subarray(0, this.#length), this.#offset)
      .catch((reason: unknown) => void (this.#failure ??= { reason }))
      .then(() => {
        stretches.give(memory)
        this.#writing.delete(sent)
      })
    this.#writing.add(sent)
    this.#memory = undefined
    this.#length = 0
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.reason
  }
}

async function writeStretch({ file, direct }: BlobTarget, bytes: Uint8Array, offset: number): Promise<void> {
  const isWhole = offset % DIRECT_BLOCK === 0 && bytes.length % DIRECT_BLOCK === 0
  if (direct !== undefined && isWhole && (await wroteDirect(direct, bytes, offset))) return
  for (let done = 0; done < bytes.length;) {
    done += (await write(file, bytes, done, bytes.length - done, offset + done)).bytesWritten
  }
}

/** Answers false when the disk does not take it this way. */
async function wroteDirect(file: number, bytes: Uint8Array, offset: number): Promise<boolean> {
  try {
    return (await write(file, bytes, 0, bytes.length, offset)).bytesWritten === bytes.length
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}
