import type { Clock } from '../clock.ts'
import type { Backend } from './backend.ts'

export interface Bandwidth {
  /** Bytes per second; undefined is no limit. */
  readonly upload?: number | undefined
  readonly download?: number | undefined
}

/**
 * Holds the mean rate of saves and of loads under a limit. Files are whole: each goes at the speed of the line, and the next one waits
 * until it is paid for. What was not used for a second is lost.
 */
export function withBandwidth(backend: Backend, { upload, download }: Bandwidth, clock: Clock): Backend {
  const up = upload === undefined ? undefined : bucket(upload, clock)
  const down = download === undefined ? undefined : bucket(download, clock)
  return {
    ...backend,
    async save(file, bytes, signal) {
      await up?.spend(bytes.length, signal)
      await backend.save(file, bytes, signal)
    },
    async load(file, range, signal, memory) {
      await down?.spend(range === 'all' ? 0 : range.length, signal)
      const bytes = await backend.load(file, range, signal, memory)
      if (range === 'all') down?.owe(bytes.length) // its size is known now
      return bytes
    },
  }
}

interface Bucket {
  /** Waits until nothing is owed any more, then owes `bytes`. */
  spend(bytes: number, signal?: AbortSignal): Promise<void>
  owe(bytes: number): void
}

/** A bucket of tokens: one per byte, `rate` of them a second, at most one second's worth. Below zero somebody waits. */
function bucket(rate: number, clock: Clock): Bucket {
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
