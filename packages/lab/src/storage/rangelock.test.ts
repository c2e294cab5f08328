import { expect, test } from 'vitest'
import { RangeLock } from './rangelock.ts'

/** Holds that end when told, and the order in which they began. */
function scene() {
  const lock = new RangeLock()
  const begun: string[] = []
  const hold = (name: string, first: number, last: number, mode: 'shared' | 'exclusive') => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = lock.hold(first, last, mode, () => {
      begun.push(name)
      return promise
    })
    return {
      end: async () => {
        resolve()
        await done
        await settle()
      },
    }
  }
  return { lock, begun, hold }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

test('ranges that do not overlap are held at once', async () => {
  const { begun, hold } = scene()
  hold('a', 0, 3, 'exclusive')
  hold('b', 4, 4, 'exclusive')
  await settle()
  expect(begun).toEqual(['a', 'b'])
})

test('sharers wait for an exclusive holder, and he for those before him', async () => {
  const { begun, hold } = scene()
  const first = hold('first', 0, 5, 'shared')
  const second = hold('second', 5, 9, 'shared')
  const alone = hold('alone', 5, 5, 'exclusive')
  hold('late', 5, 6, 'shared')
  hold('elsewhere', 6, 9, 'shared')
  await settle()
  expect(begun).toEqual(['first', 'second', 'elsewhere'])
  await first.end()
  expect(begun).not.toContain('alone')
  await second.end()
  expect(begun).toEqual(['first', 'second', 'elsewhere', 'alone'])
  await alone.end()
  expect(begun.at(-1)).toBe('late')
})

test('work that fails gives its range back', async () => {
  const { lock } = scene()
  await expect(lock.hold(1, 1, 'exclusive', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await lock.hold(1, 1, 'exclusive', () => Promise.resolve('yes'))).toBe('yes')
})
