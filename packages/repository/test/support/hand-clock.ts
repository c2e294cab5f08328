import type { Clock } from '../../src/index.ts'

/** Time that passes only while somebody sleeps, at once. */
export interface HandClock extends Clock {
  readonly pauses: number[]
}

export function handClock(): HandClock {
  let now = Date.UTC(2026, 10, 23)
  const pauses: number[] = []
  return {
    pauses,
    now: () => new Date(now),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      pauses.push(ms)
      now += ms
    },
    every: () => () => {},
  }
}
