import type { Bytes } from '@tidemark/blocks'
import type { DiskContent } from './disk/content.ts'
import { RepositoryError } from './error.ts'
import { goTime } from './format/go-json.ts'
import type { Snapshot, SnapshotSummary } from './format/snapshot.ts'
import { DIRECTORY_MODE, encodeTree, encodeTreeParts, PRIVATE_FILE_MODE, type TreeNode } from './format/tree.ts'
import { idAt, idBytes, ID_LENGTH, type BlobId, type BlobType, type SnapshotId } from './id.ts'
import { DISK_FILE, METADATA_FILE, VM_FILE, type PointDisk } from './point.ts'
import type { Repository } from './repository.ts'
import { LARGE_BLOB } from './sealing/large.ts'
import { newTally, type Tally } from './writer.ts'

/** A restore point to be written: one VM at one time. restic-format.md §14. */
export interface NewPoint {
  /** Directory of the VM: `[A-Za-z0-9._-]` only. */
  readonly slug: string
  readonly time: Date
  /** VM name, sanitised: `restic mount` shows `hosts/<hostname>/latest`. */
  readonly hostname: string
  /** One per VM, so that forget's grouping by host and paths is per VM: `/<pool>/<vm-uuid>`. */
  readonly paths: readonly string[]
  readonly tags: readonly string[]
  readonly parent?: SnapshotId
  readonly username?: string
  /** `tidemark x.y.z`. */
  readonly programVersion: string
  readonly vmJson: Uint8Array
  /** Archive of `export_metadata`. */
  readonly metadata?: Uint8Array
  readonly disks: readonly NewPointDisk[]
  /** When the run that made it ended; as `time` when absent. What it stored is counted, and `restic snapshots` shows it. */
  readonly endedAt?: Date
}

/** A disk of a new point: written anew, or as it is in an earlier one. */
export type NewPointDisk =
  | {
      readonly position: number
      readonly vdiUuid: string
      readonly content: DiskContent
      /** What storing the content added: nothing when absent. */
      readonly added?: Readonly<Tally>
      /** The changed-block bitmap that was used. */
      readonly bitmap?: Uint8Array
    }
  | {
      readonly position: number
      readonly vdiUuid: string
      /** Nothing changed: the earlier point's entry is taken over byte for byte, and costs one directory entry. */
      readonly unchangedFrom: PointDisk
      /** Of the disk, in bytes. */
      readonly size: Bytes
      readonly bitmap?: Uint8Array
    }

/** Small files are cut into blobs of this size. */
const FILE_PIECE = 1 << 20
/** Bytes of an ID in a list. */
const LIST_BYTES = 67

/**
 * Writes the tree of a point, makes everything durable, then writes the snapshot file: with it the point exists.
 * @throws RepositoryError REPOSITORY_INPUT (a name that would need quoting), what the backend throws
 */
export async function savePoint(repository: Repository, point: NewPoint, signal?: AbortSignal): Promise<Snapshot> {
  assertName(point.slug)
  const time = goTime(point.time)
  const save = new TreeSaver(repository, { time, isFirst: point.parent === undefined }, signal)
  const disks: TreeNode[] = []
  const bitmaps: TreeNode[] = []
  for (const disk of point.disks) {
    const name = diskName(disk)
    disks.push(await save.disk(name, disk))
    if (disk.bitmap !== undefined) bitmaps.push(await save.file(`${name}.cbt`, disk.bitmap))
  }
  const vm = [await save.file(VM_FILE, point.vmJson)]
  if (point.metadata !== undefined) vm.push(await save.file(METADATA_FILE, point.metadata))
  vm.push(await save.directory('disks', disks))
  if (bitmaps.length > 0) vm.push(await save.directory('bitmaps', bitmaps))
  const tree = await save.tree([await save.directory(point.slug, vm)])
  const { hostname, paths, tags, parent, username, programVersion } = point
  const snapshot = {
    time: point.time,
    ...(parent !== undefined && { parent }),
    tree,
    paths,
    hostname,
    ...(username !== undefined && { username }),
    tags,
    programVersion,
    summary: { backupStart: point.time, backupEnd: point.endedAt ?? point.time, ...save.counted },
  }
  return { id: await repository.saveSnapshot(snapshot, signal), ...snapshot }
}

type Counted = { -readonly [Key in Exclude<keyof SnapshotSummary, 'backupStart' | 'backupEnd'>]: number }

