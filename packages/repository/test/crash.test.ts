import { expect, test } from 'vitest'
import { countCalls, crashAt, operations, prepare, type OperationName } from './support/crash.ts'

const names = Object.keys(operations) as OperationName[]

test.each(names)(
  'a %s that is killed at some call leaves all points whole, and the next run heals the rest',
  async (name) => {
    const before = await prepare(1)
    const calls = await countCalls(name, before)
    expect(calls).toBeGreaterThan(15)
    for (let n = 2; n <= calls; n += 7) await crashAt(name, before, n, n % 2 === 0 ? 'before' : 'after') // all of them: npm run crash
  },
)
