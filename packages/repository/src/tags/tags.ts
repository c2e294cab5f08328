import { unlessGone } from '../error.ts'
import { rewriteSnapshot } from '../format/snapshot.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { snapshotId, type SnapshotId } from '../id.ts'
import { assertRemovable } from '../protection.ts'
import type { Repository } from '../repository.ts'
import { loadUnpacked, saveOrRemove } from '../unpacked.ts'

/** What becomes of tags: these instead, or some more and some fewer. */
export type TagChange =
  | { readonly set: readonly string[] }
  | { readonly add?: readonly string[]; readonly remove?: readonly string[] }

/** A snapshot that has another name since its tags changed; found by `original` as before. */
export interface Retagged {
  readonly from: SnapshotId
  readonly to: SnapshotId
  readonly tags: readonly string[]
}

/**
 * Changes tags as restic does: a new snapshot file that names its `original` is durable before the old one goes. What
 * already has these tags stays. Take the exclusive lock first. Aborted, each snapshot has its old tags or its new ones, and at
 * worst one is there with both.
 * @throws RepositoryError REPOSITORY_APPEND_ONLY, before anything was changed
 */
export async function changeTags(
  repository: Repository,
  snapshots: readonly Snapshot[],
  change: TagChange,
  onProgress: (progress: { readonly done: number; readonly total: number }) => void = () => {},
  signal?: AbortSignal,
): Promise<readonly Retagged[]> {
  await assertRemovable(repository, 'changing tags', signal)
  const changed: Retagged[] = []
  for (const [i, snapshot] of snapshots.entries()) {
    signal?.throwIfAborted()
    const before = snapshot.tags ?? []
    const tags = changedTags(before, change)
    if (!sameTags(before, tags)) changed.push({ ...(await retag(repository, snapshot, tags, signal)), tags })
    onProgress({ done: i + 1, total: snapshots.length })
  }
  return changed
}

/** In their order, each once. */
function changedTags(before: readonly string[], change: TagChange): readonly string[] {
  if ('set' in change) return Array.from(new Set(change.set))
  const { add = [], remove = [] } = change
  return Array.from(new Set([...before, ...add])).filter((tag) => !remove.includes(tag))
}

const sameTags = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((tag, i) => tag === b[i])

async function retag(
  repository: Repository,
  { id, original }: Snapshot,
  tags: readonly string[],
  signal?: AbortSignal,
) {
  const { backend, sealer } = repository
  const file = { type: 'snapshots', name: id } as const
  const json = rewriteSnapshot(await loadUnpacked(backend, sealer, file, signal), { tags, original: original ?? id })
  const to = snapshotId(await saveOrRemove(backend, sealer, 'snapshots', json, signal))
  await backend.remove(file, signal).catch(unlessGone)
  return { from: id, to }
}
