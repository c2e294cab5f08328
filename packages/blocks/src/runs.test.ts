import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endOf, extent, intersect, normalize } from './extent.ts'
import { planRuns } from './runs.ts'
import { bytes } from './units.ts'

const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 1, max: 900 })), { maxLength: 20 })

test('runs cover the extents once, in order, aligned, and never longer than allowed', () => {
  fc.assert(
    fc.property(pairs, fc.constantFrom(1, 16, 64), fc.constantFrom(64, 256, 1024), (list, alignment, maxLength) => {
      const size = bytes(9900)
      const extents = normalize(list.map(([offset, length]) => extent(offset, length)))
      const runs = [...planRuns(extents, size, { maxLength, alignment })]
      for (const [i, run] of runs.entries()) {
        expect(run.length).toBeLessThanOrEqual(maxLength)
        expect(run.offset % alignment).toBe(0)
        expect(endOf(run) % alignment === 0 || endOf(run) === size).toBe(true)
        const previous = runs[i - 1]
        if (previous !== undefined) expect(run.offset).toBeGreaterThanOrEqual(endOf(previous))
      }
      expect(intersect(normalize(runs), extents)).toEqual(extents)
    }),
  )
})

test('nothing outside the extents is read when no alignment is asked for', () => {
  const extents = [extent(100, 50), extent(200, 1)]
  expect([...planRuns(extents, bytes(1000), { maxLength: 1 << 20 })]).toEqual(extents)
})
