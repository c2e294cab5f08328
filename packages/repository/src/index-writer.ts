import { encodeIndex, encodeIndexedPack, type IndexedPack } from './format/index-file.ts'
import type { Repository } from './repository.ts'
import { saveUnpacked } from './unpacked.ts'

/** Blobs of a full index file. restic-format.md §6. */
export const INDEX_BLOBS = 50_000

/** Writes index files for packs that are stored already, full ones as they come. */
export class IndexWriter {
  readonly #repository: Repository
  readonly #onSaved: (name: string) => void
  readonly #signal: AbortSignal
  #members: string[] = []
  #blobs = 0

  /** @param onSaved told the name of each file that is durable now */
  constructor(repository: Repository, onSaved: (name: string) => void, signal: AbortSignal) {
    this.#repository = repository
    this.#onSaved = onSaved
    this.#signal = signal
  }

  add(pack: IndexedPack): Promise<void> {
    return this.addEncoded(encodeIndexedPack(pack), pack.blobs.length)
  }

  async addEncoded(json: string, blobs: number): Promise<void> {
    this.#members.push(json)
    this.#blobs += blobs
    if (this.#blobs >= INDEX_BLOBS) await this.end()
  }

  /** What is left goes into a last file. */
  async end(): Promise<void> {
    if (this.#members.length === 0) return
    const json = encodeIndex(this.#members)
    this.#members = []
    this.#blobs = 0
    const { backend, sealer } = this.#repository
    this.#onSaved(await saveUnpacked(backend, sealer, 'index', json, this.#signal))
  }
}
