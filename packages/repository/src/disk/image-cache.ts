import { release } from '../garbage.ts'

/** Loads the blobs of some pieces, in their order, into memory that nobody else uses. */
export type LoadPieces = (pieces: readonly number[], signal?: AbortSignal) => Promise<readonly Uint8Array[]>

interface Entry {
  readonly loading: Promise<Uint8Array>
  /** Undefined until it is loaded. */
  blob: Uint8Array | undefined
  /** Who asked for it and has not finished. */
  users: number
  isKept: boolean
}

/**
 * Pieces of a disk, loaded once for all who ask at the same time; what was not asked for longest goes first. Its memory is
 * given back at once: V8 would collect everything each time some megabytes of it have gone by.
 */
export class BlobCache {
  readonly #limit: number
  readonly #load: LoadPieces
  readonly #entries = new Map<number, Entry>() // in the order of their last use
  /** Several pieces may lie in one buffer, which goes with the last of them. */
  readonly #pieces = new Map<ArrayBufferLike, number>()
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
   * Loads what is missing in one go, and hands over the blobs by piece. They are good until `work` returns. Loading goes on
   * for others when the signal aborts.
   */
  async use<Result>(
    pieces: readonly number[],
    work: (blobs: ReadonlyMap<number, Uint8Array>) => Result,
    signal?: AbortSignal,
  ): Promise<Result> {
    const missing = pieces.filter((piece) => !this.#entries.has(piece))
    if (missing.length > 0) this.#start(missing)
    const entries = pieces.map((piece) => [piece, this.#take(piece)] as const)
    try {
      const all = Promise.all(entries.map(async ([piece, { loading }]) => [piece, await loading] as const))
      return work(new Map(await (signal === undefined ? all : raced(all, signal))))
    } finally {
      for (const [, entry] of entries) {
        entry.users--
        this.#release(entry)
      }
    }
  }

  #start(pieces: readonly number[]): void {
    const batch = this.#load(pieces)
    for (const [i, piece] of pieces.entries()) {
      const loading = batch.then((blobs) => blobAt(blobs, i))
      const entry: Entry = { loading, blob: undefined, users: 0, isKept: true }
      this.#entries.set(piece, entry)
      loading.then(
        (blob) => this.#keep(entry, blob),
        () => this.#entries.delete(piece), // the next one who asks tries again
      )
    }
  }

  #take(piece: number): Entry {
    const entry = this.#entries.get(piece)
    if (entry === undefined) throw new Error('a piece was asked for that nobody loads')
    this.#entries.delete(piece)
    this.#entries.set(piece, entry)
    entry.users++
    return entry
  }

  #keep(entry: Entry, blob: Uint8Array): void {
    entry.blob = blob
    this.#size += blob.length
    this.#pieces.set(blob.buffer, (this.#pieces.get(blob.buffer) ?? 0) + 1)
    for (const [piece, oldest] of this.#entries) {
      if (this.#size <= this.#limit) return
      if (oldest.blob === undefined || oldest === entry) continue // not loaded yet, or just now
      this.#entries.delete(piece)
      this.#size -= oldest.blob.length
      oldest.isKept = false
      this.#release(oldest)
    }
  }

  /** Lets go of a blob that is neither kept nor used. */
  #release(entry: Entry): void {
    const { blob, isKept, users } = entry
    if (blob === undefined || isKept || users > 0) return
    entry.blob = undefined
    const others = (this.#pieces.get(blob.buffer) ?? 1) - 1
    if (others > 0) {
      this.#pieces.set(blob.buffer, others)
      return
    }
    this.#pieces.delete(blob.buffer)
    release(blob)
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
