import type { BlobIndex } from './blob-index.ts'
import { RepositoryError } from './error.ts'
import type { PackedBlob } from './format/pack.ts'

interface SavedPack {
  readonly pack: string
  readonly blobs: readonly PackedBlob[]
}

/** The index of now. A load replaces it beside jobs that store blobs meanwhile: what they save is in the old one and in the new. */
export class CurrentIndex {
  #index: BlobIndex | undefined
  /** Saved since the load under way began: that may have listed the index files before theirs was there. */
  #saved: SavedPack[] | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** @param index of a repository that has nothing to load */
  constructor(index?: BlobIndex) {
    this.#index = index
  }

  /** @throws RepositoryError REPOSITORY_INPUT when it was not loaded */
  now(): BlobIndex {
    if (this.#index !== undefined) return this.#index
    throw new RepositoryError('REPOSITORY_INPUT', 'the index is not loaded: call loadIndex first')
  }

  /** A pack is durable, its index file not yet. */
  addPack(pack: string, blobs: readonly PackedBlob[]): void {
    this.now().addPack(pack, blobs)
    this.#saved?.push({ pack, blobs })
  }

  /** Replaces the index by what `read` finds. Loads take turns, since the cache behind them is one. */
  load(read: () => Promise<BlobIndex>): Promise<void> {
    return this.#inTurn(() => this.#replace(read))
  }

  /** Loads the index unless that was done. */
  async ready(read: () => Promise<BlobIndex>): Promise<void> {
    if (this.#index !== undefined) return
    await this.#inTurn(async () => {
      if (this.#index === undefined) await this.#replace(read) // else whoever came first did it
    })
  }

  async #replace(read: () => Promise<BlobIndex>): Promise<void> {
    this.#saved = []
    try {
      const index = await read()
      for (const { pack, blobs } of this.#saved) index.addPack(pack, blobs)
      this.#index = index
    } finally {
      this.#saved = undefined
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => {}) // it is the caller's; the next one has its turn all the same
    return mine
  }
}
