import { CBT_BLOCK, MiB, TiB, type Bytes } from '@tidemark/blocks'

/** The two sizes pieces of a disk have. restic-format.md §14. */
export interface Grid {
  /** Piece of a full backup, and of a group of which most changed: bytes. */
  readonly base: number
  /** Piece of an increment: bytes, divides `base`. */
  readonly fine: number
}

/** 1 MiB and 64 KiB; larger base pieces for disks above 1 TiB and 4 TiB keep the lists short. */
export function gridFor(size: Bytes): Grid {
  const base = size > 4 * TiB ? 4 * MiB : size > TiB ? 2 * MiB : MiB
  return { base, fine: CBT_BLOCK }
}
