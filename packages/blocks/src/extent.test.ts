import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clip, complement, extent, intersect, normalize, subtract, totalLength, union, type Extents } from './extent.ts'
import { bytes } from './units.ts'

const SIZE = 300
const anyExtents = fc
  .array(fc.tuple(fc.integer({ min: 0, max: SIZE - 20 }), fc.integer({ min: 1, max: 20 })), { maxLength: 30 })
  .map((pairs) => normalize(pairs.map(([offset, length]) => extent(offset, length))))
const members = (extents: Extents) => {
  const set = new Set<number>()
  for (const { offset, length } of extents) for (let i = 0; i < length; i++) set.add(offset + i)
  return set
}

test('extent algebra is set algebra', () => {
  fc.assert(
    fc.property(anyExtents, anyExtents, (a, b) => {
      const [x, y] = [members(a), members(b)]
      expect(members(union(a, b))).toEqual(x.union(y))
      expect(members(intersect(a, b))).toEqual(x.intersection(y))
      expect(members(subtract(a, b))).toEqual(x.difference(y))
      expect(members(complement(a, bytes(SIZE)))).toEqual(members([extent(0, SIZE)]).difference(x))
      expect(totalLength(a)).toBe(x.size)
      expect(members(clip(a, bytes(100)))).toEqual(new Set([...x].filter((at) => at < 100)))
    }),
  )
})

test('results are in normal form: normalising again changes nothing', () => {
  fc.assert(
    fc.property(anyExtents, anyExtents, (a, b) => {
      for (const result of [union(a, b), intersect(a, b), subtract(a, b), complement(a, bytes(SIZE))]) {
        expect(normalize(result)).toEqual(result)
      }
    }),
  )
})
