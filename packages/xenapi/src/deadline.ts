import { XenApiError } from './error.ts'

/** A limit of time. Disposing ends it. */
export interface Deadline extends Disposable {
  /** Aborts with XENAPI_TIMEOUT. */
  readonly signal: AbortSignal
  /** The time begins anew. */
  restart(): void
}

/** @param ms undefined: it never comes. @param sentence what the error says, of so many seconds */
export function deadline(ms: number | undefined, sentence: (seconds: number) => string): Deadline {
  const limit = new AbortController()
  const late = () => limit.abort(new XenApiError('XENAPI_TIMEOUT', sentence(Math.round((ms ?? 0) / 1000))))
  const timer = ms === undefined ? undefined : setTimeout(late, ms)
  return {
    signal: limit.signal,
    restart: () => void timer?.refresh(),
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
