import { RepositoryError } from '../error.ts'
import type { TreeNode } from '../format/tree.ts'
import type { BlobId } from '../id.ts'
import { loadTree } from '../point.ts'
import type { Repository } from '../repository.ts'

/** A file or directory of a snapshot. */
export interface Entry {
  /** Absolute, with forward slashes: `/web-01/vm.json`. */
  readonly path: string
  readonly node: TreeNode
}

/** Decides whether to go into a directory. */
export type Enter = (entry: Entry, subtree: BlobId) => boolean

/**
 * All entries below a tree, a directory before what is in it, names in order. One list of nodes for each level is in memory.
 * @throws RepositoryError REPOSITORY_DAMAGED, REPOSITORY_MISSING_BLOB
 */
export async function* walkTree(
  repository: Repository,
  tree: BlobId,
  { under = '', enter = () => true }: { readonly under?: string; readonly enter?: Enter } = {},
  signal?: AbortSignal,
): AsyncGenerator<Entry> {
  for (const node of await loadTree(repository, tree, signal)) {
    signal?.throwIfAborted()
    const entry = { path: `${under}/${node.name}`, node }
    yield entry
    const { subtree } = node
    if (subtree !== undefined && enter(entry, subtree)) {
      yield* walkTree(repository, subtree, { under: entry.path, enter }, signal)
    }
  }
}

/**
 * The entry at a path; undefined for `/`, the root itself.
 * @throws RepositoryError REPOSITORY_NO_ENTRY, naming the part of the path that is not there
 */
export async function entryAt(
  repository: Repository,
  root: BlobId,
  path: string,
  signal?: AbortSignal,
): Promise<Entry | undefined> {
  let found: Entry | undefined
  for (const name of path.split('/').filter((part) => part !== '' && part !== '.')) {
    const under = found?.path ?? ''
    const tree = found === undefined ? root : found.node.subtree
    const nodes = tree === undefined ? [] : await loadTree(repository, tree, signal)
    const node = nodes.find((each) => each.name === name)
    if (node === undefined) {
      throw new RepositoryError('REPOSITORY_NO_ENTRY', `the snapshot has no ${under}/${name}`)
    }
    found = { path: `${under}/${name}`, node }
  }
  return found
}

/**
 * Entries at and below a path.
 * @throws RepositoryError REPOSITORY_NO_ENTRY
 */
export async function* listEntries(
  repository: Repository,
  root: BlobId,
  path: string,
  options: { readonly recursive: boolean },
  signal?: AbortSignal,
): AsyncGenerator<Entry> {
  const top = await entryAt(repository, root, path, signal)
  if (top !== undefined) yield top
  const tree = top === undefined ? root : top.node.subtree
  const enter = () => options.recursive
  if (tree !== undefined) yield* walkTree(repository, tree, { under: top?.path ?? '', enter }, signal)
}
