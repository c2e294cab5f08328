import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { forEachBounded, mapInOrder } from './pipeline.ts'

test('results keep the order of the items, at most the limit is in flight', async () => {
  let running = 0
  let most = 0
  const results: number[] = []
  for await (const result of mapInOrder([5, 1, 4, 2, 3], 3, async (ms) => {
    most = Math.max(most, ++running)
    await sleep(ms)
    running--
    return ms
  })) {
    results.push(result)
  }
  expect(results).toEqual([5, 1, 4, 2, 3])
  expect(most).toBe(3)
})

test('leaving the loop aborts and awaits what is still running', async () => {
  let finished = 0
  for await (const _ of mapInOrder([1, 2, 3, 4], 4, async (item, signal) => {
    if (item > 1) await sleep(10_000, undefined, { signal }).catch(() => {})
    finished++
  })) {
    break
  }
  expect(finished).toBe(4)
})

test('an error reaches the consumer after the results before it', async () => {
  const seen: number[] = []
  const loop = async () => {
    for await (const n of mapInOrder([1, 2, 3], 3, (n) =>
      n === 2 ? Promise.reject(new Error('two')) : Promise.resolve(n),
    )) {
      seen.push(n)
    }
  }
  await expect(loop()).rejects.toThrow('two')
  expect(seen).toEqual([1])
})

test('an aborted pipeline throws the reason of its signal', async () => {
  const stop = new AbortController()
  const loop = async () => {
    for await (const n of mapInOrder([1, 2, 3], 1, (n) => Promise.resolve(n), stop.signal)) {
      if (n === 2) stop.abort(new Error('enough'))
    }
  }
  await expect(loop()).rejects.toThrow('enough')
})

test('the unordered loop stops at the first error and leaves nothing running', async () => {
  let finished = 0
  const work = async (n: number, signal: AbortSignal) => {
    if (n === 3) throw new Error('three')
    await sleep(10_000, undefined, { signal }).catch(() => {})
    finished++
  }
  await expect(forEachBounded([1, 2, 3], 3, work)).rejects.toThrow('three')
  expect(finished).toBe(2)
})
