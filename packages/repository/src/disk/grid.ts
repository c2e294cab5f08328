import { CBT_BLOCK, GiB, KiB, MiB, TiB, type Bytes } from '@tidemark/blocks'

/** The two sizes pieces of a disk have. restic-format.md §14, with the sizes of docs/grid.md. */
export interface Grid {
  /** Piece of a full backup, and of a group of which everything changed: bytes. */
  readonly base: number
  /** Piece of an increment: bytes, divides `base`. */
  readonly fine: number
}

/**
 * 256 KiB and 64 KiB; base pieces grow with the disk so that the list of a full backup has a million at most up to 2 TiB, 4 million at 16.
 * The first change of a base piece stores all of it: base / fine is the most that an increment stores for a byte changed.
 */
export function gridFor(size: Bytes): Grid {
  return { base: baseFor(size), fine: CBT_BLOCK }
}

function baseFor(size: Bytes): number {
  if (size > 4 * TiB) return 4 * MiB
  if (size > TiB) return 2 * MiB
  if (size > 512 * GiB) return MiB
  return size > 256 * GiB ? 512 * KiB : 256 * KiB
}
