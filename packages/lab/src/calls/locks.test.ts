import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Locks } from './locks.ts'

test('works with a common name run one after the other, in the order of asking; others beside them', async () => {
  const locks = new Locks()
  const done: string[] = []
  const work = (name: string, names: readonly string[], ms: number): Promise<void> =>
    locks.exclusive(names, async () => {
      await sleep(ms)
      done.push(name)
    })
  await Promise.all([
    work('first', ['a', 'b'], 30),
    work('second', ['b'], 1),
    work('other', ['c'], 1),
    work('third', ['b', 'a'], 1),
  ])
  expect(done).toEqual(['other', 'first', 'second', 'third'])
  await locks.idle()
})

test('a failed work gives its names back', async () => {
  const locks = new Locks()
  await expect(locks.exclusive(['a'], () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(locks.exclusive(['a'], async () => 'yes')).resolves.toBe('yes')
})
