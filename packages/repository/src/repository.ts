import type { Backend } from './backends/backend.ts'
import { BlobIndex } from './blob-index.ts'
import { checkRepository, type CheckOptions, type CheckReport } from './check/check.ts'
import type { CheckProgress } from './check/context.ts'
import type { Clock } from './clock.ts'
import { CurrentIndex } from './current-index.ts'
import { RepositoryError, unlessGone } from './error.ts'
import { Sealer, type MasterKey } from './format/crypto.ts'
import type { KdfParameters } from './format/kdf.ts'
import { encodeKeyFile } from './format/key.ts'
import { decodeSnapshot, encodeSnapshot, type NewSnapshot, type Snapshot } from './format/snapshot.ts'
import { idAt, idBytes, snapshotId, type BlobId, type BlobType, type SnapshotId } from './id.ts'
import type { IndexCache } from './index-cache/index-cache.ts'
import { loadBlobIndex } from './index-cache/load.ts'
import {
  acquireLock,
  isLockedByOthers,
  removeLocks,
  type LockKind,
  type LockOwner,
  type RepositoryLock,
} from './lock.ts'
import { BlobReader } from './reader.ts'
import { sealingPool } from './sealing/pool.ts'
import { loadUnpacked, saveUnpacked } from './unpacked.ts'
import { BlobWriter, newTally, type WriterOptions } from './writer.ts'

/** An open repository. Calls may run at the same time; several processes may use it under their locks. */
export interface Repository extends AsyncDisposable {
  /** 64 hex characters, drawn at `init`. */
  readonly id: string
  readonly backend: Backend
  /** Seals and opens whole files under the repository's key. */
  readonly sealer: Sealer
  /** Name of the key file that the password opened: pass it as `keyHint` next time to save a key derivation. */
  readonly keyName: string
  /** A key file that opens this repository with another password: to be stored under its SHA-256. */
  wrapKey(password: string): Promise<Uint8Array>
  /** What `init` of a repository takes that shall share chunks of files with this one. */
  readonly chunkerPolynomial: string
  /** What the disk layer works on: blobs without hex and without a promise for each. */
  readonly blobs: BlobStore

  /**
   * Shared for reading and backing up, exclusive for deleting. Load the index after taking a lock. Several jobs may hold one each: when
   * a write fails, blobs of all of them are lost, so the first job after that ends the others by their locks' signals.
   * @throws RepositoryError REPOSITORY_LOCKED, naming the holder
   */
  lock(kind: LockKind, signal?: AbortSignal): Promise<RepositoryLock>
  /** Whether another process holds a lock that is not stale. */
  isShared(signal?: AbortSignal): Promise<boolean>
  /** Removes stale locks, or all, as `restic unlock` does; returns how many. */
  unlock(which: 'stale' | 'all', signal?: AbortSignal): Promise<number>

  /**
   * Reads all index files, but for those that the cache knows. List snapshots first: one seen before its index would look broken. A reload replaces the
   * index, and forgets an earlier failure to write. Reads that come before it load it on their own. Safe
   * beside jobs that write: what they store meanwhile stays known.
   * @throws RepositoryError REPOSITORY_DAMAGED, naming the index file
   */
  loadIndex(signal?: AbortSignal): Promise<void>
  /** Whether a blob is known: stored, or accepted and not yet durable. */
  hasBlob(type: BlobType, id: BlobId): boolean
  /**
   * Stores a blob unless it is known. Resolves when it lies in a pack being built, durable only after `flush`: many calls at once
   * share threads. A failed write surfaces at the next call, and at every later one until `loadIndex`.
   * @returns `storedBytes` what it takes in its pack, 0 when it was known
   */
  saveBlob(type: BlobType, data: Uint8Array, signal?: AbortSignal): Promise<SavedBlob>
  /** @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED (naming the pack) */
  loadBlob(type: BlobType, id: BlobId, signal?: AbortSignal): Promise<Uint8Array>
  /** All packs durable, then all indexes. */
  flush(signal?: AbortSignal): Promise<void>

  /** In no order. @throws RepositoryError REPOSITORY_DAMAGED, naming the snapshot file */
  snapshots(signal?: AbortSignal): AsyncIterable<Snapshot>
  loadSnapshot(id: SnapshotId, signal?: AbortSignal): Promise<Snapshot>
  /** Flushes, then writes the file whose arrival makes the snapshot exist. */
  saveSnapshot(snapshot: NewSnapshot, signal?: AbortSignal): Promise<SnapshotId>
  /** Its blobs stay until a prune. */
  removeSnapshot(id: SnapshotId, signal?: AbortSignal): Promise<void>

  /** Looks for damage and reports it; throws only for what is no damage: an abort, storage that does not answer. */
  check(
    options: CheckOptions,
    onProgress?: (progress: CheckProgress) => void,
    signal?: AbortSignal,
  ): Promise<CheckReport>
}

export interface SavedBlob {
  readonly id: BlobId
  readonly isNew: boolean
  readonly storedBytes: number
}

/** Blobs by packed IDs. */
export interface BlobStore {
  readonly reader: BlobReader
  readonly writer: BlobWriter
  index(): BlobIndex
  /** Loads the index unless that was done. */
  ready(signal?: AbortSignal): Promise<void>
}

