import { mapInOrder } from '@tidemark/blocks'
import { BitSet } from '../bit-set.ts'
import { reach } from '../browse/reach.ts'
import type { BlobIndex } from '../blob-index.ts'
import { RepositoryError } from '../error.ts'
import { rewriteSnapshot, type Snapshot } from '../format/snapshot.ts'
import { encodeTreeParts } from '../format/tree.ts'
import { idAt, ID_LENGTH, snapshotId, type BlobId, type BlobType, type SnapshotId } from '../id.ts'
import { loadTree } from '../point.ts'
import type { Repository } from '../repository.ts'
import { LARGE_BLOB } from '../sealing/large.ts'
import { loadUnpacked, saveUnpacked } from '../unpacked.ts'
import { sameSnapshot } from './same-snapshot.ts'

/** How far a copy is; counts are of all snapshots together. */
export interface CopyProgress {
  readonly phase: 'trees' | 'blobs' | 'snapshots'
  readonly done: number
  readonly total: number
  /** Bytes of blobs that arrived, before compression. */
  readonly bytes: number
}

export interface CopyReport {
  /** Snapshots that are in the target now. */
  readonly copied: readonly { readonly from: SnapshotId; readonly to: SnapshotId }[]
  /** Those it had already. */
  readonly skipped: readonly { readonly from: SnapshotId; readonly to: SnapshotId }[]
  readonly blobs: number
  readonly bytes: number
}

/** Blobs read at once: some megabytes, from one or a few packs. */
const BATCH_BYTES = 8 << 20
const BATCH_BLOBS = 4096
/** Batches read while one is stored, or waited for. */
const BATCHES_AHEAD = 2

/**
 * Copies snapshots into another repository: the same blobs under the same IDs, sealed with the other's key. Each blob is compared with
 * its ID on the way out and on the way in. What the target has is not read; a copy that was broken off goes on where it was, and
 * blobs are read in the order of their packs. Take a shared lock on both first. Memory: 8 bytes for each blob to copy, a bit for each
 * of the source, and some packs.
 * @throws RepositoryError REPOSITORY_INPUT (into itself), REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED; no snapshot appears that lacks a blob
 */
