import { contentOf, type DiskContent } from './disk/content.ts'
import { RepositoryError } from './error.ts'
import type { Snapshot } from './format/snapshot.ts'
import { decodeTree, type TreeNode } from './format/tree.ts'
import { TreeDecoder } from './format/tree-parts.ts'
import { dropped } from './garbage.ts'
import { idAt, idBytes, ID_LENGTH, type BlobId } from './id.ts'
import type { BlobReader } from './reader.ts'
import type { BlobStore, Repository } from './repository.ts'
import { LARGE_BLOB } from './sealing/large.ts'
import { damaged } from './unpacked.ts'

/** A restore point as read back. */
export interface Point {
  readonly snapshot: Snapshot
  readonly slug: string
  readonly vmJson: Uint8Array
  readonly metadata: Uint8Array | undefined
  /** By position. */
  readonly disks: readonly PointDisk[]
}

export interface PointDisk {
  readonly position: number
  readonly vdiUuid: string
  /** The directory entry `disks/<n>-<vdi-uuid>`. */
  readonly node: TreeNode
  /**
   * The pieces of the disk; loads its list, 67 bytes a piece, each time.
   * @throws RepositoryError REPOSITORY_DAMAGED when the pieces do not add up to the file's size, REPOSITORY_MISSING_BLOB
   */
  content(signal?: AbortSignal): Promise<DiskContent>
  /** The changed-block bitmap stored with the point, if any. */
  bitmap(signal?: AbortSignal): Promise<Uint8Array | undefined>
}

export const VM_FILE = 'vm.json'
export const METADATA_FILE = 'metadata.xva'
export const DISK_FILE = 'disk.raw'

/**
 * Reads a restore point.
 * @throws RepositoryError REPOSITORY_NO_POINT for a snapshot without the tree of a point, REPOSITORY_DAMAGED, …
 */
export async function loadPoint(repository: Repository, snapshot: Snapshot, signal?: AbortSignal): Promise<Point> {
  const root = await loadTree(repository, snapshot.tree, signal)
  const top = root.find((node) => node.type === 'dir' && node.subtree !== undefined)
  const vm = top?.subtree === undefined ? [] : await loadTree(repository, top.subtree, signal)
  const vmFile = vm.find(({ name }) => name === VM_FILE)
  const diskDirectory = vm.find(({ name }) => name === 'disks')?.subtree
  if (top === undefined || vmFile === undefined || diskDirectory === undefined) {
    throw new RepositoryError(
      'REPOSITORY_NO_POINT',
      `snapshot ${snapshot.id} was not made by Tidemark: it has no ${VM_FILE}`,
    )
  }
  const metadata = vm.find(({ name }) => name === METADATA_FILE)
  const bitmapDirectory = vm.find(({ name }) => name === 'bitmaps')?.subtree
  const entries = await loadTree(repository, diskDirectory, signal)
  const disks = entries.flatMap((node) => pointDisk(repository, node, bitmapDirectory) ?? [])
  return {
    snapshot,
    slug: top.name,
    vmJson: await loadFile(repository, vmFile, signal),
    metadata: metadata === undefined ? undefined : await loadFile(repository, metadata, signal),
    disks: disks.sort((a, b) => a.position - b.position),
  }
}

/** Where trees are read from: a repository, or a check's own view of one. */
export interface TreeSource {
  readonly blobs: Pick<BlobStore, 'reader' | 'index' | 'ready'>
}

/** Nodes of a stored tree. @throws RepositoryError REPOSITORY_DAMAGED, REPOSITORY_MISSING_BLOB */
export async function loadTree({ blobs }: TreeSource, id: BlobId, signal?: AbortSignal): Promise<TreeNode[]> {
  await blobs.ready(signal)
  const length = blobs.index().lookup('tree', id)?.uncompressedLength ?? 0
  const nodes = length > LARGE_BLOB ? await loadLargeTree(blobs.reader, id, length, signal) : undefined
  if (nodes !== undefined) return nodes
  const bytes = await blobs.reader.load('tree', idBytes(id), signal)
  try {
    return decodeTree(bytes)
  } catch (cause) {
    throw damaged(`tree ${id}`, (cause as Error).message, cause)
  }
}

/** A tree with a long list, of which only the IDs are ever in memory; undefined when the list has an unusual form. */
async function loadLargeTree(
  reader: BlobReader,
  id: BlobId,
  length: number,
  signal?: AbortSignal,
): Promise<TreeNode[] | undefined> {
  const decoder = new TreeDecoder(length)
  for await (const part of reader.parts('tree', idBytes(id), signal)) {
    if (!decoder.push(part)) return undefined
    dropped(part.length)
  }
  try {
    return decoder.finish()
  } catch (cause) {
    throw damaged(`tree ${id}`, (cause as Error).message, cause)
  }
}

/** All bytes of a small file. */
export async function loadFile(repository: Repository, node: TreeNode, signal?: AbortSignal): Promise<Uint8Array> {
  const ids = node.content ?? new Uint8Array()
  const parts: Uint8Array[] = []
  for (let at = 0; at < ids.length; at += ID_LENGTH)
    parts.push(await repository.loadBlob('data', idAt(ids, at), signal))
  return Buffer.concat(parts)
}

function pointDisk(repository: Repository, node: TreeNode, bitmaps: BlobId | undefined): PointDisk | undefined {
  const [, position, vdiUuid] = /^(\d+)-(.+)$/.exec(node.name) ?? []
  const { subtree } = node
  if (position === undefined || vdiUuid === undefined || subtree === undefined) return undefined
  return {
    position: Number(position),
    vdiUuid,
    node,
    content: (signal) => loadDisk(repository, node.name, subtree, signal),
    async bitmap(signal) {
      if (bitmaps === undefined) return undefined
      const file = (await loadTree(repository, bitmaps, signal)).find(({ name }) => name === `${node.name}.cbt`)
      return file === undefined ? undefined : loadFile(repository, file, signal)
    },
  }
}

async function loadDisk(
  repository: Repository,
  disk: string,
  tree: BlobId,
  signal?: AbortSignal,
): Promise<DiskContent> {
  const file = (await loadTree(repository, tree, signal)).find(({ name }) => name === DISK_FILE)
  if (file?.content === undefined) throw damaged(`tree ${tree}`, `disk ${disk} has no ${DISK_FILE}`)
  await repository.blobs.ready(signal)
  const content = contentOf(file.content, repository.blobs.index())
  if (content.size !== (file.size ?? 0)) {
    throw damaged(
      `tree ${tree}`,
      `disk ${disk} has ${content.size} bytes in its pieces, but a size of ${file.size ?? 0}`,
    )
  }
  return content
}
