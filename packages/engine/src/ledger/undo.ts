import { systemClock, type Clock } from '../clock.ts'
import { isLate } from '../error.ts'
import type { Journal } from './ledger.ts'

/** For so long a task that stands still may still end: after a day a pool forgets one that makes no progress. xapi: db_gc_util.ml */
const LATE_MS = 24 * 3600_000

/**
 * How what a run made goes again, the newest first, should the run fail; the journal ends last of all. What cannot go stops it, and the
 * journal stays, for the next run or the doctor: what is older leads them to it, as its disks do to a VM.
 */
export class Undo implements AsyncDisposable {
  readonly #steps: (() => PromiseLike<unknown>)[] = []
  readonly #clock: Clock
  #journal: Journal | undefined
  /** Why the journal stays although all is undone. */
  #late: unknown

  constructor(journal?: Journal, clock: Clock = systemClock) {
    this.#journal = journal
    this.#clock = clock
  }

  /** The run has a journal from here on. */
  remembers(journal: Journal): void {
    this.#journal = journal
  }

  defer(step: () => PromiseLike<unknown>): void {
    this.#steps.push(step)
  }

  /**
   * For work that undoes itself when it fails: when not even that succeeded, nothing before it is undone either. What may be made
   * behind our back leaves the journal.
   */
  async around<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (isLate(error)) this.#late = error
      if (error instanceof SuppressedError) await this.leave(error)
      throw error
    }
  }

  /** What was made stays. */
  keep(): void {
    this.#steps.length = 0
    this.#journal = undefined
  }

  /** What was made stays for now, and its journal says that it should not. */
  async leave(why: unknown): Promise<void> {
    const journal = this.#journal
    this.keep()
    await this.#noteLeft(journal, why)
  }

  async #noteLeft(journal: Journal | undefined, why: unknown): Promise<void> {
    const until = new Date(this.#clock.now().getTime() + LATE_MS).toISOString()
    const late = this.#late === undefined ? {} : { until }
    await journal?.note({ step: 'left', why: why instanceof Error ? why.message : String(why), ...late })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const journal = this.#journal
    for (const step of this.#steps.toReversed()) {
      try {
        await step()
      } catch (error) {
        await using left = new AsyncDisposableStack()
        left.defer(() => this.leave(error))
        throw error
      }
    }
    if (this.#late === undefined) await journal?.end()
    else await this.#noteLeft(journal, this.#late)
  }
}
