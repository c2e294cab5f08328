interface Waiting {
  readonly names: readonly string[]
  readonly seat: () => void
}

/** Places under names, of storage say, so many under each. Who waits longest is served first. */
export class Places {
  readonly most: number
  readonly #taken = new Map<string, number>()
  #waiting: readonly Waiting[] = []

  /** @param most places under each name; Infinity for no limit */
  constructor(most: number) {
    this.most = most
  }

  /**
   * Takes a place under each name, all at once, so that nobody holds one while he waits for another.
   * @param onWait called when there is something to wait for
   * @throws the signal's reason when aborted
   */
  async take(names: readonly string[], onWait: () => void, signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>()
    const waiting = { names, seat: () => resolve(this.occupy(names)) }
    this.#waiting = [...this.#waiting, waiting]
    this.#serve()
    if (!this.#waiting.includes(waiting)) return promise
    const leave = () => {
      this.#waiting = this.#waiting.filter((each) => each !== waiting)
      this.#serve() // he may have stood in somebody's way
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', leave, { once: true })
    try {
      onWait()
      return await promise
    } finally {
      signal?.removeEventListener('abort', leave)
    }
  }

  /** Takes places whether there are any or not: what they stand for is there already. */
  occupy(names: readonly string[]): Disposable {
    for (const name of names) this.#taken.set(name, this.#takenOf(name) + 1)
    let isOver = false
    return {
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        for (const name of names) {
          const rest = this.#takenOf(name) - 1
          if (rest === 0) this.#taken.delete(name)
          else this.#taken.set(name, rest)
        }
        this.#serve()
      },
    }
  }

  #takenOf(name: string): number {
    return this.#taken.get(name) ?? 0
  }

  /** Seats all that can be, except before somebody who waits longer for one of the same names. */
  #serve(): void {
    const wanted = new Set<string>()
    for (const each of this.#waiting) {
      const { names, seat } = each
      if (names.every((name) => !wanted.has(name) && this.#takenOf(name) < this.most)) {
        this.#waiting = this.#waiting.filter((other) => other !== each)
        seat()
      } else for (const name of names) wanted.add(name)
    }
  }
}
