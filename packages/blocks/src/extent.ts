import { BlocksError } from './error.ts'
import { bytes, type Bytes } from './units.ts'

/** A stretch of a disk: `length` bytes from `offset`. Never empty. */
export interface Extent {
  readonly offset: Bytes
  readonly length: Bytes
}

/** A set of bytes of a disk: extents in ascending order, disjoint, and never touching. */
export type Extents = readonly Extent[]

/** Makes an extent from two plain numbers. @throws BlocksError BLOCKS_UNIT, BLOCKS_RANGE (empty) */
export function extent(offset: number, length: number): Extent {
  if (length === 0) throw new BlocksError('BLOCKS_RANGE', `an extent at ${offset} is empty`)
  return { offset: bytes(offset), length: bytes(length) }
}

/** First byte after the extent. */
export const endOf = ({ offset, length }: Extent): Bytes => bytes(offset + length)

/** Brings extents of any order, overlapping or touching, into the one normal form. */
export function normalize(extents: Iterable<Extent>): Extents {
  const sorted = [...extents].sort((a, b) => a.offset - b.offset)
  const merged: Extent[] = []
  for (const next of sorted) {
    const last = merged.at(-1)
    if (last === undefined || next.offset > endOf(last)) merged.push(next)
    else if (endOf(next) > endOf(last)) merged[merged.length - 1] = extent(last.offset, endOf(next) - last.offset)
  }
  return merged
}

/** Every byte that is in `a` or in `b`. */
export const union = (a: Extents, b: Extents): Extents => normalize([...a, ...b])

/** Every byte that is in both. */
export function intersect(a: Extents, b: Extents): Extents {
  const common: Extent[] = []
  let i = 0
  let j = 0
  for (;;) {
    const x = a[i]
    const y = b[j]
    if (x === undefined || y === undefined) return common
    const from = Math.max(x.offset, y.offset)
    const to = Math.min(endOf(x), endOf(y))
    if (from < to) common.push(extent(from, to - from))
    if (endOf(x) <= endOf(y)) i++
    else j++
  }
}

/** Every byte of a disk of `size` that is not in `extents`. */
export function complement(extents: Extents, size: Bytes): Extents {
  const gaps: Extent[] = []
  let at = 0
  for (const used of clip(extents, size)) {
    if (used.offset > at) gaps.push(extent(at, used.offset - at))
    at = endOf(used)
  }
  if (at < size) gaps.push(extent(at, size - at))
  return gaps
}

/** Every byte that is in `a` and not in `b`. */
export function subtract(a: Extents, b: Extents): Extents {
  const last = a.at(-1)
  return last === undefined ? [] : intersect(a, complement(b, endOf(last)))
}

/** Cuts off what lies past the end of a disk of `size`. */
export function clip(extents: Extents, size: Bytes): Extents {
  return size === 0 ? [] : intersect(extents, [extent(0, size)])
}

/** How many bytes the extents cover. */
export const totalLength = (extents: Extents): Bytes => bytes(extents.reduce((sum, { length }) => sum + length, 0))
