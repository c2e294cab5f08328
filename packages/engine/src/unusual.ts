import { bytes, GiB, type Bytes } from '@tidemark/blocks'
import { RepositoryError, type Repository } from '@tidemark/repository'
import { EngineError } from './error.ts'
import { openPoint, type RestorePoint } from './points.ts'
import type { DiskRecord, UnusualRecord } from './vm-record.ts'

/** From which size on the changes of a disk are unusual. */
export interface UnusualOptions {
  /** So many times the median of the earlier runs. */
  readonly factor: number
  /** Less is never unusual. */
  readonly atLeast: Bytes
}

export const unusualDefaults: UnusualOptions = { factor: 10, atLeast: bytes(GiB) }

/** Earlier runs that are looked at, and how many there must be: fewer tell nothing about what is usual. */
const RUNS = { most: 20, least: 4 } as const
/** Median absolute deviations that still are chance. */
const DEVIATIONS = 6

/**
 * What is usual, when `changed` is not: above all of the least size, the factor, and what the earlier runs spread.
 * @param earlier what the earlier runs found changed of this disk, in any order
 */
function unusualSize(
  earlier: readonly Bytes[],
  changed: Bytes,
  { factor, atLeast }: UnusualOptions,
): UnusualRecord | undefined {
  if (earlier.length < RUNS.least) return undefined
  const usual = median(earlier)
  const spread = median(earlier.map((each) => Math.abs(each - usual)))
  const bound = Math.ceil(Math.max(atLeast, factor * usual, usual + DEVIATIONS * spread))
  return changed > bound ? { usual: bytes(Math.round(usual)), bound: bytes(bound) } : undefined
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low = 0, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (low + high) / 2
}

/**
 * Compares what changed of a disk with what changed in the runs before. Reads earlier points only for a change that is large enough.
 * @param history restore points of the VM, oldest first; a damaged one tells nothing
 */
export async function judgeSize(
  repository: Repository,
  history: readonly RestorePoint[],
  disk: DiskRecord,
  options: UnusualOptions,
  signal?: AbortSignal,
): Promise<UnusualRecord | undefined> {
  if (disk.action === 'full' || disk.bytes.changed <= options.atLeast) return undefined
  const earlier: Bytes[] = []
  for (const point of history.toReversed()) {
    if (earlier.length === RUNS.most) break
    const changed = await changedIn(repository, point, disk.vdi, signal)
    if (changed !== undefined) earlier.push(changed)
  }
  return unusualSize(earlier, disk.bytes.changed, options)
}

async function changedIn(repository: Repository, point: RestorePoint, vdi: string, signal?: AbortSignal) {
  try {
    const { record } = await openPoint(repository, point, signal)
    return record.disks.find((disk) => disk.vdi === vdi && disk.action !== 'full')?.bytes.changed
  } catch (error) {
    if (error instanceof EngineError || error instanceof RepositoryError) return undefined // `check` reports it
    throw error
  }
}
