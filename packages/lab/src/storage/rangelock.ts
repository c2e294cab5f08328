export type LockMode = 'shared' | 'exclusive'

interface Holder {
  readonly first: number
  readonly last: number
  readonly mode: LockMode
  readonly released: Promise<void>
}

/**
 * A lock over ranges of numbers. Holders of overlapping ranges run at the same time only when all of them share; who
 * came first goes first, so that an exclusive holder never starves.
 */
export class RangeLock {
  readonly #holders = new Set<Holder>()

  /** Runs `work` while it holds `first` to `last`, both included; waits for those who came before. */
  async hold<Result>(first: number, last: number, mode: LockMode, work: () => Promise<Result>): Promise<Result> {
    const before = this.#conflicting(first, last, mode)
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const holder = { first, last, mode, released }
    this.#holders.add(holder)
    try {
      if (before.length > 0) await Promise.all(before)
      return await work()
    } finally {
      this.#holders.delete(holder)
      release()
    }
  }

  #conflicting(first: number, last: number, mode: LockMode): Promise<void>[] {
    const found: Promise<void>[] = []
    for (const holder of this.#holders) {
      const overlaps = holder.first <= last && first <= holder.last
      if (overlaps && (mode === 'exclusive' || holder.mode === 'exclusive')) found.push(holder.released)
    }
    return found
  }
}

/** A lock without ranges: many share it, or one has it alone. */
export class Gate {
  readonly #lock = new RangeLock()

  shared<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#lock.hold(0, 0, 'shared', work)
  }

  exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#lock.hold(0, 0, 'exclusive', work)
  }
}
