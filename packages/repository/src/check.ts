import { forEachBounded } from '@tidemark/blocks'
import { filePath, type Backend } from './backends/backend.ts'
import { BlobIndex } from './blob-index.ts'
import { isRepositoryError } from './error.ts'
import type { Sealer } from './format/crypto.ts'
import { decodeIndex } from './format/index-file.ts'
import { blobName, packSize, readPackHeader, type PackedBlob } from './format/pack.ts'
import { decodeSnapshot, type Snapshot } from './format/snapshot.ts'
import { decodeTree, type TreeNode } from './format/tree.ts'
import { idAt, idBytes, ID_LENGTH, sha256Hex, snapshotId, type BlobId } from './id.ts'
import { BlobReader } from './reader.ts'
import { plainLength } from './sealing/batch.ts'
import type { SealingPool } from './sealing/pool.ts'
import { loadUnpacked } from './unpacked.ts'

export interface CheckOptions {
  /** Load and verify every pack; else only what indexes, trees and sizes tell. */
  readonly readData: boolean
}

/** How far a check is. */
export interface CheckProgress {
  readonly phase: 'files' | 'snapshots' | 'packs'
  readonly done: number
  readonly total: number
}

/** Something that is not as it was written. */
export interface CheckFinding {
  readonly code:
    | 'CONFIG_DAMAGED'
    | 'KEY_DAMAGED'
    | 'INDEX_DAMAGED'
    | 'SNAPSHOT_DAMAGED'
    | 'PACK_MISSING'
    | 'PACK_SIZE'
    | 'PACK_DAMAGED'
    | 'BLOB_DAMAGED'
    | 'BLOB_MISSING'
    | 'TREE_DAMAGED'
    | 'FILE_SIZE'
  /** The file concerned, `data/ab/ab12…`; for blobs and trees that are missing, the snapshot that needs them. */
  readonly file: string
  readonly message: string
}

export interface CheckReport {
  /** Empty when the repository is sound. */
  readonly errors: readonly CheckFinding[]
  /** Nothing wrong, but space to win: packs in no index, left by an interrupted backup. */
  readonly unusedPacks: readonly string[]
  readonly snapshots: number
  readonly packs: number
  readonly blobs: number
  /** Bytes of packs that were read and verified. */
  readonly bytesRead: number
}

export interface CheckParts {
  readonly backend: Backend
  readonly sealer: Sealer
  readonly pool: SealingPool
}

/**
 * Compares what is stored with what indexes, trees and hashes say. Damage is collected, never thrown.
 * @throws what the storage throws when it does not answer; the signal's reason
 */
