import type { Clock } from '../clock.ts'
import { tokenBucket } from '../token-bucket.ts'
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
  const up = upload === undefined ? undefined : tokenBucket(upload, clock)
  const down = download === undefined ? undefined : tokenBucket(download, clock)
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
