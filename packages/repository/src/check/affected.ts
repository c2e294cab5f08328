import { BitSet } from '../bit-set.ts'
import type { BlobIndex } from '../blob-index.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { TreeNode } from '../format/tree.ts'
import { idAt, idBytes, ID_LENGTH, type BlobId } from '../id.ts'
import { loadTree } from '../point.ts'
import type { Check, Losses } from './context.ts'
import type { Affected, CheckFinding } from './finding.ts'
import { treeSource } from './trees.ts'

/** Snapshots and paths that one finding names. */
const AFFECTED_MAX = 100

/** Findings whose blobs some snapshot needs: what cannot be restored for each. The others get an empty list. */
export async function findAffected(
  check: Check,
  snapshots: readonly Snapshot[],
  index: BlobIndex,
  losses: Losses,
): Promise<Map<CheckFinding, Affected[]>> {
  const affected = new Map<CheckFinding, Affected[]>()
  for (const found of [losses.blobs, losses.packs, losses.missing])
    for (const each of found.values()) affected.set(each, [])
  if (affected.size === 0) return affected
  const lost = lostEntries(index, losses)
  const findingOf = (entry: number) => losses.blobs.get(entry) ?? losses.packs.get(index.location(entry).pack)
  for (const snapshot of snapshots) {
    for await (const { entries, missing, path } of usesOf(check, snapshot, index, lost)) {
      for (const finding of new Set([...entries.map(findingOf), losses.missing.get(missing)])) {
        const list = finding && affected.get(finding)
        if (list !== undefined && list.length < AFFECTED_MAX) list.push({ snapshot: snapshot.id, path })
      }
    }
  }
  return affected
}

/** A bit for each entry: a whole repository may be lost. */
function lostEntries(index: BlobIndex, { blobs, packs }: Losses): BitSet {
  const lost = new BitSet(index.size)
  for (const entry of blobs.keys()) lost.add(entry)
  if (packs.size > 0) for (const { entry, pack } of index.entries()) if (packs.has(pack)) lost.add(entry)
  return lost
}

/** A file or directory that needs lost blobs: entries of the index, and the first one that no index has, '' for none. */
interface Use {
  readonly entries: readonly number[]
  readonly missing: string
  readonly path: string
}

/** Files and directories of a snapshot that need lost blobs. Trees that cannot be read were told of before. */
async function* usesOf(check: Check, snapshot: Snapshot, index: BlobIndex, lost: BitSet): AsyncGenerator<Use> {
  const source = treeSource(check, index)
  const queue: { tree: BlobId; path: string }[] = [{ tree: snapshot.tree, path: '' }]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { tree, path } = next
    const entry = index.find('tree', idBytes(tree))
    if (entry < 0 || lost.has(entry)) {
      yield {
        entries: entry < 0 ? [] : [entry],
        missing: entry < 0 ? `tree ${tree}` : '',
        path: path === '' ? '/' : path,
      }
      continue
    }
    for (const node of await loadTree(source, tree, check.signal).catch(() => noNodes(check.signal))) {
      const name = `${path}/${node.name}`
      if (node.subtree !== undefined) queue.push({ tree: node.subtree, path: name })
      const { entries, missing } = lostIn(node, index, lost)
      if (entries.length > 0 || missing !== '') yield { entries, missing, path: name }
    }
  }
}

function lostIn({ content }: TreeNode, index: BlobIndex, lost: BitSet): Pick<Use, 'entries' | 'missing'> {
  const entries = new Set<number>()
  let missing = Infinity
  if (content === undefined) return { entries: [], missing: '' }
  index.findMany('data', content, (position, entry) => {
    if (entry < 0) missing = Math.min(missing, position)
    else if (lost.has(entry)) entries.add(entry)
  })
  return { entries: [...entries], missing: missing < Infinity ? `data ${idAt(content, missing * ID_LENGTH)}` : '' }
}

function noNodes(signal: AbortSignal | undefined): TreeNode[] {
  signal?.throwIfAborted()
  return []
}
