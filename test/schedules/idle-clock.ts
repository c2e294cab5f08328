import type { NbdClock } from '@tidemark/nbd'

/** Real milliseconds between two looks, and looks without a byte after which nothing more will come by itself. */
const LOOK_MS = 4
const QUIET_LOOKS = 3

/** A clock that stands still while bytes move, and jumps to the next deadline when none do: deadlines cost no time. */
export class IdleClock implements NbdClock {
  readonly #due = new Set<{ readonly at: number; readonly work: () => void }>()
  readonly #timer: NodeJS.Timeout
  #now = 0
  #quiet = 0

  constructor() {
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  now(): number {
    return this.#now
  }

  after(ms: number, work: () => void): () => void {
    const entry = { at: this.#now + ms, work }
    this.#due.add(entry)
    return () => void this.#due.delete(entry)
  }

  /** Says that something moves. */
  touch(): void {
    this.#quiet = 0
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    if (this.#due.size === 0 || ++this.#quiet < QUIET_LOOKS) return
    this.#quiet = 0
    this.#now = Math.max(this.#now, Math.min(...[...this.#due].map(({ at }) => at)))
    for (const entry of [...this.#due].filter(({ at }) => at <= this.#now)) {
      if (this.#due.delete(entry)) entry.work()
    }
  }
}