export interface RepositoryParts {
  readonly backend: Backend
  readonly id: string
  readonly keyName: string
  readonly key: MasterKey
  /** Cost of deriving keys from new passwords. */
  readonly kdf: KdfParameters
  readonly chunkerPolynomial: string
  readonly clock: Clock
  readonly owner: LockOwner
  /** Threads that compress and encrypt; 0 for none. */
  readonly workers: number
  readonly writer: WriterOptions
  /** Keeps the index on this machine; undefined to load all of it each time. */
  readonly cache: IndexCache | undefined
  /** A repository just made has an empty index, and nothing to load. */
  readonly isNew: boolean
}

/** Joins the parts. Callers use `openRepository` and `initRepository`. */
export function makeRepository(parts: RepositoryParts): Repository {
  const { backend, id, keyName, clock, owner } = parts
  const sealer = new Sealer(parts.key)
  const pool = sealingPool(parts.key, parts.workers)
  const index = new CurrentIndex(parts.isNew ? new BlobIndex() : undefined)
  const jobs = new Set<Job>()
  const shared = { backend, sealer, pool, clock, index: () => index.now() }
  const writer = new BlobWriter({ ...shared, addPack: (pack, blobs) => index.addPack(pack, blobs) }, parts.writer)
  const savePending = async () => {
    if (writer.isDirty) await writer.savePacks()
  }
  const reader = new BlobReader({ ...shared, savePending })

  const flushOrForget = () => writer.flush().catch(() => beginAnew(writer, jobs))
  const readIndex = async (signal?: AbortSignal) => {
    await flushOrForget()
    return loadBlobIndex({ backend, sealer, cache: parts.cache }, signal)
  }
  const ready = (signal?: AbortSignal) => index.ready(() => readIndex(signal))

  return {
    id,
    keyName,
    backend,
    sealer,
    chunkerPolynomial: parts.chunkerPolynomial,
    wrapKey: (password) => encodeKeyFile(parts.key, password, parts.kdf, { created: clock.now(), ...owner }),
    blobs: { reader, writer, index: shared.index, ready },
    async lock(kind, signal) {
      if (kind === 'shared') pool.warm() // while the lock settles, for whoever backs up or restores under it
      const lock = await acquireLock({ backend, sealer, clock, owner }, kind, (reason) => writer.fail(reason), signal)
      const job: Job = { failure: writer.failure, end: new AbortController() }
      jobs.add(job)
      let left: Promise<void> | undefined
      const leave = async () => {
        jobs.delete(job)
        if (jobs.size === 0) await flushOrForget() // once unlocked, a prune may take what no index names
        await lock[Symbol.asyncDispose]()
      }
      return {
        kind: lock.kind,
        signal: AbortSignal.any([lock.signal, job.end.signal]),
        [Symbol.asyncDispose]: () => (left ??= leave()),
      }
    },
    isShared: (signal) => isLockedByOthers({ backend, sealer, clock, owner }, signal),
    unlock: (which, signal) => removeLocks({ backend, sealer, clock, owner }, which, signal),
    loadIndex: (signal) => index.load(() => readIndex(signal)),
    hasBlob(type, blob) {
      const bytes = idBytes(blob)
      return index.now().has(type, bytes) || writer.isPending(type, bytes)
    },
    async saveBlob(type, data, signal) {
      await ready(signal)
      signal?.throwIfAborted()
      await writer.room()
      const tally = newTally()
      const saved = writer.accept(type, data, tally)
      if (saved.isNew) await writer.sealed()
      return { id: idAt(saved.id), isNew: saved.isNew, storedBytes: tally.bytesStored }
    },
    async loadBlob(type, blob, signal) {
      await ready(signal)
      return reader.load(type, idBytes(blob), signal)
    },
    async flush(signal) {
      signal?.throwIfAborted()
      await writer.flush()
    },
    async *snapshots(signal) {
      for await (const { name } of backend.list('snapshots', signal)) {
        const snapshot = await loadSnapshot(backend, sealer, snapshotId(name), signal).catch(unlessGone)
        if (snapshot !== undefined) yield snapshot
      }
    },
    loadSnapshot: (snapshot, signal) => loadSnapshot(backend, sealer, snapshot, signal),
    async saveSnapshot(snapshot, signal) {
      await writer.flush()
      signal?.throwIfAborted()
      return snapshotId(await saveUnpacked(backend, sealer, 'snapshots', encodeSnapshot(snapshot), signal))
    },
    removeSnapshot: (snapshot, signal) => backend.remove({ type: 'snapshots', name: snapshot }, signal),
    check: (options, onProgress, signal) =>
      checkRepository({ backend, sealer, pool, cache: parts.cache }, options, onProgress, signal),
    async [Symbol.asyncDispose]() {
      writer.fail(new RepositoryError('REPOSITORY_CLOSED', 'the repository is closed'))
      await writer.settle()
      await pool[Symbol.asyncDispose]()
      parts.cache?.close()
      await backend[Symbol.asyncDispose]()
    },
  }
}

/** What is done under one lock. */
interface Job {
  /** Of the writer, when the job began. */
  readonly failure: BlobWriter['failure']
  readonly end: AbortController
}

/** After a failed write: the blobs that are lost may be of any job that was under way then, so none of those may make a snapshot. */
function beginAnew(writer: BlobWriter, jobs: ReadonlySet<Job>): void {
  const { failure } = writer
  for (const job of jobs) if (job.failure !== failure) job.end.abort(failure?.reason)
  writer.reset()
}

async function loadSnapshot(backend: Backend, sealer: Sealer, id: SnapshotId, signal?: AbortSignal): Promise<Snapshot> {
  return decodeSnapshot(await loadUnpacked(backend, sealer, { type: 'snapshots', name: id }, signal), id)
}
