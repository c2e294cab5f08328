import { setTimeout as sleep } from 'node:timers/promises'

/** How long a stop waits for transfers, which end as soon as they learn of it: only a disk that hangs takes longer. */
const SETTLE_MS = 10_000

/** The transfers that are being served: a lab that stops waits for them before it closes its database. */
export class RunningTransfers {
  readonly #running = new Set<Promise<void>>()

  /** Settles as `work` does. */
  async track(work: () => Promise<void>): Promise<void> {
    const running = work()
    this.#running.add(running)
    try {
      await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Resolves when none is running, or after ten seconds. */
  async settled(): Promise<void> {
    const waiting = new AbortController()
    await Promise.race([
      Promise.allSettled(this.#running),
      sleep(SETTLE_MS, undefined, { signal: waiting.signal }).catch(() => undefined),
    ])
    waiting.abort()
  }
}
