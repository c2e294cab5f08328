/** Time, as deadlines and pauses see it; tests bring their own. */
export interface NbdClock {
  /** Milliseconds from any moment on. */
  now(): number
  /** Does some work after `ms` milliseconds. Answers what prevents it. */
  after(ms: number, work: () => void): () => void
}

export const systemClock: NbdClock = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms)
    return () => clearTimeout(timer)
  },
}

/** Resolves after `ms` milliseconds. @throws the signal's reason when aborted */
export async function sleep(clock: NbdClock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const cancel = clock.after(ms, resolve)
  const aborted = () => reject(signal?.reason)
  signal?.addEventListener('abort', aborted, { once: true })
  try {
    await promise
  } finally {
    cancel()
    signal?.removeEventListener('abort', aborted)
  }
}
