import { isRepositoryError, RepositoryError, unlessGone, unlessUnreadable } from '../error.ts'
import { compress, METADATA_LEVEL } from '../format/compression.ts'
import { decodeIndex, encodeIndexedPack, type IndexedPack } from '../format/index-file.ts'
import type { PackedBlob } from '../format/pack.ts'
import { idAt, type BlobId, type BlobType } from '../id.ts'
import { IndexWriter } from '../index-writer.ts'
import type { RepositoryLock } from '../lock.ts'
import { PackBuilder } from '../pack-builder.ts'
import { assertRemovable } from '../protection.ts'
import type { Repository } from '../repository.ts'
import { openBlob } from '../sealing/batch.ts'
import { loadUnpacked } from '../unpacked.ts'
import { loadPackHeader } from '../pack-header.ts'

export interface RepairPacksOptions {
  /** Another repository that may have blobs that are lost here; its index is loaded when it is needed. */
  readonly from: Repository
  /** Gets the bytes of each damaged pack that loses blobs, or may, before it is removed: the last chance to keep them. */
  readonly keep: (pack: string, bytes: Uint8Array) => Promise<void>
  readonly packSize: number
  /** Only tell what would become of each blob. */
  readonly dryRun: boolean
}

export interface RepairPacksProgress {
  readonly done: number
  readonly total: number
}

/** A blob that could not be saved. */
interface LostBlob {
  readonly type: BlobType
  readonly id: BlobId
  readonly pack: string
  readonly reason: string
}

export interface PacksRepair {
  /** Blobs that were whole in the damaged packs. */
  readonly saved: number
  /** Blobs that were damaged, and found whole in another pack or repository. */
  readonly healed: number
  readonly lost: readonly LostBlob[]
  /** Packs that no index names and whose header cannot be read: what they hold is not known. Without `keep` they stay. */
  readonly unreadable: readonly string[]
  /** Damaged packs that are gone now; in a dry run those that would go. */
  readonly removed: readonly string[]
}

const PACK_SIZE = 16 << 20

/**
 * Saves the whole blobs of damaged packs into new packs, and damaged ones from wherever they are whole: another pack, another repository.
 * Then the indexes forget the damaged packs, and these are removed. At every moment what was whole can be read. What is lost makes
 * points incomplete: the next backup of its disk stores it again, since a point with missing blobs is no base; `repairSnapshots` makes
 * the older points readable without it.
 * @param lock exclusive
 * @param packs IDs, 64 hex characters
 * @throws RepositoryError REPOSITORY_APPEND_ONLY before anything was changed; REPOSITORY_DAMAGED for an index: repair that first; BACKEND_UNAVAILABLE and other refusals
 * of either storage before anything was removed
 */
export async function repairPacks(
  repository: Repository,
  lock: RepositoryLock,
  packs: readonly string[],
  options: Partial<RepairPacksOptions> = {},
  onProgress: (progress: RepairPacksProgress) => void = () => {},
  signal: AbortSignal = lock.signal,
): Promise<PacksRepair> {
  if (lock.kind !== 'exclusive') throw new RepositoryError('REPOSITORY_INPUT', 'to repair takes an exclusive lock')
  const stop = AbortSignal.any([signal, lock.signal])
  const isDry = options.dryRun === true
  if (!isDry) await assertRemovable(repository, 'repairing packs', stop)
  const rescue = new Rescue(repository, new Set(packs), options, stop)
  await rescue.readIndexes()
  let done = 0
  for (const pack of packs) {
    await rescue.save(pack)
    onProgress({ done: ++done, total: packs.length })
  }
  await rescue.heal()
  if (isDry) return rescue.report(rescue.removable())
  await rescue.keepLosing()
  await rescue.replaceIndexes()
  const removed = await rescue.removePacks()
  await repository.loadIndex(stop)
  return rescue.report(removed)
}

