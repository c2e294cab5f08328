/**
 * Runs `work` on each item, at most `limit` at once, and yields the results in the order of the items. The consumer
 * pulls: nothing is started that it has not made room for. A break, an error or an abort cancels and awaits the rest,
 * so that no work outlives its loop.
 * @throws what `source` or `work` throws first in order; the signal's reason when aborted
 */
export async function* mapInOrder<Item, Result>(
  source: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result, void, void> {
  const stop = new AbortController()
  const inner = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const queue: Promise<Result>[] = []
  try {
    for await (const item of source) {
      inner.throwIfAborted()
      const running = work(item, inner)
      running.catch(() => {}) // looked at in order below; an early failure must not count as unhandled
      queue.push(running)
      if (queue.length >= limit) yield await untilAborted(queue.shift() as Promise<Result>, inner)
    }
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield await untilAborted(next, inner)
  } finally {
    stop.abort(new Error('the pipeline was left'))
    await Promise.allSettled(queue)
  }
}

/** Runs `work` on each item, at most `limit` at once, in no order. Resolves when all are done; stops at the first error. */
export async function forEachBounded<Item>(
  source: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const inner = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const running = new Set<Promise<void>>()
  try {
    for await (const item of source) {
      inner.throwIfAborted()
      const one = work(item, inner).then(() => void running.delete(one))
      one.catch((reason: unknown) => stop.abort(reason))
      running.add(one)
      if (running.size >= limit) await Promise.race(running)
    }
    await Promise.all(running)
    signal?.throwIfAborted()
  } finally {
    stop.abort(new Error('the loop was left'))
    await Promise.allSettled(running)
  }
}

async function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const result = await promise
  signal.throwIfAborted()
  return result
}
