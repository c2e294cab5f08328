import type { Backend } from './backend.ts'

/**
 * Lets at most `connections` calls work at a time; the others wait in order. Lists are not counted: whoever lists may load in between, and
 * would wait for itself.
 */
export function withConnections(backend: Backend, connections: number): Backend {
  const turn = turnstile(connections)
  const { retention } = backend
  return {
    ...backend,
    savesAtOnce: connections,
    load: (file, range, signal, memory) => turn(() => backend.load(file, range, signal, memory), signal),
    save: (file, bytes, signal) => turn(() => backend.save(file, bytes, signal), signal),
    remove: (file, signal) => turn(() => backend.remove(file, signal), signal),
    ...(retention === undefined
      ? {}
      : {
          retention: {
            ...retention,
            extend: (file, enough, until, signal) => turn(() => retention.extend(file, enough, until, signal), signal),
          },
        }),
  }
}

type Turn = <Result>(work: () => Promise<Result>, signal?: AbortSignal) => Promise<Result>

function turnstile(places: number): Turn {
  const waiting = new Set<() => void>()
  let free = places
  const leave = () => {
    const [next] = waiting
    if (next === undefined) free++
    else {
      waiting.delete(next)
      next()
    }
  }
  return async (work, signal) => {
    signal?.throwIfAborted()
    if (free > 0) free--
    else await placeIn(waiting, signal)
    try {
      return await work()
    } finally {
      leave()
    }
  }
}

/** Resolves when it is our turn; then a place is ours. Whoever is aborted leaves the queue. */
async function placeIn(waiting: Set<() => void>, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const give = () => resolve()
  const stop = () => {
    waiting.delete(give)
    reject(signal?.reason as Error)
  }
  waiting.add(give)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    await promise
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