class Rescue {
  readonly #repository: Repository
  readonly #bad: ReadonlySet<string>
  readonly #options: Partial<RepairPacksOptions>
  readonly #signal: AbortSignal
  /** What indexes say of the damaged packs. */
  readonly #indexed = new Map<string, readonly PackedBlob[]>()
  /** Index files that name them. */
  readonly #files: string[] = []
  readonly #builders: { [Type in BlobType]?: PackBuilder } = {}
  readonly #made: { json: string; blobs: number }[] = []
  /** Damaged blobs by key. */
  readonly #damaged = new Map<string, { blob: PackedBlob; pack: string; reason: string }>()
  readonly #savedKeys = new Set<string>()
  readonly #unreadable = new Set<string>()
  #healed = 0

  constructor(
    repository: Repository,
    bad: ReadonlySet<string>,
    options: Partial<RepairPacksOptions>,
    signal: AbortSignal,
  ) {
    this.#repository = repository
    this.#bad = bad
    this.#options = options
    this.#signal = signal
  }

  async readIndexes(): Promise<void> {
    for await (const { name } of this.#repository.backend.list('index', this.#signal)) {
      let isConcerned = false
      for (const { pack, blobs } of await this.#load(name)) {
        if (!this.#bad.has(pack)) continue
        isConcerned = true
        this.#indexed.set(pack, [...(this.#indexed.get(pack) ?? []), ...blobs])
      }
      if (isConcerned) this.#files.push(name)
    }
  }

  /** Takes over what is whole in a pack, and remembers what is not. */
  async save(pack: string): Promise<void> {
    const bytes = await this.#bytesOf(pack)
    for (const blob of await this.#blobsOf(pack, bytes)) {
      const key = keyOf(blob)
      if (this.#savedKeys.has(key)) continue
      const sealed = bytes.subarray(blob.offset, blob.offset + blob.length)
      const plain = openBlob(sealed, blob.uncompressedLength, blob.id, this.#repository.sealer)
      if (typeof plain === 'string')
        this.#damaged.set(key, { blob, pack, reason: bytes.length === 0 ? 'the pack is gone' : plain })
      else await this.#add(blob, sealed, blob.uncompressedLength)
    }
    for (const key of this.#damaged.keys()) if (this.#savedKeys.has(key)) this.#damaged.delete(key)
  }

  /** Looks for damaged blobs in other packs, then in the other repository. */
  async heal(): Promise<void> {
    if (this.#damaged.size > 0) await this.#dropStoredElsewhere()
    const { from } = this.#options
    if (from !== undefined && this.#damaged.size > 0) {
      await from.blobs.ready(this.#signal)
      for (const { blob } of Array.from(this.#damaged.values())) await this.#healFrom(from, blob)
    }
    for (const type of ['data', 'tree'] as const) await this.#closePack(type)
  }

  /** New packs become known, and the damaged ones unknown. */
  async replaceIndexes(): Promise<void> {
    const writer = new IndexWriter(this.#repository, () => {}, this.#signal)
    for (const { json, blobs } of this.#made) await writer.addEncoded(json, blobs)
    for (const name of this.#files) {
      for (const each of await this.#load(name)) if (!this.#bad.has(each.pack)) await writer.add(each)
    }
    await writer.end()
    for (const name of this.#files) await this.#remove('index', name)
  }

  /** Copies the packs that lose blobs, while the indexes still know them. */
  async keepLosing(): Promise<void> {
    const { keep } = this.#options
    if (keep === undefined) return
    const losing = new Set([...this.#damaged.values()].map(({ pack }) => pack)).union(this.#unreadable)
    for (const pack of losing) {
      const bytes = await this.#bytesOf(pack)
      if (bytes.length > 0) await keep(pack, bytes)
    }
  }

  /** All but those that are the only copy of what nobody knows. */
  removable(): readonly string[] {
    return [...this.#bad].filter((pack) => !this.#unreadable.has(pack) || this.#options.keep !== undefined)
  }

  async removePacks(): Promise<readonly string[]> {
    const packs = this.removable()
    for (const pack of packs) await this.#remove('data', pack)
    return packs
  }

  report(removed: readonly string[]): PacksRepair {
    const lost = [...this.#damaged.values()].map(({ blob, pack, reason }) => ({
      type: blob.type,
      id: idAt(blob.id),
      pack,
      reason,
    }))
    const unreadable = [...this.#unreadable]
    return {
      saved: this.#savedKeys.size - this.#healed,
      healed: this.#healed,
      lost,
      unreadable,
      removed,
    }
  }

  /** Whole, or as much as the storage gives: nothing when it is gone. */
  async #bytesOf(pack: string): Promise<Uint8Array> {
    const { backend } = this.#repository
    const bytes = await backend.load({ type: 'data', name: pack }, 'all', this.#signal).catch(unlessGone)
    return bytes ?? new Uint8Array()
  }

  /** By the indexes, and by its own header where that can be read: either may know more. */
  async #blobsOf(pack: string, bytes: Uint8Array): Promise<readonly PackedBlob[]> {
    const indexed = this.#indexed.get(pack) ?? []
    if (bytes.length === 0) return indexed
    try {
      const own = await loadPackHeader(this.#repository, pack, bytes.length, this.#signal)
      return [...own, ...indexed]
    } catch (error) {
      this.#signal.throwIfAborted()
      if (error instanceof RepositoryError) unlessUnreadable(error)
      if (indexed.length === 0) this.#unreadable.add(pack)
      return indexed // the header is part of what is damaged
    }
  }

  async #add(blob: PackedBlob, sealed: Uint8Array, uncompressedLength: number): Promise<void> {
    this.#savedKeys.add(keyOf(blob))
    if (this.#options.dryRun === true) return
    const builder = (this.#builders[blob.type] ??= new PackBuilder(blob.type))
    builder.add(blob.id, sealed, uncompressedLength)
    if (builder.length >= (this.#options.packSize ?? PACK_SIZE)) await this.#closePack(blob.type)
  }

  async #closePack(type: BlobType): Promise<void> {
    const builder = this.#builders[type]
    if (builder === undefined) return
    delete this.#builders[type]
    const { id, bytes, blobs } = builder.finish(this.#repository.sealer)
    this.#made.push({ json: encodeIndexedPack({ pack: id, blobs }), blobs: blobs.length })
    await this.#repository.backend.save({ type: 'data', name: id }, bytes, this.#signal).catch((error: unknown) => {
      if (!isRepositoryError(error, 'BACKEND_EXISTS')) throw error
    })
  }

  /** A blob that another pack has whole is in no danger. */
  async #dropStoredElsewhere(): Promise<void> {
    for await (const { name } of this.#repository.backend.list('index', this.#signal)) {
      for (const { pack, blobs } of await this.#load(name)) {
        if (this.#bad.has(pack)) continue
        for (const blob of blobs) if (this.#damaged.has(keyOf(blob))) await this.#confirm(pack, blob)
      }
    }
  }

  async #confirm(pack: string, blob: PackedBlob): Promise<void> {
    const { backend, sealer } = this.#repository
    const range = { offset: blob.offset, length: blob.length }
    const sealed = await backend.load({ type: 'data', name: pack }, range, this.#signal).catch(unlessUnreadable)
    if (sealed === undefined || typeof openBlob(sealed, blob.uncompressedLength, blob.id, sealer) === 'string') return
    this.#damaged.delete(keyOf(blob))
    this.#healed++
    this.#savedKeys.add(keyOf(blob))
  }

  async #healFrom(from: Repository, blob: PackedBlob): Promise<void> {
    if (!from.blobs.index().has(blob.type, blob.id)) return
    const plain = await from.blobs.reader.load(blob.type, blob.id, this.#signal).catch(unlessUnreadable)
    if (plain === undefined) return // damaged there as well
    const frame = compress(plain, METADATA_LEVEL)
    const isRaw = blob.type === 'data' && frame.length >= plain.length
    await this.#add(blob, this.#repository.sealer.seal(isRaw ? plain : frame), isRaw ? 0 : plain.length)
    this.#damaged.delete(keyOf(blob))
    this.#healed++
  }

  async #load(name: string): Promise<IndexedPack[]> {
    const { backend, sealer } = this.#repository
    return [...decodeIndex(await loadUnpacked(backend, sealer, { type: 'index', name }, this.#signal))]
  }

  async #remove(type: 'index' | 'data', name: string): Promise<void> {
    await this.#repository.backend.remove({ type, name }, this.#signal).catch(unlessGone)
  }
}

const keyOf = ({ type, id }: PackedBlob): string => `${type}/${Buffer.from(id).toString('latin1')}`
