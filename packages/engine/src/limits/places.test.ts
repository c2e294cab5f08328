import { expect, test } from 'vitest'
import { Places } from './places.ts'

const nothing = () => {}

/** Whether it has its places by now. */
function seen(taken: Promise<Disposable>): { isSeated: boolean } {
  const state = { isSeated: false }
  void taken.then(() => (state.isSeated = true)).catch(nothing)
  return state
}

const soon = () => new Promise((resolve) => setImmediate(resolve))

test('so many have a place under each name, and the next one waits until somebody leaves', async () => {
  const places = new Places(2)
  const told: string[] = []
  const first = await places.take(['a'], () => told.push('first'))
  await places.take(['a', 'b'], () => told.push('second'))
  const third = places.take(['a'], () => told.push('third'))
  const waiting = seen(third)
  await places.take(['b'], () => told.push('other name'))
  await soon()
  expect({ told, ...waiting }).toEqual({ told: ['third'], isSeated: false })
  first[Symbol.dispose]()
  first[Symbol.dispose]() // once is enough
  await third
  const fourth = seen(places.take(['a'], nothing))
  await soon()
  expect(fourth.isSeated).toBe(false)
})

test('whoever wants several names is not passed by those who want one of them', async () => {
  const places = new Places(1)
  const a = await places.take(['a'], nothing)
  const both = places.take(['a', 'b'], nothing)
  const late = seen(places.take(['b'], nothing))
  await soon()
  expect(late.isSeated).toBe(false)
  a[Symbol.dispose]()
  ;(await both)[Symbol.dispose]()
  await soon()
  expect(late.isSeated).toBe(true)
})

test('who is aborted while waiting holds nobody up', async () => {
  const places = new Places(1)
  using _a = await places.take(['a'], nothing)
  const stop = new AbortController()
  const both = places.take(['a', 'b'], nothing, stop.signal)
  const late = places.take(['b'], nothing)
  stop.abort(new Error('stopped'))
  await expect(both).rejects.toThrow('stopped')
  await late
  await expect(places.take(['c'], nothing, stop.signal)).rejects.toThrow('stopped')
})

test('what is there already counts, though there is no place for it', async () => {
  const places = new Places(1)
  const [one, two] = [places.occupy(['a']), places.occupy(['a'])]
  const next = seen(places.take(['a'], nothing))
  one[Symbol.dispose]()
  await soon()
  expect(next.isSeated).toBe(false)
  two[Symbol.dispose]()
  await soon()
  expect(next.isSeated).toBe(true)
})