/** Saves files and directories, all with the time of the point: a disk that did not change keeps its older one. */
class TreeSaver {
  readonly counted: Counted = {
    filesNew: 0,
    filesChanged: 0,
    filesUnmodified: 0,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: 0,
    dataBlobs: 0,
    treeBlobs: 0,
    dataAdded: 0,
    dataAddedPacked: 0,
    totalFilesProcessed: 0,
    totalBytesProcessed: 0,
  }
  readonly #repository: Repository
  readonly #time: string
  /** Whether no point was there to compare with. */
  readonly #isFirst: boolean
  readonly #signal: AbortSignal | undefined

  constructor(
    repository: Repository,
    { time, isFirst }: { readonly time: string; readonly isFirst: boolean },
    signal: AbortSignal | undefined,
  ) {
    this.#repository = repository
    this.#time = time
    this.#isFirst = isFirst
    this.#signal = signal
  }

  async tree(nodes: readonly TreeNode[]): Promise<BlobId> {
    const ids = nodes.reduce((sum, { content }) => sum + (content?.length ?? 0) / ID_LENGTH, 0)
    return ids * LIST_BYTES > LARGE_BLOB ? this.#largeTree(nodes) : this.#blob('tree', encodeTree(nodes))
  }

  async #largeTree(nodes: readonly TreeNode[]): Promise<BlobId> {
    await this.#repository.blobs.ready(this.#signal)
    this.#signal?.throwIfAborted()
    const tally = newTally()
    const { id } = await this.#repository.blobs.writer.acceptLarge('tree', () => encodeTreeParts(nodes), tally)
    this.#countAdded('tree', tally)
    return idAt(id)
  }

  async #blob(type: BlobType, data: Uint8Array): Promise<BlobId> {
    const { id, isNew, storedBytes } = await this.#repository.saveBlob(type, data, this.#signal)
    if (isNew) this.#countAdded(type, { blobsNew: 1, bytesNew: data.length, bytesStored: storedBytes })
    return id
  }

  #countAdded(type: BlobType, { blobsNew, bytesNew, bytesStored }: Readonly<Tally>): void {
    this.counted[type === 'tree' ? 'treeBlobs' : 'dataBlobs'] += blobsNew
    this.counted.dataAdded += bytesNew
    this.counted.dataAddedPacked += bytesStored
  }

  async directory(name: string, nodes: readonly TreeNode[]): Promise<TreeNode> {
    const subtree = await this.tree(nodes)
    return { ...this.#node(name, 'dir', DIRECTORY_MODE), content: undefined, subtree }
  }

  async file(name: string, data: Uint8Array): Promise<TreeNode> {
    const ids: Uint8Array[] = []
    for (let at = 0; at < data.length; at += FILE_PIECE) {
      ids.push(idBytes(await this.#blob('data', data.subarray(at, at + FILE_PIECE))))
    }
    return this.#fileNode(name, data.length as Bytes, Buffer.concat(ids))
  }

  async disk(name: string, disk: NewPointDisk): Promise<TreeNode> {
    if ('unchangedFrom' in disk) {
      this.#countFile('filesUnmodified', disk.size)
      return { ...disk.unchangedFrom.node, name }
    }
    if (disk.added !== undefined) this.#countAdded('data', disk.added)
    return this.directory(name, [this.#fileNode(DISK_FILE, disk.content.size, disk.content.ids)])
  }

  #fileNode(name: string, size: Bytes, content: Uint8Array): TreeNode {
    this.#countFile(this.#isFirst ? 'filesNew' : 'filesChanged', size)
    return { ...this.#node(name, 'file', PRIVATE_FILE_MODE), ...(size > 0 && { size }), content }
  }

  #countFile(as: 'filesNew' | 'filesChanged' | 'filesUnmodified', size: Bytes): void {
    this.counted[as]++
    this.counted.totalFilesProcessed++
    this.counted.totalBytesProcessed += size
  }

  #node(name: string, type: 'file' | 'dir', mode: number) {
    assertName(name)
    return { name, type, mode, mtime: this.#time, atime: this.#time, ctime: this.#time, uid: 0, gid: 0 } as const
  }
}

const diskName = ({ position, vdiUuid }: { position: number; vdiUuid: string }): string => `${position}-${vdiUuid}`

/** Names that restic's quoting leaves alone; the true name of a VM is in vm.json. */
function assertName(name: string): void {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name === '.' || name === '..') {
    throw new RepositoryError(
      'REPOSITORY_INPUT',
      `'${name}' is no name for the tree: only A-Z a-z 0-9 . _ - are allowed`,
    )
  }
}
