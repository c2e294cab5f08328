import { isRepositoryError, RepositoryError, unlessGone } from '../error.ts'
import { rewriteSnapshot, type Snapshot } from '../format/snapshot.ts'
import { encodeTree, encodeTreeParts, type TreeNode } from '../format/tree.ts'
import { blobName } from '../format/pack.ts'
import { idAt, idBytes, ID_LENGTH, snapshotId, type BlobId, type BlobType, type SnapshotId } from '../id.ts'
import type { RepositoryLock } from '../lock.ts'
import { loadTree } from '../point.ts'
import { assertRemovable } from '../protection.ts'
import type { Repository } from '../repository.ts'
import { LARGE_BLOB } from '../sealing/large.ts'
import { loadUnpacked, saveUnpacked } from '../unpacked.ts'
import { assertNowhere, MISSING_MAX, unindexedPacks } from './unindexed.ts'

/** Bytes of a tree's JSON for each byte of IDs: hex, quotes and a comma. */
const HEX_BYTES = 2.1

/** The tag of a snapshot that lost something. restic has the same. */
const REPAIRED_TAG = 'repaired'

export interface RepairSnapshotsOptions {
  /** Remove the incomplete snapshots when the repaired ones are durable. */
  readonly forget: boolean
  readonly dryRun: boolean
}

export interface SnapshotRepair {
  readonly from: SnapshotId
  /** Undefined in a dry run, and when nothing at all is left of it. */
  readonly to: SnapshotId | undefined
  /** Files and directories that cannot be restored, and are not in the repaired snapshot: `/web-01/disks/0-root/disk.raw`. */
  readonly dropped: readonly string[]
}

/**
 * Writes snapshots anew without the files that miss blobs: a file is whole or not there, never filled up with zeros. What is complete is
 * left alone. Incomplete ones stay beside the repaired, unless `forget`.
 * @param lock exclusive
 * @returns the incomplete ones
 * @throws RepositoryError REPOSITORY_INPUT when a pack that no index names has, or may have, what snapshots miss; REPOSITORY_APPEND_ONLY, with `forget`, before anything was changed
 */
export async function repairSnapshots(
  repository: Repository,
  lock: RepositoryLock,
  snapshots: readonly Snapshot[],
  { forget = false, dryRun = false }: Partial<RepairSnapshotsOptions> = {},
  onProgress: (progress: { readonly done: number; readonly total: number }) => void = () => {},
  signal: AbortSignal = lock.signal,
): Promise<readonly SnapshotRepair[]> {
  if (lock.kind !== 'exclusive') throw new RepositoryError('REPOSITORY_INPUT', 'to repair takes an exclusive lock')
  const stop = AbortSignal.any([signal, lock.signal])
  if (forget && !dryRun) await assertRemovable(repository, 'replacing snapshots', stop)
  await repository.blobs.ready(stop)
  await assertLost(repository, snapshots, stop)
  const pruner = new TreePruner(repository, dryRun, stop)
  const repairs: SnapshotRepair[] = []
  for (const [i, snapshot] of snapshots.entries()) {
    const { tree, dropped } = await pruner.prune(snapshot.tree, '')
    if (dropped.length > 0) {
      const to = dryRun || tree === undefined ? undefined : await replace(repository, snapshot, tree, forget, stop)
      if (forget && !dryRun) await repository.removeSnapshot(snapshot.id, stop).catch(unlessGone)
      repairs.push({ from: snapshot.id, to, dropped })
    }
    onProgress({ done: i + 1, total: snapshots.length })
  }
  return repairs
}

/** What points miss must not lie in a pack that no index names; what a killed repair left there does no harm. */
async function assertLost(repository: Repository, snapshots: readonly Snapshot[], signal: AbortSignal): Promise<void> {
  const packs = await unindexedPacks(repository, signal)
  if (packs.length === 0) return
  const missing = new Set<string>()
  const survey = new TreePruner(repository, true, signal, (type, id) => {
    if (missing.size < MISSING_MAX) missing.add(blobName({ type, id }))
  })
  for (const { tree } of snapshots) await survey.prune(tree, '')
  await assertNowhere(repository, missing, packs, signal)
}

