import type { BlobIndex } from '../blob-index.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { findAffected } from './affected.ts'
import type { Check, CheckParts, CheckProgress, Losses } from './context.ts'
import { checkData } from './data.ts'
import { checkKeysAndConfig, checkLocks, loadSnapshots } from './files.ts'
import type { CheckFinding } from './finding.ts'
import { checkIndexes } from './indexes.ts'
import { checkPackSizes } from './packs.ts'
import { assertSubset, type DataSubset } from './subset.ts'
import { checkTrees } from './trees.ts'

/** Findings that are kept: a repository that lost its indexes has millions. */
const FINDINGS_MAX = 10_000
/** Up to this many blobs trees are read beside the packs; of larger repositories both may take much memory. */
const BESIDE_MAX = 500_000

export interface CheckOptions {
  /** Load and verify packs: all, or some; false for only what indexes, trees and sizes tell. */
  readonly readData: boolean | DataSubset
}

export interface CheckReport {
  /** Empty when the repository is sound. */
  readonly errors: readonly CheckFinding[]
  /** How many more there are than `errors` has. */
  readonly errorsOmitted: number
  /** Nothing wrong, but space to win: packs in no index, left by an interrupted backup. */
  readonly unusedPacks: readonly string[]
  readonly snapshots: number
  readonly packs: number
  /** Packs that were read and verified, of `packs`. */
  readonly packsRead: number
  readonly blobs: number
  /** Bytes of packs that were read and verified. */
  readonly bytesRead: number
}

/**
 * Compares what is stored with what indexes, trees and hashes say. Damage is collected, never thrown.
 * @throws RepositoryError REPOSITORY_INPUT for a subset that is none, BACKEND_UNAVAILABLE; the signal's reason
 */
export async function checkRepository(
  parts: CheckParts,
  { readData }: CheckOptions,
  onProgress: (progress: CheckProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<CheckReport> {
  if (typeof readData !== 'boolean') assertSubset(readData)
  const errors: CheckFinding[] = []
  let errorsOmitted = 0
  const report: Check['report'] = (code, file, message) => {
    const finding: CheckFinding = { code, file, message }
    if (errors.length < FINDINGS_MAX) errors.push(finding)
    else errorsOmitted++
    return finding
  }
  const losses: Losses = { blobs: new Map(), packs: new Map(), missing: new Map() }
  const check: Check = { ...parts, report, losses, onProgress, signal }
  await checkKeysAndConfig(check)
  await checkLocks(check)
  const snapshots = await loadSnapshots(check) // before the indexes: a snapshot must not look younger than they
  const { index, packs } = await checkIndexes(check)
  const unusedPacks = await checkPackSizes(check, packs)
  const read = await checkContents(check, snapshots, index, (each) =>
    readData === false
      ? Promise.resolve({ packs: 0, bytes: 0 })
      : checkData(each, index, packs, readData === true ? 'all' : readData),
  )
  const affected = await findAffected(check, snapshots, index, losses)
  return {
    errors: errors.map((finding) => ({ ...finding, affects: affected.get(finding) ?? [] })),
    errorsOmitted,
    unusedPacks,
    snapshots: snapshots.length,
    packs: packs.length,
    packsRead: read.packs,
    blobs: index.size,
    bytesRead: read.bytes,
  }
}

/** Trees on this thread, packs on others. What fails first ends both. */
async function checkContents<Read>(
  check: Check,
  snapshots: readonly Snapshot[],
  index: BlobIndex,
  readPacks: (check: Check) => Promise<Read>,
): Promise<Read> {
  if (index.size > BESIDE_MAX) {
    await checkTrees(check, snapshots, index)
    return readPacks(check)
  }
  const stop = new AbortController()
  const signal = check.signal === undefined ? stop.signal : AbortSignal.any([check.signal, stop.signal])
  const running = [checkTrees({ ...check, signal }, snapshots, index), readPacks({ ...check, signal })] as const
  try {
    return (await Promise.all(running))[1]
  } catch (error) {
    stop.abort(error)
    throw error
  } finally {
    await Promise.allSettled(running)
  }
}
