import type { Backend } from './backends/backend.ts'
import type { BlobIndex } from './blob-index.ts'
import type { Clock } from './clock.ts'
import { dropped, release } from './garbage.ts'
import { DATA_LEVEL, METADATA_LEVEL } from './format/compression.ts'
import type { Sealer } from './format/crypto.ts'
import { encodeIndex, encodeIndexedPack } from './format/index-file.ts'
import type { PackedBlob } from './format/pack.ts'
import { ID_LENGTH, sha256, type BlobType } from './id.ts'
import { PackBuilder, packsAtOnce } from './pack-builder.ts'
import { sealedBound, type SealReply } from './sealing/batch.ts'
import { hashParts, openLarge, sealLarge } from './sealing/large.ts'
import type { SealingPool } from './sealing/pool.ts'
import { sealUnpacked } from './unpacked.ts'

/** Counts what saving blobs added to the repository. Complete once `sealed()` has resolved. */
export interface Tally {
  blobsNew: number
  /** Bytes of the new blobs. */
  bytesNew: number
  /** Bytes they take in packs: compressed, sealed. */
  bytesStored: number
}

export const newTally = (): Tally => ({ blobsNew: 0, bytesNew: 0, bytesStored: 0 })

export interface WriterOptions {
  /** A pack is closed when it reaches this size, in bytes. */
  readonly packSize: number
  readonly dataLevel: number
  readonly verifyWrites: boolean
}

export const writerDefaults = {
  packSize: 16 << 20,
  dataLevel: DATA_LEVEL,
  verifyWrites: true,
} as const satisfies WriterOptions

/** An index is written when it has this many blobs or this age. restic-format.md §6. */
const INDEX_BLOBS_MAX = 50_000
const INDEX_AGE_MS_MAX = 600_000

/** Bytes gathered into one message to a sealing thread. */
const BATCH_BYTES = 1 << 20

interface Batch {
  readonly type: BlobType
  plain: Uint8Array<ArrayBuffer>
  length: number
  readonly ids: Uint8Array[]
  readonly lengths: number[]
  readonly tallies: (Tally | undefined)[]
}

export interface WriterParts {
  readonly backend: Backend
  readonly pool: SealingPool
  readonly sealer: Sealer
  readonly clock: Clock
  /** The index of now: a reload replaces it. */
  index(): BlobIndex
  /** Adds a saved pack to it. */
  addPack(pack: string, blobs: readonly PackedBlob[]): void
}

/**
 * The way of a blob into a pack: SHA-256 and look-up on the calling thread, compression and encryption in the pool, then
 * packs, then indexes. A failure is remembered and thrown by every later call until `reset`, since blobs that were
 * accepted are lost.
 */
export class BlobWriter {
  readonly #parts: WriterParts
  readonly #options: WriterOptions
  /** Packs being saved at once; further blobs wait. */
  readonly #savingMax: number
  /** Blobs accepted, in no saved pack yet. */
  #pending = new Set<string>()
  #open: { [Type in BlobType]?: Batch } = {}
  #sealing = new Set<Promise<void>>()
  #building: { [Type in BlobType]?: PackBuilder } = {}
  #saving = new Set<Promise<void>>()
  #unindexed: string[] = []
  #unindexedBlobs = 0
  #unindexedSince = 0
  #failure: { readonly reason: unknown } | undefined
  /** Reason of the last reset, for a flush of before it. */
  #forgotten: unknown
  /** Work of before a reset is thrown away when it comes back. */
  #generation = 0
  #sparePlains: Uint8Array<ArrayBuffer>[] = []
  #spareTargets: Uint8Array<ArrayBuffer>[] = []
  #sparePacks: Uint8Array[] = []
  #scheduled = false

  constructor(parts: WriterParts, options: WriterOptions) {
    this.#parts = parts
    this.#options = options
    this.#savingMax = packsAtOnce(parts.backend, options.packSize)
  }

