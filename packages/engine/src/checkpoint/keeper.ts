import type { Repository } from '@tidemark/repository'
import type { Clock } from '../clock.ts'
import type { Journal } from '../ledger/ledger.ts'
import type { CheckpointEntry } from './entry.ts'

/** What a keeper works with. */
export interface KeeperParts {
  readonly journal: Journal
  readonly repository: Repository
  readonly clock: Clock
  /** Time from one checkpoint to the next, at least. */
  readonly everyMs: number
  /** Checkpoints cannot be written, and there will be no more: the run goes on without. */
  readonly onFailed: (cause: unknown) => void
}

/**
 * Makes the progress of a run durable every few seconds, beside the work: first the packs and their index, then the entry that says so.
 * A run that is cut can be gone on with from there.
 */
export class CheckpointKeeper {
  readonly #parts: KeeperParts
  readonly #gather: (() => readonly CheckpointEntry[])[] = []
  /** All that was begun: one at a time, since several disks write to one file. */
  #saving: Promise<void> = Promise.resolve()
  #isSaving = false
  #isOff = false
  #lastMs: number

  constructor(parts: KeeperParts) {
    this.#parts = parts
    this.#lastMs = parts.clock.now().getTime()
  }

  /** Notes what does not rest on anything in the repository. Durable when it resolves. */
  async note(entry: CheckpointEntry): Promise<void> {
    await this.#save([entry], async () => {})
  }

  /** One more source of entries: called when a checkpoint is due, it answers what is new since the last time. */
  follow(gather: () => readonly CheckpointEntry[]): void {
    this.#gather.push(gather)
  }

  /** To be called often: begins a checkpoint when one is due, and does not wait for it. */
  tick(): void {
    const now = this.#parts.clock.now().getTime()
    if (this.#isSaving || now - this.#lastMs < this.#parts.everyMs) return
    this.#lastMs = now
    this.#begin()
  }

  /** A last checkpoint, of a run that ends before its work does. */
  async last(): Promise<void> {
    await this.#saving
    this.#begin()
    await this.#saving
  }

  /** Resolves when no checkpoint is under way. */
  async settled(): Promise<void> {
    await this.#saving
  }

  #begin(): void {
    const entries = this.#gather.flatMap((gather) => gather())
    if (entries.length === 0) return
    this.#isSaving = true
    const { repository } = this.#parts
    void this.#save(entries, () => repository.flush()).finally(() => (this.#isSaving = false))
  }

  #save(entries: readonly CheckpointEntry[], first: () => Promise<void>): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveNow(entries, first))
    return this.#saving
  }

  /** Never rejects: what fails in the repository fails the next write there too, and a run can do without checkpoints. */
  async #saveNow(entries: readonly CheckpointEntry[], first: () => Promise<void>): Promise<void> {
    if (this.#isOff) return
    try {
      await first()
      await this.#parts.journal.checkpoint(entries)
    } catch (cause) {
      this.#isOff = true
      this.#parts.onFailed(cause)
    }
  }
}
