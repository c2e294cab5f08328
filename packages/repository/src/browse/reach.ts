import type { BitSet } from '../bit-set.ts'
import { RepositoryError } from '../error.ts'
import type { TreeNode } from '../format/tree.ts'
import { idAt, idBytes, ID_LENGTH, type BlobId, type BlobType } from '../id.ts'
import { loadTree } from '../point.ts'
import type { Repository } from '../repository.ts'

/** A blob that a tree needs: the number of its index entry and its own size, in bytes. */
export type VisitBlob = (entry: number, plainSize: number, type: BlobType) => void

/**
 * Visits all blobs that a tree needs, each once for a `seen`: a bit for each blob of the index, however many there are. Trees in `seen` are
 * not read again.
 * @throws RepositoryError REPOSITORY_MISSING_BLOB
 */
export async function reach(
  repository: Repository,
  root: BlobId,
  seen: BitSet,
  { onBlob, onNode }: { readonly onBlob?: VisitBlob; readonly onNode?: (node: TreeNode) => void },
  signal?: AbortSignal,
): Promise<void> {
  await repository.blobs.ready(signal)
  const index = repository.blobs.index()
  const waiting: BlobId[] = [root]
  for (let tree = waiting.pop(); tree !== undefined; tree = waiting.pop()) {
    signal?.throwIfAborted()
    const entry = index.find('tree', idBytes(tree))
    if (entry < 0) throw missing('tree', tree)
    if (!seen.add(entry)) continue
    onBlob?.(entry, index.plainSize(entry), 'tree')
    for (const node of await loadTree(repository, tree, signal)) {
      onNode?.(node)
      if (node.subtree !== undefined) waiting.push(node.subtree)
      const ids = node.content
      if (ids === undefined) continue
      index.findMany('data', ids, (position, blob, plainSize) => {
        if (blob < 0) throw missing('data', idAt(ids, position * ID_LENGTH))
        if (seen.add(blob)) onBlob?.(blob, plainSize, 'data')
      })
    }
  }
}

const missing = (type: BlobType, id: BlobId): RepositoryError =>
  new RepositoryError('REPOSITORY_MISSING_BLOB', `${type} blob ${id} is in no index`)
