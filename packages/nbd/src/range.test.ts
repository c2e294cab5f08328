import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitExtents } from './export.ts'
import { checkAligned, checkRange, split, widen } from './range.ts'

const rangeError = expect.objectContaining({ code: 'NBD_RANGE' })

test('a range past the end is an error, and so is an empty or a broken one', () => {
  expect(() => checkRange(0, 100, 100)).not.toThrow()
  for (const [offset, length] of [
    [1, 100],
    [100, 1],
    [0, 0],
    [-1, 1],
    [0.5, 1],
    [0, Number.NaN],
    [2 ** 53, 1],
  ] as const) {
    expect(() => checkRange(offset, length, 100)).toThrow(rangeError)
  }
})

test('the end of an export is on its block size whatever it is', () => {
  const block = { minimum: 512, preferred: 512, maximum: 512 }
  expect(() => checkAligned(512, 488, 1000, block)).not.toThrow()
  expect(() => checkAligned(512, 487, 1000, block)).toThrow(rangeError)
  expect(() => checkAligned(1, 999, 1000, block)).toThrow(rangeError)
})

test('the pieces of a range cover it exactly, and end at multiples of the longest', () => {
  fc.assert(
    fc.property(
      fc.nat(10_000),
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 999 }),
      (offset, length, longest) => {
        let at = offset
        for (const piece of split(offset, length, longest)) {
          expect(piece.offset).toBe(at)
          expect(piece.length).toBeLessThanOrEqual(longest)
          at += piece.length
          expect(at % longest === 0 || at === offset + length).toBe(true)
        }
        expect(at).toBe(offset + length)
      },
    ),
  )
})

test('a widened range holds the range, is on the block size and stays in the export', () => {
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.integer({ min: 1, max: 5000 }),
      fc.constantFrom(1, 512, 4096),
      (offset, length, minimum) => {
        const size = 10_000
        const wide = widen(offset, length, size, { minimum })
        const end = wide.offset + wide.length
        expect(wide.offset % minimum).toBe(0)
        expect(end % minimum === 0 || end === size).toBe(true)
        expect(wide.offset <= offset && end >= offset + length && end <= size).toBe(true)
      },
    ),
  )
})

test('extents of an export are cut to the request, and what they leave out is data', () => {
  const hole = { hole: true, zero: true }
  const data = { hole: false, zero: false }
  expect(fitExtents([{ length: 9, ...hole }], 5)).toEqual([{ length: 5, ...hole }])
  expect(
    fitExtents(
      [
        { length: 2, ...hole },
        { length: 0, ...data },
        { length: 1, ...hole },
      ],
      5,
    ),
  ).toEqual([
    { length: 3, ...hole },
    { length: 2, ...data },
  ])
})
