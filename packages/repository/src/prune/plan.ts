import { filePath } from '../backends/backend.ts'
import { RepositoryError } from '../error.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { Repository } from '../repository.ts'
import { ADVICE, markUsed, type Marks } from './mark.ts'
import { pruneDefaults, type MaxUnused, type PruneFigures, type PruneOptions, type PruneProgress } from './options.ts'
import { tallyPacks, type PackTally, type Tallies } from './pack-tally.ts'

/** What a prune would do: nothing has happened yet. */
export interface PrunePlan {
  readonly figures: PruneFigures
  readonly options: PruneOptions
  readonly marks: Marks
  readonly tallies: Tallies
  /** Packs whose used blobs are written anew. */
  readonly repack: ReadonlySet<string>
  /** Packs that indexes name and no point needs; some may be gone already. */
  readonly remove: ReadonlySet<string>
  /** Packs that no index names. */
  readonly unindexed: readonly string[]
}

interface Candidate {
  readonly name: string
  readonly tally: PackTally
  readonly mustCompress: boolean
}

const SMALLEST_PACK = 4 << 20
const SMALL_SHARE = 0.8
/** Fewer small packs than these are not worth the trouble, and one that is always there must not be repacked each time. */
const SMALL_PACKS_MIN = 10

/**
 * Finds what no snapshot needs. Take the exclusive lock first: what a running backup has stored looks unused.
 * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED: then nothing is pruned
 */
export async function planPrune(
  repository: Repository,
  given: Partial<PruneOptions>,
  onProgress: (progress: PruneProgress) => void,
  signal: AbortSignal,
): Promise<PrunePlan> {
  const options = { ...pruneDefaults, ...given }
  const without = new Set(options.without)
  const snapshots: Snapshot[] = []
  for await (const snapshot of repository.snapshots(signal)) if (!without.has(snapshot.id)) snapshots.push(snapshot)
  await repository.loadIndex(signal)
  const marks = await markUsed(
    repository,
    snapshots,
    (done) => onProgress({ phase: 'snapshots', done, total: snapshots.length }),
    signal,
  )
  const tallies = await tallyPacks(repository, marks, signal)
  const { sizes, unindexed, unindexedBytes } = await listPacks(repository, tallies, signal)
  onProgress({ phase: 'packs', done: tallies.packs.size, total: tallies.packs.size })
  assertWhole(tallies, sizes)
  return decide({ options, marks, tallies, unindexed, unindexedBytes })
}

async function listPacks(repository: Repository, tallies: Tallies, signal: AbortSignal) {
  const sizes = new Map<string, number>()
  const unindexed: string[] = []
  let unindexedBytes = 0
  for await (const { name, size } of repository.backend.list('data', signal)) {
    if (tallies.packs.has(name)) sizes.set(name, size)
    else {
      unindexed.push(name)
      unindexedBytes += size
    }
  }
  return { sizes, unindexed, unindexedBytes }
}

/** A pack that a point needs must be there, and be as long as its blobs add up to. */
function assertWhole({ packs }: Tallies, sizes: ReadonlyMap<string, number>): void {
  for (const [name, { usedBlobs, usedBytes, unusedBytes }] of packs) {
    const size = sizes.get(name)
    const expected = usedBytes + unusedBytes
    if (usedBlobs === 0 || size === expected) continue
    const file = filePath({ type: 'data', name })
    const what = size === undefined ? 'is missing' : `has ${size} bytes, the indexes say ${expected}`
    throw new RepositoryError('REPOSITORY_DAMAGED', `${file} ${what}, and points need it; ${ADVICE}`, { file })
  }
}

interface Found {
  readonly options: PruneOptions
  readonly marks: Marks
  readonly tallies: Tallies
  readonly unindexed: readonly string[]
  readonly unindexedBytes: number
}

/** Restic's rules. @see restic, internal/repository/prune.go, decidePackAction */
function decide({ options, marks, tallies, unindexed, unindexedBytes }: Found): PrunePlan {
  const remove = new Set<string>()
  const candidates: Candidate[] = []
  const small: Candidate[] = []
  const smallBelow = SMALL_SHARE * (options.repackSmall ? options.packSize : Math.min(SMALLEST_PACK, options.packSize))
  const packs = { used: 0, partlyUsed: 0, unused: 0 }
  let removedBytes = 0
  for (const [name, tally] of tallies.packs) {
    packs[tally.usedBlobs === 0 ? 'unused' : tally.unusedBlobs === 0 ? 'used' : 'partlyUsed']++
    const mustCompress = tally.hasRaw && (tally.type === 'tree' || options.repackUncompressed)
    const candidate = { name, tally, mustCompress }
    if (tally.usedBlobs === 0) {
      remove.add(name)
      removedBytes += tally.unusedBytes
    } else if (options.repackCacheableOnly && tally.type === 'data') continue
    else if (tally.unusedBlobs > 0 || tally.type === 'mixed' || mustCompress) candidates.push(candidate)
    else if (sizeOf(candidate) < smallBelow) small.push(candidate)
  }
  if (small.length >= SMALL_PACKS_MIN) candidates.push(...small)
  candidates.sort((a, b) => rank(b, smallBelow) - rank(a, smallBelow) || wasted(b) - wasted(a))
  const unusedBytes = tallies.bytes.unused + tallies.bytes.duplicate
  const repack = new Set<string>()
  const allowed = allowedUnused(options.maxUnused, tallies.bytes.used)
  let repackBytes = 0
  for (const each of candidates) {
    const isTolerated = unusedBytes - removedBytes < allowed && sizeOf(each) >= smallBelow
    if (repackBytes + sizeOf(each) >= options.maxRepackBytes) continue
    if (isTolerated && each.tally.type === 'data' && !each.mustCompress) continue
    repack.add(each.name)
    repackBytes += sizeOf(each)
    removedBytes += each.tally.unusedBytes
  }
  const figures = {
    blobs: { ...tallies.blobs },
    bytes: {
      ...tallies.bytes,
      unindexed: unindexedBytes,
      repack: repackBytes,
      freed: removedBytes + unindexedBytes,
      remainingUnused: unusedBytes - removedBytes,
    },
    packs: { ...packs, unindexed: unindexed.length, repack: repack.size, remove: remove.size + unindexed.length },
  }
  return { figures, options, marks, tallies, repack, remove, unindexed }
}

const sizeOf = ({ tally }: Candidate): number => tally.usedBytes + tally.unusedBytes
const wasted = ({ tally }: Candidate): number => tally.unusedBytes / Math.max(1, tally.usedBytes)
/** Trees first, then what is small. */
const rank = (candidate: Candidate, smallBelow: number): number =>
  candidate.tally.type === 'data' ? (sizeOf(candidate) < smallBelow ? 1 : 0) : 2

/** A share is one of what is there afterwards, used and unused together. */
function allowedUnused(maxUnused: MaxUnused, used: number): number {
  if (maxUnused === 'unlimited') return Infinity
  if ('bytes' in maxUnused) return maxUnused.bytes
  return maxUnused.percent >= 100 ? Infinity : (used * maxUnused.percent) / (100 - maxUnused.percent)
}
