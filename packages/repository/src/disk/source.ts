import { RepositoryError } from '../error.ts'

/** Bytes of a disk on their way into the repository: with data, or known to be zero. */
export type SourceChunk =
  | { readonly offset: number; readonly data: Uint8Array }
  | { readonly offset: number; readonly length: number; readonly data: 'zero' }

const chunkLength = (chunk: SourceChunk): number => (chunk.data === 'zero' ? chunk.length : chunk.data.length)

/** Joins two ascending streams that do not overlap into one. */
export async function* joinChunks(
  left: AsyncIterable<SourceChunk>,
  right: AsyncIterable<SourceChunk>,
): AsyncGenerator<SourceChunk> {
  const iterators = [left[Symbol.asyncIterator](), right[Symbol.asyncIterator]()] as const
  try {
    let [a, b] = await Promise.all([iterators[0].next(), iterators[1].next()])
    while (a.done !== true || b.done !== true) {
      if (b.done === true || (a.done !== true && a.value.offset < b.value.offset)) {
        if (a.done !== true) yield a.value
        a = await iterators[0].next()
      } else {
        yield b.value
        b = await iterators[1].next()
      }
    }
  } finally {
    await Promise.all(iterators.map(async (each) => void (await each.return?.())))
  }
}

/** Cuts a stream of chunks, split anyhow, into the pieces that are asked for. */
export class PieceSource {
  readonly #chunks: AsyncIterator<SourceChunk>
  #chunk: SourceChunk | undefined
  /** Bytes of the chunk that were given out. */
  #used = 0
  /** Where a piece is joined from several chunks: one memory for all, since a new one each time is garbage of the whole disk. */
  #piece: Uint8Array = new Uint8Array()

  constructor(chunks: AsyncIterable<SourceChunk>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /**
   * The bytes from `offset`: a view into the chunk when one holds them all, else a copy. Valid until the next call.
   * @throws RepositoryError REPOSITORY_INPUT when the stream has other bytes next, or ends
   */
  async take(offset: number, length: number): Promise<Uint8Array | 'zero'> {
    const chunk = await this.#current(offset)
    const left = chunkLength(chunk) - this.#used
    if (left >= length) return this.#part(chunk, length)
    if (this.#piece.length < length) this.#piece = new Uint8Array(length)
    const piece = this.#piece.subarray(0, length)
    for (let done = 0; done < length;) {
      const next = await this.#current(offset + done)
      const part = Math.min(length - done, chunkLength(next) - this.#used)
      const data = this.#part(next, part)
      if (data === 'zero') piece.fill(0, done, done + part)
      else piece.set(data, done)
      done += part
    }
    return piece
  }

  /** @throws RepositoryError REPOSITORY_INPUT when there is more than was asked for */
  async expectEnd(): Promise<void> {
    const chunk = await this.#next()
    if (chunk === undefined) return
    throw new RepositoryError('REPOSITORY_INPUT', `bytes at ${chunk.offset + this.#used} are not in the plan`)
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  #part(chunk: SourceChunk, length: number): Uint8Array | 'zero' {
    const from = this.#used
    this.#used += length
    return chunk.data === 'zero' ? 'zero' : chunk.data.subarray(from, from + length)
  }

  async #current(offset: number): Promise<SourceChunk> {
    const chunk = await this.#next()
    if (chunk === undefined) throw new RepositoryError('REPOSITORY_INPUT', `the source ended before byte ${offset}`)
    const at = chunk.offset + this.#used
    if (at !== offset) throw new RepositoryError('REPOSITORY_INPUT', `the source gave byte ${at}, not ${offset}`)
    return chunk
  }

  async #next(): Promise<SourceChunk | undefined> {
    while (this.#chunk === undefined || this.#used === chunkLength(this.#chunk)) {
      const { done, value } = await this.#chunks.next()
      if (done === true) return undefined
      this.#chunk = value
      this.#used = 0
    }
    return this.#chunk
  }
}
