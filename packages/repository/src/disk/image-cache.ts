/** Loads the blobs of some pieces, in their order. */
export type LoadPieces = (pieces: readonly number[], signal?: AbortSignal) => Promise<readonly Uint8Array[]>

interface Entry {
  readonly loading: Promise<Uint8Array>
  /** Bytes; 0 until it is loaded. */
  size: number
}

/** Pieces of a disk, loaded once for all who ask at the same time; what was not asked for longest goes first. */
export class BlobCache {
  readonly #limit: number
  readonly #load: LoadPieces
  readonly #entries = new Map<number, Entry>() // in the order of their last use
  #size = 0

  constructor(limit: number, load: LoadPieces) {
    this.#limit = limit
    this.#load = load
  }

  /** Bytes kept. */
  get size(): number {
    return this.#size
  }

  /**
   * The blobs of pieces, by piece. What is missing is loaded in one go, and goes on loading for others when the signal
   * aborts.
   */
  async load(pieces: readonly number[], signal?: AbortSignal): Promise<ReadonlyMap<number, Uint8Array>> {
    const missing = pieces.filter((piece) => !this.#entries.has(piece))
    if (missing.length > 0) this.#start(missing)
    const entries = pieces.map((piece) => [piece, this.#use(piece)] as const)
    const all = Promise.all(entries.map(async ([piece, loading]) => [piece, await loading] as const))
    return new Map(await (signal === undefined ? all : raced(all, signal)))
  }

  #start(pieces: readonly number[]): void {
    const batch = this.#load(pieces)
    for (const [i, piece] of pieces.entries()) {
      const entry: Entry = { loading: batch.then((blobs) => blobAt(blobs, i)), size: 0 }
      this.#entries.set(piece, entry)
      entry.loading.then(
        ({ length }) => this.#keep(entry, length),
        () => this.#entries.delete(piece), // the next one who asks tries again
      )
    }
  }

  #use(piece: number): Promise<Uint8Array> {
    const entry = this.#entries.get(piece)
    if (entry === undefined) throw new Error('a piece was asked for that nobody loads')
    this.#entries.delete(piece)
    this.#entries.set(piece, entry)
    return entry.loading
  }

  #keep(entry: Entry, length: number): void {
    entry.size = length
    this.#size += length
    for (const [piece, oldest] of this.#entries) {
      if (this.#size <= this.#limit) return
      if (oldest.size === 0 || oldest === entry) continue // not loaded yet, or just now
      this.#entries.delete(piece)
      this.#size -= oldest.size
    }
  }
}

function blobAt(blobs: readonly Uint8Array[], index: number): Uint8Array {
  const blob = blobs[index]
  if (blob === undefined) throw new Error('a loader answered with fewer pieces than asked for')
  return blob
}

async function raced<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
