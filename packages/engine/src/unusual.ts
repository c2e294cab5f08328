import { bytes, GiB, MiB, type Bytes } from '@tidemark/blocks'
import { RepositoryError, type ForgetPlan, type Repository, type SnapshotId, type Verdict } from '@tidemark/repository'
import { EngineError } from './error.ts'
import { openPoint, vmOf, type RestorePoint } from './points.ts'
import type { DiskRecord, IncompressibleRecord, UnusualRecord } from './vm-record.ts'

/** From which size on the changes of a disk are unusual. */
export interface UnusualOptions {
  /** So many times the median of the earlier runs. */
  readonly factor: number
  /** Less is never unusual. */
  readonly atLeast: Bytes
  /** Of less that is new to the repository nobody can tell whether it compresses as usual. */
  readonly newAtLeast: Bytes
}

export const unusualDefaults: UnusualOptions = { factor: 10, atLeast: bytes(GiB), newAtLeast: bytes(128 * MiB) }

/** Tag of a point with such a disk. Who has looked at it removes the tag. */
export const UNUSUAL = 'unusual'

/** Earlier runs that are looked at, and how many there must be: fewer tell nothing about what is usual. */
const RUNS = { most: 20, least: 4 } as const
/** Median absolute deviations that still are chance. */
const DEVIATIONS = 6
/** Stored after compression, of what is new: from here on it is as good as random, and up to there a disk is one that compresses. */
const INCOMPRESSIBLE = 0.95
const COMPRESSIBLE = 0.8

/** What was found of a disk. */
export type Unusual = Pick<DiskRecord, 'unusual' | 'incompressible'>

type Counted = DiskRecord['bytes']

/** What is usual, when `changed` is not: above all of the least size, the factor, and what the earlier runs spread. */
function unusualSize(
  earlier: readonly Counted[],
  { changed }: Counted,
  { factor, atLeast }: UnusualOptions,
): UnusualRecord | undefined {
  if (changed <= atLeast) return undefined
  const usual = median(earlier.map((each) => each.changed))
  const spread = median(earlier.map((each) => Math.abs(each.changed - usual)))
  const bound = Math.ceil(Math.max(atLeast, factor * usual, usual + DEVIATIONS * spread))
  return changed > bound ? { usual: bytes(Math.round(usual)), bound: bytes(bound) } : undefined
}

/** The share that compression leaves, when next to nothing of a disk that usually compresses does any more: it may be being encrypted. */
function unusualShare(
  earlier: readonly Counted[],
  counted: Counted,
  { newAtLeast }: UnusualOptions,
): IncompressibleRecord | undefined {
  if (counted.new <= newAtLeast || shareOf(counted) < INCOMPRESSIBLE) return undefined
  const telling = earlier.filter((each) => each.new > 0)
  if (telling.length < RUNS.least) return undefined
  const usual = median(telling.map(shareOf))
  return usual <= COMPRESSIBLE ? { share: rounded(shareOf(counted)), usual: rounded(usual) } : undefined
}

const shareOf = ({ stored, new: bytesNew }: Counted): number => stored / bytesNew
const rounded = (share: number): number => Math.round(share * 1000) / 1000

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low = 0, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (low + high) / 2
}

/**
 * Compares what changed of a disk with what changed in the runs before. Reads earlier points only for a change that is large enough.
 * @param history restore points of the VM, oldest first; a damaged one tells nothing
 */
export async function judgeChanges(
  repository: Repository,
  history: readonly RestorePoint[],
  disk: DiskRecord,
  options: UnusualOptions,
  signal?: AbortSignal,
): Promise<Unusual> {
  const isLarge = disk.bytes.changed > options.atLeast || disk.bytes.new > options.newAtLeast
  if (disk.action === 'full' || !isLarge) return {}
  const earlier: Counted[] = []
  for (const point of history.toReversed()) {
    if (earlier.length === RUNS.most) break
    const counted = await countedIn(repository, point, disk.vdi, signal)
    if (counted !== undefined) earlier.push(counted)
  }
  if (earlier.length < RUNS.least) return {}
  const unusual = unusualSize(earlier, disk.bytes, options)
  const incompressible = unusualShare(earlier, disk.bytes, options)
  return { ...(unusual && { unusual }), ...(incompressible && { incompressible }) }
}

async function countedIn(repository: Repository, point: RestorePoint, vdi: string, signal?: AbortSignal) {
  try {
    const { record } = await openPoint(repository, point, signal)
    return record.disks.find((disk) => disk.vdi === vdi && disk.action !== 'full')?.bytes
  } catch (error) {
    if (error instanceof EngineError || error instanceof RepositoryError) return undefined // `check` reports it
    throw error
  }
}

/**
 * Keeps what a plan would forget, and what may be the last that is good: the points of a VM up to the first unusual one, and all unusual ones.
 * @param points all of the repository, oldest first
 */
export function holdUnusual(
  plan: ForgetPlan,
  points: readonly RestorePoint[],
): { plan: ForgetPlan; held: readonly SnapshotId[] } {
  const reasons = new Map<SnapshotId, string>()
  for (const [vm, own] of Map.groupBy(points, vmOf)) {
    const first = vm === undefined ? -1 : own.findIndex(isUnusual)
    const finder = own[first]
    if (finder === undefined) continue
    const reason = `held: what changed by ${finder.snapshot.time.toISOString()} is unusual`
    for (const [i, point] of own.entries()) if (i <= first || isUnusual(point)) reasons.set(point.snapshot.id, reason)
  }
  const held = plan.remove.filter((id) => reasons.has(id))
  const judged = ({ snapshot, keep, reasons: why }: Verdict): Verdict => {
    const reason = keep ? undefined : reasons.get(snapshot.id)
    return reason === undefined ? { snapshot, keep, reasons: why } : { snapshot, keep: true, reasons: [reason] }
  }
  const groups = plan.groups.map(({ name, verdicts }) => ({ name, verdicts: verdicts.map(judged) }))
  return { plan: { groups, remove: plan.remove.filter((id) => !reasons.has(id)) }, held }
}

const isUnusual = ({ snapshot }: RestorePoint): boolean => snapshot.tags?.includes(UNUSUAL) ?? false