async function replace(
  repository: Repository,
  { id, original, tags = [] }: Snapshot,
  tree: BlobId,
  forget: boolean,
  signal: AbortSignal,
): Promise<SnapshotId> {
  const { backend, sealer } = repository
  await repository.flush(signal)
  const json = await loadUnpacked(backend, sealer, { type: 'snapshots', name: id }, signal)
  const changed = rewriteSnapshot(json, {
    tree,
    tags: Array.from(new Set([...tags, REPAIRED_TAG])),
    ...(forget && { original: original ?? id }), // beside the old one it is a snapshot of its own
  })
  return snapshotId(await saveUnpacked(backend, sealer, 'snapshots', changed, signal))
}

interface Pruned {
  /** Undefined when nothing is left. */
  readonly tree: BlobId | undefined
  readonly dropped: readonly string[]
}

/** Takes out of trees what cannot be read. */
class TreePruner {
  readonly #repository: Repository
  readonly #dryRun: boolean
  readonly #signal: AbortSignal
  readonly #onMissing: (type: BlobType, id: Uint8Array) => void

  /** @param onMissing told of each blob that a tree names and that cannot be had */
  constructor(
    repository: Repository,
    dryRun: boolean,
    signal: AbortSignal,
    onMissing: (type: BlobType, id: Uint8Array) => void = () => {},
  ) {
    this.#repository = repository
    this.#dryRun = dryRun
    this.#signal = signal
    this.#onMissing = onMissing
  }

  async prune(tree: BlobId, path: string): Promise<Pruned> {
    const nodes = await this.#nodesOf(tree)
    if (nodes === undefined) return { tree: undefined, dropped: [path === '' ? '/' : path] }
    const kept: TreeNode[] = []
    const dropped: string[] = []
    for (const node of nodes) {
      const name = `${path}/${node.name}`
      const pruned = await this.#pruneNode(node, name)
      if (pruned.node !== undefined) kept.push(pruned.node)
      dropped.push(...pruned.dropped)
    }
    if (dropped.length === 0) return { tree, dropped }
    return { tree: this.#dryRun ? tree : await this.#save(kept), dropped }
  }

  async #pruneNode(node: TreeNode, path: string): Promise<{ node: TreeNode | undefined; dropped: readonly string[] }> {
    if (node.subtree !== undefined) {
      const { tree, dropped } = await this.prune(node.subtree, path)
      return { node: tree === undefined ? undefined : { ...node, subtree: tree }, dropped }
    }
    const isWhole = node.content === undefined || this.#hasAll(node.content)
    return { node: isWhole ? node : undefined, dropped: isWhole ? [] : [path] }
  }

  async #nodesOf(tree: BlobId): Promise<TreeNode[] | undefined> {
    try {
      return await loadTree(this.#repository, tree, this.#signal)
    } catch (error) {
      this.#signal.throwIfAborted()
      if (isRepositoryError(error, 'REPOSITORY_DAMAGED') || isRepositoryError(error, 'REPOSITORY_MISSING_BLOB')) {
        this.#onMissing('tree', idBytes(tree))
        return undefined
      }
      throw error
    }
  }

  #hasAll(content: Uint8Array): boolean {
    let missing = 0
    this.#repository.blobs.index().findMany('data', content, (position, entry) => {
      if (entry >= 0) return
      missing++
      this.#onMissing('data', content.subarray(position * ID_LENGTH, (position + 1) * ID_LENGTH))
    })
    return missing === 0
  }

  async #save(nodes: readonly TreeNode[]): Promise<BlobId> {
    const ids = nodes.reduce((sum, { content }) => sum + (content?.length ?? 0), 0)
    if (ids * HEX_BYTES <= LARGE_BLOB)
      return (await this.#repository.saveBlob('tree', encodeTree(nodes), this.#signal)).id
    return idAt((await this.#repository.blobs.writer.acceptLarge('tree', () => encodeTreeParts(nodes))).id)
  }
}
