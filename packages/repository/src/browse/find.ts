import { BitSet } from '../bit-set.ts'
import { RepositoryError } from '../error.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { idAt, idBytes, ID_LENGTH, type BlobId, type BlobType } from '../id.ts'
import type { Repository } from '../repository.ts'
import { walkTree, type Entry } from './walk.ts'

/** Something that was looked for, in a snapshot. */
export interface Found extends Entry {
  readonly snapshot: Snapshot
}

/**
 * Entries whose name fits a pattern: `*`, `?`, `[a-z]`; with a slash in it the whole path is compared, and `**` stands for any
 * directories. As `restic find`.
 */
export async function* findNames(
  repository: Repository,
  snapshots: readonly Snapshot[],
  pattern: string,
  { ignoreCase = false }: { readonly ignoreCase?: boolean } = {},
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const isPath = pattern.includes('/')
  const fits = globPattern(isPath && !pattern.startsWith('/') ? `**/${pattern}` : pattern, ignoreCase)
  for (const snapshot of snapshots) {
    for await (const entry of walkTree(repository, snapshot.tree, {}, signal)) {
      if (fits.test(isPath ? entry.path : entry.node.name)) yield { snapshot, ...entry }
    }
  }
}

/** @throws RepositoryError REPOSITORY_INPUT when a bracket is not closed */
function globPattern(glob: string, ignoreCase: boolean): RegExp {
  const source = glob.replaceAll(/\*\*\/|\*\*|\*|\?|\[!?[^\]]*\]|[\\^$.|+(){}[\]]/g, (part) => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\')
    return `\\${part}`
  })
  try {
    return new RegExp(`^${source}$`, ignoreCase ? 'isu' : 'su')
  } catch (cause) {
    throw new RepositoryError('REPOSITORY_INPUT', `'${glob}' is no pattern`, { cause })
  }
}

/** Blobs to look for: by ID or the beginning of one, or all those of a pack. */
export interface BlobQuery {
  readonly kind: 'blob' | 'tree' | 'pack'
  readonly ids: readonly string[]
}

/** A file or directory that needs one of the blobs; `blob` is the first of them. `/` is the root of the snapshot. */
export interface FoundBlob {
  readonly snapshot: Snapshot
  readonly path: string
  readonly type: BlobType
  readonly blob: BlobId
}

/**
 * Which files of which snapshots need these blobs: asked for a pack, what its damage means. A bit for each blob of the index.
 * @throws RepositoryError REPOSITORY_INPUT when the index knows none of them
 */
export async function* findBlobs(
  repository: Repository,
  snapshots: readonly Snapshot[],
  query: BlobQuery,
  signal?: AbortSignal,
): AsyncGenerator<FoundBlob> {
  await repository.blobs.ready(signal)
  const index = repository.blobs.index()
  const wanted = wantedBlobs(repository, query)
  const wantedTree = (tree: BlobId) => wanted.has(index.find('tree', idBytes(tree)))
  for (const snapshot of snapshots) {
    if (wantedTree(snapshot.tree)) yield { snapshot, path: '/', type: 'tree', blob: snapshot.tree }
    for await (const { path, node } of walkTree(repository, snapshot.tree, {}, signal)) {
      const { subtree, content } = node
      if (subtree !== undefined && wantedTree(subtree)) yield { snapshot, path, type: 'tree', blob: subtree }
      let first = -1
      if (content === undefined) continue
      index.findMany('data', content, (position, entry) => {
        if (entry >= 0 && wanted.has(entry) && (first < 0 || position < first)) first = position
      })
      if (first >= 0) yield { snapshot, path, type: 'data', blob: idAt(content, first * ID_LENGTH) }
    }
  }
}

function wantedBlobs(repository: Repository, { kind, ids }: BlobQuery): BitSet {
  for (const id of ids) {
    if (/^[0-9a-f]{4,64}$/.test(id)) continue
    throw new RepositoryError('REPOSITORY_INPUT', `'${id}' is no beginning of an ID: 4 to 64 digits 0-9 a-f`)
  }
  const index = repository.blobs.index()
  const wanted = new BitSet(index.size)
  let found = 0
  for (const { entry, type, id, pack } of index.entries()) {
    const name = kind === 'pack' ? pack : idAt(id)
    const isKind = kind === 'pack' || (kind === 'tree') === (type === 'tree')
    if (isKind && ids.some((prefix) => name.startsWith(prefix)) && wanted.add(entry)) found++
  }
  if (found > 0) return wanted
  throw new RepositoryError('REPOSITORY_INPUT', `the index knows no ${kind} of ${ids.join(', ')}`)
}
