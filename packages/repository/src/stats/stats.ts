import { BitSet } from '../bit-set.ts'
import { reach } from '../browse/reach.ts'
import { walkTree } from '../browse/walk.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { ID_LENGTH, sha256Hex, type BlobType } from '../id.ts'
import type { Repository } from '../repository.ts'

/** What a repository or some of its snapshots take, as `restic stats` counts it. */
export interface Stats {
  readonly snapshots: number
  /** restore-size: files, and bytes of all of them restored; a hard link counts once a snapshot. */
  readonly files: number
  readonly restoreBytes: number
  /** files-by-contents: files with different content. */
  readonly distinctFiles: number
  readonly distinctFileBytes: number
  /** blobs-per-file: places in files where a blob is named. */
  readonly fileBlobs: number
  /** raw-data: different blobs that these snapshots need, before compression and as stored. */
  readonly blobs: number
  readonly plainBytes: number
  readonly storedBytes: number
  /** Restored bytes to different bytes of files before compression: 3 when each is there three times. */
  readonly dedupFactor: number
  /** Bytes before compression to bytes stored. */
  readonly compressionRatio: number
}

export interface StatsProgress {
  readonly done: number
  readonly total: number
}

/**
 * Counts what snapshots need and what would be restored. Memory: two bits for each blob of the index, and a number for each distinct file.
 * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED
 */
export async function statsOf(
  repository: Repository,
  snapshots: readonly Snapshot[],
  onProgress: (progress: StatsProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<Stats> {
  await repository.blobs.ready(signal)
  const index = repository.blobs.index()
  const seen = new BitSet(index.size)
  const contents = new Set<number>()
  const count = { files: 0, restoreBytes: 0, distinctFiles: 0, distinctFileBytes: 0, fileBlobs: 0 }
  const raw = { blobs: 0, plainBytes: 0, storedBytes: 0 }
  let dataBytes = 0
  for (const [i, snapshot] of snapshots.entries()) {
    const links = new Set<string>()
    for await (const { node } of walkTree(repository, snapshot.tree, {}, signal)) {
      if (node.type !== 'file') continue
      const ids = node.content ?? new Uint8Array()
      const link = `${node.device_id ?? 0} ${node.inode ?? 0}`
      const isRepeated = Number(node.links ?? 1) > 1 && node.inode !== undefined && links.has(link)
      links.add(link)
      count.files++
      if (!isRepeated) count.restoreBytes += node.size ?? 0
      const key = Number.parseInt(sha256Hex(ids).slice(0, 13), 16) // 52 bits tell ten million files apart
      if (contents.has(key)) continue
      contents.add(key)
      count.distinctFiles++
      count.distinctFileBytes += node.size ?? 0
      count.fileBlobs += ids.length / ID_LENGTH
    }
    const onBlob = (entry: number, plainSize: number, type: BlobType) => {
      raw.blobs++
      if (type === 'data') dataBytes += plainSize
      raw.plainBytes += plainSize
      raw.storedBytes += index.location(entry).length
    }
    await reach(repository, snapshot.tree, seen, { onBlob }, signal)
    onProgress({ done: i + 1, total: snapshots.length })
  }
  return {
    snapshots: snapshots.length,
    ...count,
    ...raw,
    dedupFactor: ratio(count.restoreBytes, dataBytes),
    compressionRatio: ratio(raw.plainBytes, raw.storedBytes),
  }
}

const ratio = (a: number, b: number): number => (b === 0 ? 1 : a / b)

/** What one of several owners alone needs. */
export interface Share {
  readonly name: string
  readonly snapshots: number
  /** Stored bytes of blobs that it needs at all. */
  readonly storedBytes: number
  /** Stored bytes that nobody else needs: forgetting all of it and a prune frees exactly these, with the headers of their packs. */
  readonly uniqueBytes: number
}

/**
 * What is needed by one group of snapshots alone, for each: a group of one snapshot tells what forgetting it would free. Exact. Walks each group
 * twice with three bits for each blob of the index, so that memory does not grow with the number of groups.
 * @param groups of all snapshots of the repository: one that is left out counts as forgotten already
 */
export async function sharesOf(
  repository: Repository,
  groups: readonly { readonly name: string; readonly snapshots: readonly Snapshot[] }[],
  onProgress: (progress: StatsProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<readonly Share[]> {
  await repository.blobs.ready(signal)
  const index = repository.blobs.index()
  const [once, shared, seen] = [new BitSet(index.size), new BitSet(index.size), new BitSet(index.size)]
  const walk = async (snapshots: readonly Snapshot[], onBlob: (entry: number) => void) => {
    seen.clear()
    for (const { tree } of snapshots) await reach(repository, tree, seen, { onBlob }, signal)
  }
  let done = 0
  const step = () => onProgress({ done: ++done, total: groups.length * 2 })
  for (const { snapshots } of groups) {
    await walk(snapshots, (entry) => void (once.add(entry) || shared.add(entry)))
    step()
  }
  const shares: Share[] = []
  for (const { name, snapshots } of groups) {
    let [storedBytes, uniqueBytes] = [0, 0]
    await walk(snapshots, (entry) => {
      const { length } = index.location(entry)
      storedBytes += length
      if (!shared.has(entry)) uniqueBytes += length
    })
    shares.push({ name, snapshots: snapshots.length, storedBytes, uniqueBytes })
    step()
  }
  return shares
}
