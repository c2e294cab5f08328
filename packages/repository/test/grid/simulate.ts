import { bytes, CBT_BLOCK, extent, MiB, normalize, totalLength, type Extents } from '@tidemark/blocks'
import {
  planContent,
  writeContent,
  type DiskContent,
  type Grid,
  type PlanOptions,
  type SourceChunk,
} from '../../src/index.ts'
import { ID_LENGTH } from '../../src/id.ts'
import { isZeroPiece } from '../../src/disk/zero.ts'
import { hollowRepository } from './hollow-repository.ts'
import type { Pattern, SimulatedDisk } from './patterns.ts'

export interface Rule {
  readonly grid: Grid
  readonly options: Partial<PlanOptions>
}

/** What one day's backup did. */
export interface DayFigures {
  readonly changed: number
  /** Bytes of blobs that were stored, before compression. */
  readonly stored: number
  readonly blobsNew: number
  /** IDs in the list of the disk, zeros left out. */
  readonly pieces: number
  /** Bytes of clean pieces read from the repository. */
  readonly restRead: number
}

/** A full backup and then an increment a day, planned and written by the code of the product, without data. */
export async function simulate(
  disk: SimulatedDisk,
  { days }: Pattern,
  { grid, options }: Rule,
  count: number,
): Promise<DayFigures[]> {
  const { repository, counted } = hollowRepository()
  const size = bytes(disk.blocks * CBT_BLOCK)
  const used = new Uint8Array(disk.blocks).fill(1, 0, disk.used)
  const full = planContent(undefined, size, 'all', grid, options)
  let { content } = await writeContent(repository, full, chunksOf(full.reads, used))
  const figures: DayFigures[] = []
  for (let day = 1; day <= count; day++) {
    const changed = changedBy(days(disk, day), used)
    const plan = planContent(content, size, changed, grid, options)
    const before = { ...counted }
    const written = await writeContent(repository, plan, chunksOf(plan.reads, used))
    content = written.content
    figures.push({
      changed: totalLength(changed),
      stored: counted.bytes - before.bytes,
      blobsNew: counted.blobs - before.blobs,
      pieces: dataPieces(content),
      restRead: totalLength(plan.rewritten) - totalLength(plan.reads),
    })
  }
  return figures
}

function changedBy(day: Iterable<number>, used: Uint8Array): Extents {
  const blocks = new Set<number>()
  for (const block of day) blocks.add(block)
  for (const block of blocks) used[block] = 1
  return normalize(Array.from(blocks, (block) => extent(block * CBT_BLOCK, CBT_BLOCK)))
}

const SOME = new Uint8Array(8 * MiB).fill(1)

/** The bytes of extents: zeros where nothing was ever written. */
async function* chunksOf(extents: Extents, used: Uint8Array): AsyncGenerator<SourceChunk> {
  for (const { offset, length } of extents) {
    const end = offset + length
    for (let at: number = offset; at < end;) {
      const isUsed = used[at / CBT_BLOCK] === 1
      let to = at + CBT_BLOCK
      while (to < end && (used[to / CBT_BLOCK] === 1) === isUsed && to - at < SOME.length) to += CBT_BLOCK
      yield isUsed ? { offset: at, data: SOME.subarray(0, to - at) } : { offset: at, length: to - at, data: 'zero' }
      at = to
    }
  }
}

function dataPieces({ length, sizes, ids }: DiskContent): number {
  let pieces = 0
  for (let i = 0; i < length; i++) if (!isZeroPiece(sizes[i] ?? 0, ids, i * ID_LENGTH)) pieces++
  return pieces
}

/** A month in numbers; ratios are to the bytes changed. */
export interface Month {
  /** Bytes changed a day, in the middle. */
  readonly changedMiB: number
  /** Stored, on the first day, in the whole month, and in its last ten days. */
  readonly first: number
  readonly month: number
  readonly steady: number
  /** Clean bytes read from the repository. */
  readonly rest: number
  /** What headers, index entries and lists add to `month`: 118 bytes a blob and 35 for each ID of each list. restic-format.md §14 */
  readonly overhead: number
  readonly blobsNew: number
  /** IDs in the last list. */
  readonly pieces: number
}

export function monthOf(days: readonly DayFigures[]): Month {
  const sum = (of: (day: DayFigures) => number, part = days) => part.reduce((total, day) => total + of(day), 0)
  const ratio = (part: readonly DayFigures[]) =>
    sum(({ stored }) => stored, [...part]) / sum(({ changed }) => changed, [...part])
  const changed = sum((day) => day.changed)
  return {
    changedMiB: changed / days.length / MiB,
    first: ratio(days.slice(0, 1)),
    month: ratio(days),
    steady: ratio(days.slice(-10)),
    rest: sum((day) => day.restRead) / changed,
    overhead: sum((day) => day.blobsNew * 118 + day.pieces * 35) / changed,
    blobsNew: sum((day) => day.blobsNew),
    pieces: days.at(-1)?.pieces ?? 0,
  }
}
