import { setTimeout as sleep } from 'node:timers/promises'

/** Time as the locks and indexes see it; tests bring their own. */
export interface Clock {
  now(): Date
  /** @throws the signal's reason when aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `work` every `ms` until the returned function is called. Does not keep the process alive. */
  every(ms: number, work: () => void): () => void
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      signal?.throwIfAborted() // timers wrap the reason in an AbortError
      throw error
    })
  },
  every: (ms, work) => {
    const timer = setInterval(work, ms)
    timer.unref()
    return () => clearInterval(timer)
  },
}