  /**
   * Takes a blob over at once; `data` may be changed afterwards. Call `room` first, or memory grows.
   * @throws what made an earlier blob fail
   */
  accept(type: BlobType, data: Uint8Array, tally?: Tally): { id: Uint8Array; isNew: boolean } {
    this.throwIfFailed()
    const id = sha256(data)
    const key = pendingKey(type, id)
    if (this.#parts.index().has(type, id) || this.#pending.has(key)) return { id, isNew: false }
    this.#pending.add(key)
    if (tally !== undefined) {
      tally.blobsNew++
      tally.bytesNew += data.length
    }
    const batch = this.#batchFor(type, data.length)
    batch.plain.set(data, batch.length)
    batch.length += data.length
    batch.ids.push(id)
    batch.lengths.push(data.length)
    batch.tallies.push(tally)
    if (batch.length >= BATCH_BYTES) this.#dispatch(type)
    else this.#dispatchSoon()
    return { id, isNew: true }
  }

  /**
   * Takes a blob of any size without holding it as a whole, into a pack of its own.
   * @param parts its bytes, each time from the beginning
   * @throws what made this or an earlier blob fail
   */
  async acceptLarge(
    type: BlobType,
    parts: () => Iterable<Uint8Array>,
    tally?: Tally,
  ): Promise<{ id: Uint8Array; isNew: boolean }> {
    this.throwIfFailed()
    const { id, length } = hashParts(parts())
    const key = pendingKey(type, id)
    if (this.#parts.index().has(type, id) || this.#pending.has(key)) return { id, isNew: false }
    this.#pending.add(key)
    const generation = this.#generation
    try {
      const pack = await this.#sealLarge(type, id, length, parts)
      if (generation === this.#generation) this.#track(this.#saving, this.#savePack(pack))
      if (tally !== undefined) {
        tally.blobsNew++
        tally.bytesNew += length
        tally.bytesStored += pack.length
      }
    } catch (error) {
      if (generation === this.#generation) this.fail(error)
      throw error
    }
    return { id, isNew: true }
  }

  async #sealLarge(type: BlobType, id: Uint8Array, length: number, parts: () => Iterable<Uint8Array>) {
    const { sealer } = this.#parts
    const blob = await sealLarge(parts(), length, METADATA_LEVEL, sealer)
    if (this.#options.verifyWrites) {
      const place = { length: blob.sealed, uncompressedLength: length, id }
      const load = async (offset: number, size: number) => blob.memory.subarray(offset, offset + size)
      for await (const part of openLarge(place, load, sealer)) dropped(part.length)
    }
    return PackBuilder.around(type, id, blob, length)
  }

  /** Whether a blob was accepted and is in no saved pack yet. */
  isPending(type: BlobType, id: Uint8Array): boolean {
    return this.#pending.has(pendingKey(type, id))
  }

  /** Whether anything is not durable yet. */
  get isDirty(): boolean {
    return this.#pending.size > 0 || this.#unindexed.length > 0
  }

  /** Undefined when a blob can be accepted now, else resolves when it can. */
  room(): Promise<void> | undefined {
    return this.#isBusy() ? this.#waitForRoom() : undefined
  }

  /** Resolves when all blobs accepted so far are in a pack, saved or not: tallies are complete then. */
  async sealed(): Promise<void> {
    this.#dispatch('data')
    this.#dispatch('tree')
    await Promise.all(this.#sealing)
    this.throwIfFailed()
  }

  /** Makes all blobs accepted so far durable: packs. They are found by other processes only after `flush`. */
  async savePacks(): Promise<void> {
    await this.sealed()
    for (const type of ['data', 'tree'] as const) this.#closePack(type)
    await Promise.all(this.#saving)
    this.throwIfFailed()
  }

  /** Makes all blobs accepted so far durable: packs first, then indexes. restic-format.md §10. */
  async flush(): Promise<void> {
    const generation = this.#generation
    await this.savePacks()
    this.#saveIndex()
    await Promise.all(this.#saving)
    this.throwIfFailed()
    if (generation !== this.#generation) throw this.#forgotten
  }

  /** From now on every call throws `reason`: the lock was lost, the repository closed. */
  fail(reason: unknown): void {
    this.#failure ??= { reason }
  }

  /** What is wrong: another object each time it happens. */
  get failure(): { readonly reason: unknown } | undefined {
    return this.#failure
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.reason
  }

  /** Forgets a failure and every blob that is not durable. The caller loads the index anew. */
  reset(): void {
    this.#generation++
    this.#forgotten = this.#failure?.reason
    this.#failure = undefined
    this.#pending = new Set()
    this.#open = {}
    this.#building = {}
    this.#sealing = new Set()
    this.#saving = new Set()
    this.#unindexed = []
    this.#unindexedBlobs = 0
  }

  /** Waits until no batch and no pack is under way, whatever became of them. */
  async settle(): Promise<void> {
    while (this.#sealing.size + this.#saving.size > 0) await Promise.all([...this.#sealing, ...this.#saving])
  }

  /** A pack that what is being sealed will fill counts as one that is saved: it has the same memory. */
  #isBusy(): boolean {
    const inFlight = (this.#building.data?.length ?? 0) + (this.#sealing.size + 1) * BATCH_BYTES
    const filled = inFlight >= this.#options.packSize && this.#saving.size > 0 ? 1 : 0
    return this.#sealing.size >= this.#parts.pool.threads * 2 || this.#saving.size + filled >= this.#savingMax
  }

  async #waitForRoom(): Promise<void> {
    while (this.#isBusy() && this.#failure === undefined) await Promise.race([...this.#sealing, ...this.#saving])
    this.throwIfFailed()
  }

  #batchFor(type: BlobType, length: number): Batch {
    const open = this.#open[type]
    if (open !== undefined && open.length + length <= open.plain.length) return open
    this.#dispatch(type)
    const plain = (length <= BATCH_BYTES ? this.#sparePlains.pop() : undefined) ?? newMemory(length, BATCH_BYTES)
    const batch: Batch = { type, plain, length: 0, ids: [], lengths: [], tallies: [] }
    this.#open[type] = batch
    return batch
  }

  /** A batch that is not full goes to a thread that has nothing to do; else it waits and fills. */
  #dispatchSoon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#failure !== undefined) return
      for (const type of ['data', 'tree'] as const) {
        if (this.#sealing.size < this.#parts.pool.threads) this.#dispatch(type)
      }
    })
  }

  #dispatch(type: BlobType): void {
    const batch = this.#open[type]
    if (batch === undefined || batch.ids.length === 0) return
    delete this.#open[type]
    this.#track(this.#sealing, this.#seal(batch))
  }

  async #seal(batch: Batch): Promise<void> {
    const generation = this.#generation
    const bound = sealedBound(batch.length, batch.ids.length)
    const spare = bound <= TARGET_BYTES ? this.#spareTargets.pop() : undefined
    const reply = await this.#parts.pool.seal({
      kind: 'seal',
      level: batch.type === 'tree' ? METADATA_LEVEL : this.#options.dataLevel,
      keepRaw: batch.type === 'data',
      verify: this.#options.verifyWrites,
      lengths: Uint32Array.from(batch.lengths),
      plain: batch.plain,
      target: spare ?? newMemory(bound, TARGET_BYTES),
    })
    if (generation !== this.#generation) return
    this.#intoPack(batch, reply)
  }

  #intoPack(batch: Batch, { sealedLengths, uncompressedLengths, target, plain }: SealReply): void {
    let at = 0
    for (const [i, id] of batch.ids.entries()) {
      const length = sealedLengths[i] ?? 0
      const pack = (this.#building[batch.type] ??= new PackBuilder(batch.type, this.#sparePacks.pop()))
      pack.add(id, target.subarray(at, at + length), uncompressedLengths[i] ?? 0)
      const tally = batch.tallies[i]
      if (tally !== undefined) tally.bytesStored += length
      if (pack.length >= this.#options.packSize) this.#closePack(batch.type)
      at += length
    }
    this.#recycle(plain, target)
    dropped(batch.length) // what the source gave for it
    this.#dispatchSoon() // a thread is free again
  }

  /** Memory of standard size goes round instead of being collected: a megabyte per batch adds up. */
  #recycle(plain: Uint8Array<ArrayBuffer>, target: Uint8Array<ArrayBuffer>): void {
    const most = this.#parts.pool.threads * 2 + 1
    if (plain.length === BATCH_BYTES && this.#sparePlains.length < most) this.#sparePlains.push(plain)
    if (target.length === TARGET_BYTES && this.#spareTargets.length < most) this.#spareTargets.push(target)
  }

  /** A pack's memory goes round as long as two are enough: new memory costs more than what is written to it, and a third one stays. */
  #recyclePack(bytes: Uint8Array): void {
    const isUsual = bytes.buffer.byteLength <= this.#options.packSize * 2
    const others = this.#saving.size - 1 + Object.keys(this.#building).length + this.#sparePacks.length
    if (isUsual && others < 2) this.#sparePacks.push(new Uint8Array(bytes.buffer as ArrayBuffer))
    else release(bytes)
  }

  #closePack(type: BlobType): void {
    const pack = this.#building[type]
    if (pack === undefined) return
    delete this.#building[type]
    this.#track(this.#saving, this.#savePack(pack))
  }

  async #savePack(pack: PackBuilder): Promise<void> {
    const generation = this.#generation
    const { id, bytes, blobs } = pack.finish(this.#parts.sealer)
    await this.#parts.backend.save({ type: 'data', name: id }, bytes)
    if (generation !== this.#generation) return
    this.#parts.addPack(id, blobs)
    for (const blob of blobs) this.#pending.delete(pendingKey(blob.type, blob.id))
    this.#recyclePack(bytes)
    const now = this.#parts.clock.now().getTime()
    if (this.#unindexed.length === 0) this.#unindexedSince = now
    this.#unindexed.push(encodeIndexedPack({ pack: id, blobs }))
    this.#unindexedBlobs += blobs.length
    const isDue = this.#unindexedBlobs >= INDEX_BLOBS_MAX || now - this.#unindexedSince >= INDEX_AGE_MS_MAX
    if (isDue) this.#saveIndex() // not only at the end: a full backup that crashed is resumed from here
  }

  #saveIndex(): void {
    if (this.#unindexed.length === 0 || this.#failure !== undefined) return
    const json = encodeIndex(this.#unindexed)
    this.#unindexed = []
    this.#unindexedBlobs = 0
    const { name, bytes } = sealUnpacked(this.#parts.sealer, json)
    this.#track(this.#saving, this.#parts.backend.save({ type: 'index', name }, bytes))
  }

  /** Keeps count of running work. What is in the set never rejects: a failure shows in `throwIfFailed`. */
  #track(set: Set<Promise<void>>, work: Promise<void>): void {
    const generation = this.#generation
    const tracked = work
      .catch((reason: unknown) => {
        if (generation === this.#generation) this.fail(reason)
      })
      .then(() => void set.delete(tracked))
    set.add(tracked)
  }
}

/** Standard size of a batch's result: that of a full batch of small blobs. */
const TARGET_BYTES = sealedBound(BATCH_BYTES, 64)

const newMemory = (needed: number, standard: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Math.max(needed, standard))

const pendingKey = (type: BlobType, id: Uint8Array): string =>
  type[0] + Buffer.from(id.buffer, id.byteOffset, ID_LENGTH).toString('latin1')
