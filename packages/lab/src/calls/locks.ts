/** Whoever asks first works first; one at a time for each name. */
export class Locks {
  readonly #last = new Map<string, Promise<void>>()

  /** Runs `work` while no other work holds one of the names. */
  async exclusive<Result>(names: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<void>()
    // all places in line are taken in one step, so that two works never wait for each other
    const before = names.map((name) => this.#last.get(name) ?? Promise.resolve())
    for (const name of names) this.#last.set(name, promise)
    try {
      await Promise.all(before)
      return await work()
    } finally {
      for (const name of names) if (this.#last.get(name) === promise) this.#last.delete(name)
      resolve()
    }
  }

  /** Whether nobody works or waits. */
  get isIdle(): boolean {
    return this.#last.size === 0
  }

  /** Resolves when nobody works or waits any more. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values())
  }
}