export async function copySnapshots(
  source: Repository,
  target: Repository,
  snapshots: readonly Snapshot[],
  onProgress: (progress: CopyProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<CopyReport> {
  if (source.id === target.id) throw new RepositoryError('REPOSITORY_INPUT', 'both are the same repository')
  const there: Snapshot[] = []
  for await (const snapshot of target.snapshots(signal)) there.push(snapshot)
  await source.blobs.ready(signal)
  await target.loadIndex(signal)
  const skipped: { from: SnapshotId; to: SnapshotId }[] = []
  const wanted: Snapshot[] = []
  for (const snapshot of snapshots) {
    const same = there.find((other) => sameSnapshot(snapshot, other))
    if (same === undefined) wanted.push(snapshot)
    else skipped.push({ from: snapshot.id, to: same.id })
  }
  const needed = await neededBlobs(source, target, wanted, onProgress, signal)
  const bytes = await copyBlobs({ source, target, needed, onProgress, signal })
  const copied: { from: SnapshotId; to: SnapshotId }[] = []
  for (const snapshot of wanted) {
    copied.push({ from: snapshot.id, to: await copySnapshotFile(source, target, snapshot, signal) })
    onProgress({ phase: 'snapshots', done: copied.length, total: wanted.length, bytes })
  }
  return { copied, skipped, blobs: needed.length, bytes }
}

/** Entries of the source's index that the target lacks, in the order of their packs. */
async function neededBlobs(
  source: Repository,
  target: Repository,
  snapshots: readonly Snapshot[],
  onProgress: (progress: CopyProgress) => void,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const index = source.blobs.index()
  const seen = new BitSet(index.size)
  for (const [i, snapshot] of snapshots.entries()) {
    await reach(source, snapshot.tree, seen, {}, signal)
    onProgress({ phase: 'trees', done: i + 1, total: snapshots.length, bytes: 0 })
  }
  return inPackOrder(index, seen, target)
}

/** Number of the pack in the high part, of the entry in the low one: below 2^53, and sorted fast. */
const ENTRY = 2 ** 32

function inPackOrder(index: BlobIndex, wanted: BitSet, target: Repository): Float64Array {
  const known = target.blobs.index()
  const packs = new Map<string, number>()
  let keys = new Float64Array(1024)
  let count = 0
  for (const { entry, type, id, pack } of index.entries()) {
    if (!wanted.has(entry) || known.has(type, id)) continue
    const number = packs.get(pack) ?? packs.size
    packs.set(pack, number)
    if (count === keys.length) {
      const larger = new Float64Array(count * 2)
      larger.set(keys)
      keys = larger
    }
    keys[count++] = number * ENTRY + entry
  }
  return keys.subarray(0, count).sort()
}

interface BlobCopy {
  readonly source: Repository
  readonly target: Repository
  readonly needed: Float64Array
  readonly onProgress: (progress: CopyProgress) => void
  readonly signal: AbortSignal | undefined
}

async function copyBlobs({ source, target, needed, onProgress, signal }: BlobCopy): Promise<number> {
  const load = (batch: readonly BatchBlob[], stop: AbortSignal) => loadBatch(source, batch, stop)
  const loaded = mapInOrder(batches(source.blobs.index(), needed), BATCHES_AHEAD, load, signal)
  let bytes = 0
  let done = 0
  for await (const { batch, parts } of loaded) {
    for (const part of parts) await savePart(source, target, part, signal)
    bytes += batch.reduce((sum, { plainSize }) => sum + plainSize, 0)
    done += batch.length
    onProgress({ phase: 'blobs', done, total: needed.length, bytes })
  }
  await target.flush(signal)
  return bytes
}

interface BatchBlob {
  readonly type: BlobType
  readonly id: Uint8Array
  readonly plainSize: number
}

/** A blob above the limit is a batch of its own. */
function* batches(index: BlobIndex, needed: Float64Array): Generator<BatchBlob[]> {
  let batch: BatchBlob[] = []
  let size = 0
  for (const key of needed) {
    const entry = key % ENTRY
    const blob = { ...index.blobAt(entry), plainSize: index.plainSize(entry) }
    if (batch.length > 0 && (size + blob.plainSize > BATCH_BYTES || batch.length === BATCH_BLOBS)) {
      yield batch
      batch = []
      size = 0
    }
    batch.push(blob)
    size += blob.plainSize
  }
  if (batch.length > 0) yield batch
}

/** Blobs of one type on their way. */
interface Part {
  readonly type: BlobType
  /** Packed. */
  readonly ids: Uint8Array
  /** Undefined for a large tree, which goes in parts. */
  readonly blobs: readonly Uint8Array[] | undefined
}

async function loadBatch(source: Repository, batch: readonly BatchBlob[], signal: AbortSignal) {
  const parts: Part[] = []
  for (const type of ['data', 'tree'] as const) {
    const own = batch.filter((blob) => blob.type === type)
    const [first] = own
    if (first === undefined) continue
    const ids = Buffer.concat(own.map(({ id }) => id))
    const isLarge = type === 'tree' && first.plainSize > LARGE_BLOB // and alone in its batch
    parts.push({ type, ids, blobs: isLarge ? undefined : await source.blobs.reader.loadMany(type, ids, signal) })
  }
  return { batch, parts }
}

async function savePart(source: Repository, target: Repository, part: Part, signal?: AbortSignal): Promise<void> {
  const { type, ids } = part
  if (part.blobs === undefined && (await copyLargeTree(source, target, idAt(ids), signal))) return
  const blobs = part.blobs ?? (await source.blobs.reader.loadMany(type, ids, signal))
  for (const [i, blob] of blobs.entries()) {
    const { id } = await target.saveBlob(type, blob, signal)
    assertSame(id, idAt(ids, i * ID_LENGTH))
  }
}

/** The list of a large disk in parts. False when another program wrote it in a form that is not ours. */
async function copyLargeTree(
  source: Repository,
  target: Repository,
  id: BlobId,
  signal?: AbortSignal,
): Promise<boolean> {
  const nodes = await loadTree(source, id, signal)
  const saved = await target.blobs.writer.acceptLarge('tree', () => encodeTreeParts(nodes))
  return idAt(saved.id) === id
}

function assertSame(stored: BlobId, wanted: BlobId): void {
  if (stored === wanted) return
  throw new RepositoryError('REPOSITORY_DAMAGED', `blob ${wanted} became ${stored} on its way`)
}

/** Under the name it had first: points are found by `original ?? id` in both repositories. */
async function copySnapshotFile(
  source: Repository,
  target: Repository,
  { id, original }: Snapshot,
  signal?: AbortSignal,
): Promise<SnapshotId> {
  const json = await loadUnpacked(source.backend, source.sealer, { type: 'snapshots', name: id }, signal)
  const copy = rewriteSnapshot(json, { original: original ?? id, withoutParent: true })
  return snapshotId(await saveUnpacked(target.backend, target.sealer, 'snapshots', copy, signal))
}
