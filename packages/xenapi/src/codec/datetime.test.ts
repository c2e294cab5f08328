import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeDatetime, encodeDatetime } from './datetime.ts'

test('the form of xapi', () => {
  expect(encodeDatetime(new Date('2025-03-19T04:16:24.999Z'))).toBe('20250319T04:16:24Z')
  expect(encodeDatetime(new Date(0))).toBe('19700101T00:00:00Z')
})

test.each([
  ['20250319T04:16:24Z', '2025-03-19T04:16:24.000Z'],
  ['2025-03-19T04:16:24Z', '2025-03-19T04:16:24.000Z'],
  ['20250319T04:16:24', '2025-03-19T04:16:24.000Z'],
  ['20250319T041624Z', '2025-03-19T04:16:24.000Z'],
  ['20250319T04:16Z', '2025-03-19T04:16:00.000Z'],
  ['2025-03-19T04:16:24.5Z', '2025-03-19T04:16:24.500Z'],
  ['20250319T04:16:24+0130', '2025-03-19T02:46:24.000Z'],
  ['20250319T04:16:24-02', '2025-03-19T06:16:24.000Z'],
])('%s is %s', (text, iso) => {
  expect(decodeDatetime(text).toISOString()).toBe(iso)
})

test.each(['', '20250319', '0.0', '20251319T04:16:24Z', 'now', '20250319T25:16:24Z', '99999999999999T'])(
  '%j is no date',
  (text) => {
    expect(() => decodeDatetime(text)).toThrow(expect.objectContaining({ code: 'XENAPI_PROTOCOL' }))
  },
)

test('an invalid date is not written', () => {
  expect(() => encodeDatetime(new Date(Number.NaN))).toThrow('no date')
})

test('what was encoded decodes to the same second', () => {
  const dates = fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  fc.assert(
    fc.property(dates, (date) => {
      expect(decodeDatetime(encodeDatetime(date)).getTime()).toBe(Math.floor(date.getTime() / 1000) * 1000)
    }),
  )
})
