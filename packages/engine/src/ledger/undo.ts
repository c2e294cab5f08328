import type { Journal } from './ledger.ts'

/**
 * How what a run made goes again, the newest first, should the run fail; the journal ends last of all. What cannot go stops it, and the
 * journal stays, for the next run or the doctor: what is older leads them to it, as its disks do to a VM.
 */
export class Undo implements AsyncDisposable {
  readonly #steps: (() => PromiseLike<unknown>)[] = []
  #journal: Journal | undefined

  constructor(journal?: Journal) {
    this.#journal = journal
  }

  /** The run has a journal from here on. */
  remembers(journal: Journal): void {
    this.#journal = journal
  }

  defer(step: () => PromiseLike<unknown>): void {
    this.#steps.push(step)
  }

  /** For work that undoes itself when it fails: when not even that succeeded, nothing before it is undone either. */
  async around<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
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
    await journal?.note({ step: 'left', why: why instanceof Error ? why.message : String(why) })
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
    await journal?.end()
  }
}
