import { BitSet } from '../bit-set.ts'
import type { BlobIndex } from '../blob-index.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { TreeNode } from '../format/tree.ts'
import { idAt, idBytes, ID_LENGTH, type BlobId } from '../id.ts'
import { loadTree, type TreeSource } from '../point.ts'
import { BlobReader } from '../reader.ts'
import { attempt, type Check } from './context.ts'

/** Walks every tree once: it must decode, and all its blobs must be in an index and add up to the sizes of files. */
export async function checkTrees(check: Check, snapshots: readonly Snapshot[], index: BlobIndex): Promise<void> {
  const source = treeSource(check, index)
  const seen = new BitSet(index.size)
  for (const [i, snapshot] of snapshots.entries()) {
    const file = `snapshots/${snapshot.id}`
    const queue: { tree: BlobId; path: string }[] = [{ tree: snapshot.tree, path: '' }]
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { tree, path } = next
      const entry = index.find('tree', idBytes(tree))
      if (entry >= 0 && !seen.add(entry)) continue
      for (const node of await nodesOf(check, source, tree, entry, file)) {
        const name = `${path}/${node.name}`
        if (node.type === 'file') checkFile(check, node, name, file, index)
        if (node.subtree !== undefined) queue.push({ tree: node.subtree, path: name })
      }
    }
    check.onProgress({ phase: 'snapshots', done: i + 1, total: snapshots.length })
  }
}

async function nodesOf(
  check: Check,
  source: TreeSource,
  tree: BlobId,
  entry: number,
  file: string,
): Promise<TreeNode[]> {
  let nodes: TreeNode[] = []
  const missing = entry < 0 ? `tree ${tree}` : undefined
  if (missing !== undefined && check.losses.missing.has(missing)) return nodes // told with another snapshot
  const load = async () => void (nodes = await loadTree(source, tree, check.signal))
  const finding = await attempt(check, 'TREE_DAMAGED', file, load)
  if (finding === undefined) return nodes
  if (missing !== undefined) check.losses.missing.set(missing, finding)
  else if (!check.losses.blobs.has(entry)) check.losses.blobs.set(entry, finding)
  return nodes
}

function checkFile({ report, losses }: Check, node: TreeNode, path: string, file: string, index: BlobIndex): void {
  const { content } = node
  if (content === undefined) return void report('TREE_DAMAGED', file, `'${path}' has no list of blobs`)
  let size = 0
  let missing = Infinity
  index.findMany('data', content, (position, entry, plainSize) => {
    if (entry < 0) missing = Math.min(missing, position)
    size += plainSize
  })
  if (missing < Infinity) {
    const blob = `data ${idAt(content, missing * ID_LENGTH)}`
    if (losses.missing.has(blob)) return // told with another file
    const message = `'${path}' needs ${blob.replace(' ', ' blob ')}, which no index has`
    return void losses.missing.set(blob, report('BLOB_MISSING', file, message))
  }
  if (size !== (node.size ?? 0)) {
    report('FILE_SIZE', file, `'${path}' has ${size} bytes in its blobs, but a size of ${node.size ?? 0}`)
  }
}

/** Reads trees through the index of the check. */
export function treeSource(check: Check, index: BlobIndex): TreeSource {
  const reader = new BlobReader({ ...check, index: () => index, savePending: async () => {} })
  return { blobs: { reader, index: () => index, ready: async () => {} } }
}
