import { RepositoryError } from '../error.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { TreeNode } from '../format/tree.ts'
import { idAt, idBytes, ID_LENGTH, type BlobId, type BlobType } from '../id.ts'
import { loadTree } from '../point.ts'
import type { Repository } from '../repository.ts'

/** What a prune knows of each blob of the index, one byte for each: 0 when no point needs it, else how often it is stored, and one. */
export type Marks = Uint8Array

export const UNUSED = 0
/** Needed, and not seen in a pack yet. */
export const USED = 1

/**
 * Marks all blobs that snapshots need: one byte a blob, whatever their number, and the trees on the way.
 * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED: what is not understood must not be pruned
 */
export async function markUsed(
  repository: Repository,
  snapshots: readonly Snapshot[],
  onSnapshot: (done: number) => void,
  signal: AbortSignal,
): Promise<Marks> {
  const index = repository.blobs.index()
  const marks = new Uint8Array(index.size)
  for (const [i, snapshot] of snapshots.entries()) {
    const queue: BlobId[] = [snapshot.tree]
    for (let tree = queue.pop(); tree !== undefined; tree = queue.pop()) {
      signal.throwIfAborted()
      const entry = index.find('tree', idBytes(tree))
      if (entry < 0) throw missing('tree', tree, snapshot)
      if (marks[entry] === USED) continue
      marks[entry] = USED
      for (const node of await treeOf(repository, tree, snapshot, signal)) {
        if (node.subtree !== undefined) queue.push(node.subtree)
        markContent(repository, marks, node, snapshot)
      }
    }
    onSnapshot(i + 1)
  }
  return marks
}

function markContent(repository: Repository, marks: Marks, { content }: TreeNode, snapshot: Snapshot): void {
  if (content === undefined) return
  repository.blobs.index().findMany('data', content, (position, entry) => {
    if (entry < 0) throw missing('data', idAt(content, position * ID_LENGTH), snapshot)
    marks[entry] = USED
  })
}

async function treeOf(repository: Repository, tree: BlobId, snapshot: Snapshot, signal: AbortSignal) {
  try {
    return await loadTree(repository, tree, signal)
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error
    throw new RepositoryError(error.code, `snapshot ${snapshot.id} cannot be followed: ${error.message}; ${ADVICE}`, {
      cause: error,
      ...(error.file !== undefined && { file: error.file }),
    })
  }
}

/** What every refusal ends with. */
export const ADVICE =
  'nothing was pruned, so that no more is lost. Run `tidemark check`; `tidemark repair index` finds packs that the index has lost; points that cannot ' +
  'be saved can be forgotten by their ID, then prune again'

const missing = (type: BlobType, id: BlobId, snapshot: Snapshot): RepositoryError =>
  new RepositoryError(
    'REPOSITORY_MISSING_BLOB',
    `snapshot ${snapshot.id} needs ${type} blob ${id}, which no index has; ${ADVICE}`,
    { file: `snapshots/${snapshot.id}` },
  )
