import type { Clock } from './clock.ts'

/** Holds a mean rate, whoever spends. */
export interface TokenBucket {
  /** Waits until nothing is owed any more, then owes `bytes`. @throws the signal's reason when aborted */
  spend(bytes: number, signal?: AbortSignal): Promise<void>
  /** Owes what was moved already. */
  owe(bytes: number): void
}

/**
 * A token per byte, `rate` of them a second, at most one second's worth: what was not used for longer is lost. Below zero somebody waits.
 * @param rate bytes per second
 */
export function tokenBucket(rate: number, clock: Pick<Clock, 'now' | 'sleep'>): TokenBucket {
  let tokens = rate
  let filledAt = clock.now().getTime()
  const fill = () => {
    const now = clock.now().getTime()
    tokens = Math.min(rate, tokens + (Math.max(0, now - filledAt) * rate) / 1000)
    filledAt = now
  }
  return {
    async spend(bytes, signal) {
      fill()
      const debt = -tokens
      tokens -= bytes // before the pause: whoever comes meanwhile waits for us as well
      if (debt > 0) await clock.sleep(Math.ceil((debt * 1000) / rate), signal)
    },
    owe(bytes) {
      fill()
      tokens -= bytes
    },
  }
}
