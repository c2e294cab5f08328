import {
  bytes,
  clip,
  endOf,
  extent,
  normalize,
  subtract,
  totalLength,
  type Bytes,
  type Extent,
  type Extents,
} from '@tidemark/blocks'
import type { DiskContent } from './content.ts'
import type { Grid } from './grid.ts'
import { isZeroPiece } from './zero.ts'
import { ID_LENGTH } from '../id.ts'

/** What a backup of one disk will do. */
export interface ContentPlan {
  readonly kind: 'full' | 'incremental'
  readonly size: Bytes
  /** `fine` may be larger than asked for, when the list would grow too long. */
  readonly grid: Grid
  /** What the untouched pieces, and the untouched bytes of touched pieces, come from. */
  readonly parent: DiskContent | undefined
  /** Every byte that the source must give; for an increment exactly `changed`. */
  readonly reads: Extents
  /** Bytes among `reads` beyond `changed`: always 0, since what a re-merge adds is taken from the repository. */
  readonly mergeBytes: Bytes
  /** Every byte whose piece is written anew: `reads` and the rest of the touched pieces. */
  readonly rewritten: Extents
  /** What is written in base pieces: sorted, in whole groups. */
  readonly merged: Extents
  /** Pieces that an earlier try wrote: `reads` is without them. Absent for a plan that begins. */
  readonly done?: DonePieces
}

/** What an earlier try wrote of a plan. `continueContent` makes it. */
export interface DonePieces {
  /** Packed IDs by number of the piece among those written anew; MISSING where it is to be written, ZEROS for zeros. */
  readonly ids: Uint8Array
  /** Where they lie. */
  readonly extents: Extents
}

export interface PlanOptions {
  /** Most pieces a content list may have. restic-format.md §14: 280 MB of JSON. */
  readonly piecesMax: number
  /** Share of a group's fine blocks that must be dirty for it to be written as one base piece. */
  readonly mergeShare: number
}

const planDefaults = { piecesMax: 4_000_000, mergeShare: 1 } as const satisfies PlanOptions

/**
 * Decides which pieces of a disk are kept, and which are written at which size. docs/grid.md, restic-format.md §14:
 * a group that changed as a whole becomes one base piece, another touched base piece is split into fine ones, and
 * a touched fine piece is replaced. The clean rest of a rewritten piece is read from the parent's blobs in the repository
 * and verified, never from the source: an increment reads exactly the changed bytes.
 * @param parent the disk's content at the base of `changed`; undefined makes a full backup
 * @param changed what may differ from the parent; what the disk grew by is added here. 'all' makes a full backup
 */
export function planContent(
  parent: DiskContent | undefined,
  size: Bytes,
  changed: Extents | 'all',
  grid: Grid,
  options: Partial<PlanOptions> = {},
): ContentPlan {
  const { piecesMax, mergeShare } = { ...planDefaults, ...options }
  if (parent === undefined || changed === 'all') return planFull(size, grid, piecesMax)
  const grown = size > parent.size ? [extent(parent.size, size - parent.size)] : []
  const reads = normalize([...clip(changed, size), ...grown])
  for (let fine = grid.fine; ; fine *= 2) {
    const plan = planIncrement(parent, size, reads, { base: grid.base, fine }, mergeShare)
    if (fine >= grid.base || piecesBound(plan) <= piecesMax) return plan
  }
}

function planFull(size: Bytes, grid: Grid, piecesMax: number): ContentPlan {
  let { base } = grid
  while (size / base > piecesMax) base *= 2
  const all = size === 0 ? [] : [extent(0, size)]
  const mergeBytes = bytes(0)
  const parent = undefined
  return {
    kind: 'full',
    size,
    grid: { base, fine: grid.fine },
    parent,
    reads: all,
    mergeBytes,
    rewritten: all,
    merged: all,
  }
}

