import { endOf, extent, type Extent, type Extents } from './extent.ts'
import type { Bytes } from './units.ts'

export interface RunOptions {
  /** Longest run, in bytes; a longer extent is split. */
  readonly maxLength: Bytes | number
  /** Runs start and end at multiples of this, except at the end of the disk: 512 for xapi's NBD server. */
  readonly alignment?: number
}

/**
 * Turns extents into the requests that read them: ascending, at most `maxLength` long, split at multiples of
 * `maxLength` so that neighbouring pieces of a grid arrive whole.
 */
export function* planRuns(extents: Extents, size: Bytes, options: RunOptions): Generator<Extent> {
  const { maxLength, alignment = 1 } = options
  let done = 0 // widening to the alignment must not read a byte twice
  for (const each of extents) {
    const end = Math.min(Math.ceil(endOf(each) / alignment) * alignment, size)
    let at = Math.max(Math.floor(each.offset / alignment) * alignment, done)
    while (at < end) {
      const stop = Math.min((Math.floor(at / maxLength) + 1) * maxLength, end)
      yield extent(at, stop - at)
      at = stop
    }
    done = Math.max(done, end)
  }
}
