import { expect, test } from 'vitest'
import { pauseAfter } from './not-now.ts'

const pauses = (code: string, random: number) =>
  [1, 2, 3, 4, 5, 6, 7, 20].map((tries) => pauseAfter(code, tries, random))

test('pauses double up to a minute, and up to half of each is left to chance', () => {
  expect(pauses('TOO_MANY_PENDING_TASKS', 0)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  expect(pauses('TOO_MANY_PENDING_TASKS', 1)).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  expect(pauses('CANNOT_CONTACT_HOST', 1)).toEqual([5000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000, 30_000])
})

test.each(['SR_FULL', 'VDI_IN_USE', 'INTERNAL_ERROR', 'OPERATION_NOT_ALLOWED', 'toString'])(
  '%s does not pass by waiting alone',
  (code) => {
    expect(pauseAfter(code, 1, 0.5)).toBeUndefined()
  },
)