export async function checkRepository(
  parts: CheckParts,
  { readData }: CheckOptions,
  onProgress: (progress: CheckProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<CheckReport> {
  const errors: CheckFinding[] = []
  const report = (code: CheckFinding['code'], file: string, message: string) => {
    errors.push({ code, file, message })
  }
  const check: Check = { ...parts, report, onProgress, signal }
  await checkKeysAndConfig(check)
  const snapshots = await loadSnapshots(check) // before the indexes: a snapshot must not look younger than they
  const { index, packs } = await loadIndexes(check)
  const stored = await checkPackSizes(check, packs)
  await checkTrees(check, snapshots, index)
  const bytesRead = readData ? await checkPackData(check, stored.readable, index, packs) : 0
  return {
    errors,
    unusedPacks: stored.unused,
    snapshots: snapshots.length,
    packs: packs.size,
    blobs: index.size,
    bytesRead,
  }
}

/** What every part of a check needs. */
interface Check extends CheckParts {
  readonly report: (code: CheckFinding['code'], file: string, message: string) => void
  readonly onProgress: (progress: CheckProgress) => void
  readonly signal: AbortSignal | undefined
}

/** What the indexes say about a pack. */
interface ExpectedPack {
  readonly size: number
  readonly blobs: number
}

async function checkKeysAndConfig(check: Check): Promise<void> {
  const { backend, sealer, report, signal } = check
  for await (const { name } of backend.list('keys', signal)) {
    await attempt(check, 'KEY_DAMAGED', `keys/${name}`, async () => {
      const bytes = await backend.load({ type: 'keys', name }, 'all', signal)
      if (sha256Hex(bytes) !== name) report('KEY_DAMAGED', `keys/${name}`, 'its SHA-256 differs from its name')
    })
  }
  await attempt(check, 'CONFIG_DAMAGED', 'config', async () => {
    const config = sealer.open(await backend.load({ type: 'config', name: '' }, 'all', signal))
    if (config === undefined) report('CONFIG_DAMAGED', 'config', 'the MAC does not verify')
  })
}

async function loadSnapshots(check: Check): Promise<Snapshot[]> {
  const { backend, sealer, onProgress, signal } = check
  const snapshots: Snapshot[] = []
  for await (const { name } of backend.list('snapshots', signal)) {
    await attempt(check, 'SNAPSHOT_DAMAGED', `snapshots/${name}`, async () => {
      const json = await loadUnpacked(backend, sealer, { type: 'snapshots', name }, signal)
      snapshots.push(decodeSnapshot(json, snapshotId(name)))
    })
    onProgress({ phase: 'files', done: snapshots.length, total: snapshots.length })
  }
  return snapshots
}

async function loadIndexes(check: Check) {
  const { backend, sealer, signal } = check
  const index = new BlobIndex()
  const packs = new Map<string, ExpectedPack>()
  for await (const { name } of backend.list('index', signal)) {
    await attempt(check, 'INDEX_DAMAGED', `index/${name}`, async () => {
      const json = await loadUnpacked(backend, sealer, { type: 'index', name }, signal)
      for (const { pack, blobs } of decodeIndex(json)) {
        index.addPack(pack, blobs)
        packs.set(pack, { size: packSize(blobs), blobs: blobs.length })
      }
    })
  }
  return { index, packs }
}

/** A pack has exactly the size that its blobs add up to. restic-format.md §5. */
async function checkPackSizes({ backend, report, signal }: Check, packs: ReadonlyMap<string, ExpectedPack>) {
  const sizes = new Map<string, number>()
  for await (const { name, size } of backend.list('data', signal)) sizes.set(name, size)
  const readable: string[] = []
  for (const [name, { size }] of packs) {
    const actual = sizes.get(name)
    const file = filePath({ type: 'data', name })
    if (actual === undefined) report('PACK_MISSING', file, 'an index names it, but it does not exist')
    else {
      readable.push(name)
      if (actual !== size) report('PACK_SIZE', file, `it has ${actual} bytes, the indexes say ${size}`)
    }
  }
  return { readable, unused: [...sizes.keys()].filter((name) => !packs.has(name)) }
}

/** Walks every tree once: it must decode, and all its blobs must be in an index and add up to the sizes of files. */
async function checkTrees(check: Check, snapshots: readonly Snapshot[], index: BlobIndex): Promise<void> {
  const reader = new BlobReader({ ...check, index: () => index, savePending: async () => {} })
  const seen = new Set<BlobId>()
  for (const [i, snapshot] of snapshots.entries()) {
    const file = `snapshots/${snapshot.id}`
    const queue: { id: BlobId; path: string }[] = [{ id: snapshot.tree, path: '' }]
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next.id)) continue
      seen.add(next.id)
      const { id, path } = next
      let nodes: TreeNode[] = []
      await attempt(check, 'TREE_DAMAGED', file, async () => {
        nodes = decodeTree(await reader.load('tree', idBytes(id), check.signal))
      })
      for (const node of nodes) {
        const name = `${path}/${node.name}`
        if (node.type === 'file') checkFile(check, node, name, file, index)
        if (node.subtree !== undefined) queue.push({ id: node.subtree, path: name })
      }
    }
    check.onProgress({ phase: 'snapshots', done: i + 1, total: snapshots.length })
  }
}

