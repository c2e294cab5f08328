import { forEachBounded } from '@tidemark/blocks'
import type { FileName } from '../backends/backend.ts'
import { isRepositoryError, RepositoryError, unlessGone } from '../error.ts'
import { INDEX_BLOBS, IndexWriter } from '../index-writer.ts'
import type { RepositoryLock } from '../lock.ts'
import { assertRemovable } from '../protection.ts'
import type { Repository } from '../repository.ts'
import type { PruneFigures, PruneOptions, PruneProgress } from './options.ts'
import { packsOf } from './pack-tally.ts'
import { planPrune, type PrunePlan } from './plan.ts'
import { repackBlobs, type NewPack } from './repack.ts'

const REMOVALS_AT_ONCE = 4
/** A file that is being written is younger than this. */
const LEFTOVER_AGE_MS = 24 * 60 * 60_000

/**
 * What a prune would do, in figures.
 * @param lock exclusive: what a running backup has stored looks unused
 * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED
 */
export async function pruneFigures(
  repository: Repository,
  lock: RepositoryLock,
  options: Partial<PruneOptions> = {},
  onProgress: (progress: PruneProgress) => void = () => {},
  signal: AbortSignal = lock.signal,
): Promise<PruneFigures> {
  assertExclusive(lock)
  return (await planPrune(repository, options, onProgress, AbortSignal.any([signal, lock.signal]))).figures
}

/**
 * Removes what no snapshot needs: new packs, then new indexes, then old indexes go, then old packs. At every moment all that snapshots need is stored and
 * indexed; a crash leaves packs and indexes that the next prune clears away. An abort before the phase `delete` takes back what was written.
 * @param lock exclusive, as restic's: while a backup holds a shared lock nothing is removed
 * @throws RepositoryError REPOSITORY_APPEND_ONLY, REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED: before anything is removed
 */
export async function prune(
  repository: Repository,
  lock: RepositoryLock,
  options: Partial<PruneOptions> = {},
  onProgress: (progress: PruneProgress) => void = () => {},
  signal: AbortSignal = lock.signal,
): Promise<PruneFigures> {
  assertExclusive(lock)
  const stop = AbortSignal.any([signal, lock.signal])
  await assertRemovable(repository, 'prune', stop)
  const plan = await planPrune(repository, options, onProgress, stop)
  const written: FileName[] = []
  let replaced: readonly string[] = []
  try {
    const packs = await saveRepacked(repository, plan, written, onProgress, stop)
    replaced = await saveIndexes(repository, plan, packs, written, onProgress, stop)
    stop.throwIfAborted()
  } catch (error) {
    if (!lock.signal.aborted) await takeBack(repository, written)
    throw error
  }
  await removeOld(repository, plan, replaced, onProgress, stop)
  await repository.backend.sweep?.(new Date(Date.now() - LEFTOVER_AGE_MS), stop)
  await repository.loadIndex(stop)
  return plan.figures
}

function assertExclusive({ kind }: RepositoryLock): void {
  if (kind !== 'exclusive') throw new RepositoryError('REPOSITORY_INPUT', 'to prune takes an exclusive lock')
}

async function saveRepacked(
  repository: Repository,
  plan: PrunePlan,
  written: FileName[],
  onProgress: (progress: PruneProgress) => void,
  signal: AbortSignal,
): Promise<NewPack[]> {
  const packs: NewPack[] = []
  const onPack = (done: number) => onProgress({ phase: 'repack', done, total: plan.repack.size })
  const onSaving = (pack: NewPack) => {
    packs.push(pack)
    written.push({ type: 'data', name: pack.name })
  }
  await repackBlobs(repository, plan, onPack, onSaving, signal)
  return packs
}

/**
 * Writes indexes for the new packs, and anew what the old indexes say about packs that stay: only files that name a pack that goes, and with them those
 * that are not full.
 * @returns names of the index files that are replaced
 */
async function saveIndexes(
  repository: Repository,
  plan: PrunePlan,
  packs: readonly NewPack[],
  written: FileName[],
  onProgress: (progress: PruneProgress) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const goes = (pack: string) => plan.remove.has(pack) || plan.repack.has(pack)
  const affected = await affectedIndexes(repository, plan, goes, signal)
  if (affected.size === 0 && packs.length === 0) return []
  const writer = new IndexWriter(repository, (name) => written.push({ type: 'index', name }), signal)
  for (const pack of packs) await writer.addEncoded(pack.json, pack.blobs)
  let done = 0
  for await (const { name, packs: named } of packsOf(repository, plan.tallies, signal)) {
    if (!affected.has(name)) continue
    for (const { pack, blobs: inPack } of named) {
      if (!goes(pack)) await writer.add({ pack, blobs: inPack })
    }
    onProgress({ phase: 'index', done: ++done, total: affected.size })
  }
  await writer.end()
  return [...affected]
}

async function affectedIndexes(
  repository: Repository,
  plan: PrunePlan,
  goes: (pack: string) => boolean,
  signal: AbortSignal,
): Promise<Set<string>> {
  const affected = new Set<string>()
  const small: string[] = []
  for await (const { name, packs, isRepeated } of packsOf(repository, plan.tallies, signal)) {
    const blobs = packs.reduce((sum, pack) => sum + pack.blobs.length, 0)
    if (isRepeated || packs.length === 0 || packs.some(({ pack }) => goes(pack))) affected.add(name)
    else if (blobs < INDEX_BLOBS) small.push(name)
  }
  if (affected.size > 0 || small.length >= 10) for (const name of small) affected.add(name)
  return affected
}

/** From here on the old is what is too much. Indexes first: a pack that is gone must be in none. */
async function removeOld(
  repository: Repository,
  plan: PrunePlan,
  indexes: readonly string[],
  onProgress: (progress: PruneProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const packs = [...plan.remove, ...plan.repack, ...plan.unindexed]
  const total = indexes.length + packs.length
  let done = 0
  const removing = (type: 'index' | 'data') => async (name: string, stop: AbortSignal) => {
    await repository.backend.remove({ type, name }, stop).catch(unlessGone)
    onProgress({ phase: 'delete', done: ++done, total })
  }
  await forEachBounded(indexes, REMOVALS_AT_ONCE, removing('index'), signal)
  await forEachBounded(packs, REMOVALS_AT_ONCE, removing('data'), signal)
}

/** Newest first, so that no index names a pack that is gone. What cannot be removed now is garbage for the next prune. */
async function takeBack({ backend }: Repository, written: readonly FileName[]): Promise<void> {
  for (const file of written.toReversed()) {
    const isGone = await backend.remove(file).then(
      () => true,
      (error: unknown) => isRepositoryError(error, 'BACKEND_NOT_FOUND'),
    )
    if (!isGone) return
  }
}
