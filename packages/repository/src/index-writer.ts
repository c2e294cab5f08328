import { encodeIndex, encodeIndexedPack, type IndexedPack } from './format/index-file.ts'
import type { Repository } from './repository.ts'
import { sealUnpacked } from './unpacked.ts'

/** Blobs of a full index file. restic-format.md §6. */
export const INDEX_BLOBS = 50_000

/** Writes index files for packs that are stored already, full ones as they come. */
export class IndexWriter {
  readonly #repository: Repository
  readonly #onSaving: (name: string) => void
  readonly #signal: AbortSignal
  #members: string[] = []
  #blobs = 0

  /** @param onSaving told the name of each file before it is saved: from then on it may be there, even when the save fails */
  constructor(repository: Repository, onSaving: (name: string) => void, signal: AbortSignal) {
    this.#repository = repository
    this.#onSaving = onSaving
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
    const { name, bytes } = sealUnpacked(sealer, json)
    this.#onSaving(name)
    await backend.save({ type: 'index', name }, bytes, this.#signal)
  }
}