function checkFile({ report }: Check, node: TreeNode, path: string, file: string, index: BlobIndex): void {
  const { content } = node
  if (content === undefined) return report('TREE_DAMAGED', file, `'${path}' has no list of blobs`)
  let size = 0
  for (let at = 0; at < content.length; at += ID_LENGTH) {
    const entry = index.find('data', content, at)
    if (entry < 0)
      return report('BLOB_MISSING', file, `'${path}' needs data blob ${idAt(content, at)}, which no index has`)
    size += index.plainSize(entry)
  }
  if (size !== (node.size ?? 0)) {
    report('FILE_SIZE', file, `'${path}' has ${size} bytes in its blobs, but a size of ${node.size ?? 0}`)
  }
}

/** Loads every pack: its hash, its header against the indexes, every blob. */
async function checkPackData(
  check: Check,
  names: readonly string[],
  index: BlobIndex,
  packs: ReadonlyMap<string, ExpectedPack>,
): Promise<number> {
  let bytesRead = 0
  let done = 0
  const one = async (name: string, signal: AbortSignal) => {
    const file = filePath({ type: 'data', name })
    await attempt(check, 'PACK_DAMAGED', file, async () => {
      const pack = await check.backend.load({ type: 'data', name }, 'all', signal)
      bytesRead += pack.length
      if (sha256Hex(pack) !== name) check.report('PACK_DAMAGED', file, 'its SHA-256 differs from its name')
      await checkPack(check, file, pack, index, packs.get(name)?.blobs ?? 0)
    })
    check.onProgress({ phase: 'packs', done: ++done, total: names.length })
  }
  await forEachBounded(names, PACKS_AT_ONCE, one, check.signal)
  return bytesRead
}

const PACKS_AT_ONCE = 2
/** Bytes of opened blobs at once: a pack of zeros opens to far more than its size. */
const OPEN_MAX = 8 << 20

async function checkPack(
  check: Check,
  file: string,
  pack: Uint8Array,
  index: BlobIndex,
  indexed: number,
): Promise<void> {
  const blobs = readPackHeader(pack, check.sealer)
  if (blobs.length !== indexed) {
    check.report('PACK_DAMAGED', file, `its header names ${blobs.length} blobs, the indexes ${indexed}`)
  }
  for (const blob of blobs) {
    if (!index.has(blob.type, blob.id)) check.report('PACK_DAMAGED', file, `${blobName(blob)} is in no index`)
  }
  for (const group of groupsOf(blobs)) await checkBlobs(check, file, pack, group)
}

function* groupsOf(blobs: readonly PackedBlob[]): Generator<PackedBlob[]> {
  let group: PackedBlob[] = []
  let size = 0
  for (const blob of blobs) {
    group.push(blob)
    size += plainLength(blob.length, blob.uncompressedLength)
    if (size < OPEN_MAX) continue
    yield group
    group = []
    size = 0
  }
  if (group.length > 0) yield group
}

async function checkBlobs(check: Check, file: string, pack: Uint8Array, blobs: readonly PackedBlob[]): Promise<void> {
  const [first, last] = [blobs[0], blobs.at(-1)]
  if (first === undefined || last === undefined) return
  const { damaged } = await check.pool.open({
    kind: 'open',
    sealed: Uint8Array.from(pack.subarray(first.offset, last.offset + last.length)),
    places: Uint32Array.from(
      blobs.flatMap((blob) => [blob.offset - first.offset, blob.length, blob.uncompressedLength]),
    ),
    ids: Buffer.concat(blobs.map(({ id }) => id)),
  })
  for (const { blob, reason } of damaged) {
    const bad = blobs[blob]
    if (bad !== undefined) check.report('BLOB_DAMAGED', file, `${blobName(bad)}: ${reason}`)
  }
}

/** Reports what is wrong. A file that the storage cannot give back is damage as well; only an abort goes through. */
async function attempt(
  check: Check,
  code: CheckFinding['code'],
  file: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    check.signal?.throwIfAborted()
    if (isRepositoryError(error, 'REPOSITORY_CLOSED') || !(error instanceof Error)) throw error
    check.report(code, file, error.message)
  }
}
