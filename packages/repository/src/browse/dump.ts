import { contentOf } from '../disk/content.ts'
import { readContent } from '../disk/read.ts'
import { RepositoryError } from '../error.ts'
import type { TreeNode } from '../format/tree.ts'
import type { BlobId } from '../id.ts'
import type { Repository } from '../repository.ts'
import { entryAt, listEntries } from './walk.ts'
import { tarEnd, tarHeader, tarPadding } from './tar.ts'

const ZEROS = new Uint8Array(1 << 20)

/** The bytes of a file in order, every blob verified; some megabytes in memory, whatever its size. */
async function* readEntry(
  repository: Repository,
  { content: ids = new Uint8Array() }: TreeNode,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await repository.blobs.ready(signal)
  const content = contentOf(ids, repository.blobs.index())
  for await (const { length, data } of readContent(repository, content, { holes: 'zeros' }, signal)) {
    if (data !== 'zero') yield data
    else for (let left = length as number; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left)
  }
}

/**
 * A file as its bytes, a directory as a tar archive of what is in it, as `restic dump` does.
 * @throws RepositoryError REPOSITORY_NO_ENTRY, REPOSITORY_INPUT (neither file nor directory), REPOSITORY_DAMAGED, …
 */
export async function* dump(
  repository: Repository,
  root: BlobId,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const entry = await entryAt(repository, root, path, signal)
  if (entry?.node.type === 'file') yield* readEntry(repository, entry.node, signal)
  else if (entry === undefined || entry.node.type === 'dir') yield* tarOf(repository, root, path, signal)
  else
    throw new RepositoryError(
      'REPOSITORY_INPUT',
      `${entry.path} is a ${entry.node.type}: only files and directories are dumped`,
    )
}

/** Names in the archive are whole paths without the first slash. Sockets have no place in an archive and are left out. */
async function* tarOf(
  repository: Repository,
  root: BlobId,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const { path: at, node } of listEntries(repository, root, path, { recursive: true }, signal)) {
    if (node.type === 'socket') continue
    yield tarHeader(at.slice(1), node)
    if (node.type !== 'file') continue
    yield* readEntry(repository, node, signal)
    yield tarPadding(node.size ?? 0)
  }
  yield tarEnd
}
