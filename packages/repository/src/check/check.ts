import { findAffected } from './affected.ts'
import type { Check, CheckParts, CheckProgress, Losses } from './context.ts'
import { checkData } from './data.ts'
import { checkKeysAndConfig, loadSnapshots } from './files.ts'
import type { CheckFinding } from './finding.ts'
import { checkIndexes } from './indexes.ts'
import { checkPackSizes } from './packs.ts'
import { assertSubset, type DataSubset } from './subset.ts'
import { checkTrees } from './trees.ts'

export interface CheckOptions {
  /** Load and verify packs: all, or some; false for only what indexes, trees and sizes tell. */
  readonly readData: boolean | DataSubset
}

export interface CheckReport {
  /** Empty when the repository is sound. */
  readonly errors: readonly CheckFinding[]
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
 * @throws RepositoryError REPOSITORY_INPUT for a subset that is none; the signal's reason
 */
export async function checkRepository(
  parts: CheckParts,
  { readData }: CheckOptions,
  onProgress: (progress: CheckProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<CheckReport> {
  if (typeof readData !== 'boolean') assertSubset(readData)
  const errors: CheckFinding[] = []
  const report: Check['report'] = (code, file, message) => {
    const finding: CheckFinding = { code, file, message }
    errors.push(finding)
    return finding
  }
  const losses: Losses = { blobs: new Map(), packs: new Map() }
  const check: Check = { ...parts, report, losses, onProgress, signal }
  await checkKeysAndConfig(check)
  const snapshots = await loadSnapshots(check) // before the indexes: a snapshot must not look younger than they
  const { index, packs } = await checkIndexes(check)
  const unusedPacks = await checkPackSizes(check, packs)
  await checkTrees(check, snapshots, index)
  const read =
    readData === false
      ? { packs: 0, bytes: 0 }
      : await checkData(check, index, packs, readData === true ? 'all' : readData)
  const affected = await findAffected(check, snapshots, index, losses)
  return {
    errors: errors.map((finding) => ({ ...finding, affects: affected.get(finding) ?? [] })),
    unusedPacks,
    snapshots: snapshots.length,
    packs: packs.length,
    packsRead: read.packs,
    blobs: index.size,
    bytesRead: read.bytes,
  }
}
