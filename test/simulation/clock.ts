import { setImmediate as turn } from 'node:timers/promises'

/** Where every simulation begins. */
const START = Date.UTC(2026, 0, 5, 3)

/**
 * Time that passes as fast as it is slept through: a pause of a minute takes a turn of the event loop, and a day between two runs
 * takes nothing. What waits for the network waits in real time, so that passes as well.
 */
export class SimClock {
  readonly #began = performance.now()
  #skipped = 0

  now(): Date {
    return new Date(START + this.#skipped + Math.floor(performance.now() - this.#began))
  }

  skip(ms: number): void {
    this.#skipped += ms
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.skip(ms)
    await turn()
    signal?.throwIfAborted()
  }

  /** Nothing runs for so long in real time that a lock would be refreshed. */
  every(): () => void {
    return () => {}
  }
}
