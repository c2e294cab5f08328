import { XenApiError } from './error.ts'

/** Lets at most so many calls go at once; the others wait for their turn, first come, first served. */
export interface Limit {
  /**
   * Waits for a turn. What comes back must be called when the call is over.
   * @throws XenApiError XENAPI_TIMEOUT when no turn came in time; the signal's reason
   */
  turn(timeoutMs: number, signal: AbortSignal | undefined): Promise<() => void>
}

export function openLimit(most: number): Limit {
  const waiting = new Set<() => void>()
  let going = 0
  const leave = () => {
    const [next] = waiting
    if (next === undefined) going--
    else next() // the turn is handed on
    if (next !== undefined) waiting.delete(next)
  }
  return {
    async turn(timeoutMs, signal) {
      signal?.throwIfAborted()
      if (going < most) going++
      else await queue(waiting, timeoutMs, signal)
      return once(leave)
    },
  }
}

async function queue(waiting: Set<() => void>, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const late = new XenApiError('XENAPI_TIMEOUT', `other calls took all turns for ${Math.round(timeoutMs / 1000)} s`, {
    unsent: true,
  })
  const timer = setTimeout(() => reject(late), Math.min(timeoutMs, 2 ** 31 - 1))
  const onAbort = () => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  waiting.add(resolve)
  try {
    await promise
  } finally {
    waiting.delete(resolve)
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}
