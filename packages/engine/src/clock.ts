import { setTimeout as delay } from 'node:timers/promises'

/** Time, as the engine sees it; tests bring their own. */
export interface Clock {
  now(): Date
  /** Resolves after `ms` milliseconds; throws the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}