function planIncrement(parent: DiskContent, size: Bytes, reads: Extents, grid: Grid, mergeShare: number): ContentPlan {
  const dirty = widened(reads, grid.fine, size)
  const dense = normalize(denseGroups(dirty, grid, size, mergeShare))
  const touched = normalize([...dirty, ...dense])
  const cut = Array.from(cutPieces(parent, touched, size))
  const rewritten = normalize([...touched, ...cut])
  const merged = normalize([...dense, ...untouchedGroups(cut, touched, grid.base)])
  return { kind: 'incremental', size, grid, parent, reads, mergeBytes: bytes(0), rewritten, merged }
}

/** Widens extents to whole blocks of `block` bytes, the last of the disk excepted. */
function widened(extents: Extents, block: number, size: Bytes): Extents {
  return normalize(
    extents.map((each) => {
      const from = Math.floor(each.offset / block) * block
      return extent(from, Math.min(Math.ceil(endOf(each) / block) * block, size) - from)
    }),
  )
}

/** Groups of which at least this share of the fine blocks is dirty. */
function* denseGroups(dirty: Extents, { base, fine }: Grid, size: Bytes, share: number): Generator<Extent> {
  let group = -1
  let count = 0
  const groupOf = (index: number) => extent(index * base, Math.min(base, size - index * base))
  const isMost = () => group >= 0 && count >= Math.ceil(groupOf(group).length / fine) * share
  for (const each of dirty) {
    for (let at: number = each.offset; at < endOf(each);) {
      const index = Math.floor(at / base)
      const end = Math.min((index + 1) * base, endOf(each))
      if (index !== group) {
        if (isMost()) yield groupOf(group)
        group = index
        count = 0
      }
      count += Math.ceil((end - at) / fine)
      at = end
    }
  }
  if (isMost()) yield groupOf(group)
}

/** Pieces of the parent that are touched, but not as a whole: their rest must be written again. A hole is cut freely. */
function* cutPieces(parent: DiskContent, touched: Extents, size: Bytes): Generator<Extent> {
  let next = 0
  let at = 0
  for (let i = 0; i < parent.length && at < size; i++) {
    const length = parent.sizes[i] ?? 0
    const end = at + length
    let hit = touched[next]
    while (hit !== undefined && endOf(hit) <= at) hit = touched[++next]
    const isCut = end > size || (hit !== undefined && hit.offset < end && (hit.offset > at || endOf(hit) < end))
    if (isCut && !isZeroPiece(length, parent.ids, i * ID_LENGTH)) yield extent(at, Math.min(end, size) - at)
    at = end
  }
}

/** Whole groups among the clean rest of pieces of more than one group: of disks whose grid was coarser before. */
function untouchedGroups(cut: Extents, touched: Extents, base: number): Extents {
  const large = cut.filter(({ length }) => length > base)
  return subtract(large, touched).flatMap((each) => {
    const from = Math.ceil(each.offset / base) * base
    const groups = Math.floor((endOf(each) - from) / base)
    return Array.from({ length: Math.max(0, groups) }, (_, i) => extent(from + i * base, base))
  })
}

/** Most pieces that the plan's content can have, zero pieces of the parent counted as they are. */
function piecesBound({ parent, rewritten, merged, grid }: ContentPlan): number {
  const inMerged = Math.floor(totalLength(merged) / grid.fine)
  const kept = parent === undefined ? 0 : keptPieces(parent, rewritten)
  return kept + piecesOf(rewritten, grid.fine) - inMerged + piecesOf(merged, grid.base)
}

const piecesOf = (extents: Extents, size: number): number =>
  extents.reduce((sum, { length }) => sum + Math.ceil(length / size) + 1, 0)

function keptPieces(parent: DiskContent, rewritten: Extents): number {
  let kept = 0
  let next = 0
  let at = 0
  for (const length of parent.sizes) {
    let hit = rewritten[next]
    while (hit !== undefined && endOf(hit) <= at) hit = rewritten[++next]
    if (hit === undefined || hit.offset >= at + length) kept++
    at += length
  }
  return kept
}
