import type { EventEmitter } from 'node:events'

/** Resolves at the first of the events. Leaves no listener behind. @throws the signal's reason */
export async function firstOf(emitter: EventEmitter, events: readonly string[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onEvent = (): void => resolve()
  const onAbort = (): void => reject(signal.reason as Error)
  for (const event of events) emitter.once(event, onEvent)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } finally {
    for (const event of events) emitter.off(event, onEvent)
    signal.removeEventListener('abort', onAbort)
  }
}
