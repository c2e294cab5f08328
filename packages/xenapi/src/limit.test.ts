import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openLimit } from './limit.ts'

test('so many calls go at once, the others in the order in which they came', async () => {
  const limit = openLimit(2)
  const order: number[] = []
  let going = 0
  let most = 0
  const call = async (n: number) => {
    const leave = await limit.turn(60_000, undefined)
    most = Math.max(most, ++going)
    order.push(n)
    await turnOfTheLoop()
    going--
    leave()
  }
  await Promise.all([1, 2, 3, 4, 5, 6, 7].map(call))
  expect(most).toBe(2)
  expect(order).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('a caller that leaves, or whose time is up, takes no turn from the others', async () => {
  const limit = openLimit(1)
  const leave = await limit.turn(60_000, undefined)
  const stop = new AbortController()
  const left = limit.turn(60_000, stop.signal)
  const late = limit.turn(1, undefined)
  const last = limit.turn(60_000, undefined)
  stop.abort(new Error('enough'))
  await expect(left).rejects.toThrow('enough')
  await expect(late).rejects.toMatchObject({ code: 'XENAPI_TIMEOUT', unsent: true })
  leave()
  leave() // twice is once
  const leaveLast = await last
  await expect(limit.turn(1, undefined)).rejects.toMatchObject({ code: 'XENAPI_TIMEOUT' })
  leaveLast()
  await limit.turn(1, undefined)
})
