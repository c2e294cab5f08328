/** What every call takes last. */
export interface CallOptions {
  /** Aborts the call; it then throws the signal's reason. A task that was started is cancelled. */
  readonly signal?: AbortSignal | undefined
  /** For this call, in place of the session's `callTimeoutMs`. Each time that it is made, and for waiting its turn. */
  readonly timeoutMs?: number | undefined
  /** For this call, in place of the session's `patienceMs`. */
  readonly patienceMs?: number | undefined
}

/** True for the options of a call, as opposed to a map or record that is its last parameter. */
export function isCallOptions(value: unknown): value is CallOptions {
  if (typeof value !== 'object' || value === null) return false
  const entries = Object.entries(value)
  return (
    entries.length > 0 &&
    entries.every(
      ([name, member]) =>
        (name === 'signal' && (member === undefined || member instanceof AbortSignal)) ||
        ((name === 'timeoutMs' || name === 'patienceMs') && (member === undefined || typeof member === 'number')),
    )
  )
}
