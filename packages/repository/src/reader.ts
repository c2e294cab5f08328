import { forEachBounded } from '@tidemark/blocks'
import { filePath, type Backend } from './backends/backend.ts'
import type { BlobIndex, BlobLocation } from './blob-index.ts'
import { MemoryRing } from './direct-io/aligned-memory.ts'
import { directLength } from './direct-io/direct-file.ts'
import { RepositoryError } from './error.ts'
import type { Sealer } from './format/crypto.ts'
import type { PackedBlob } from './format/pack.ts'
import { idAt, ID_LENGTH, type BlobType } from './id.ts'
import { openBlob, plainLength, type Flaw, type SealedBlobs } from './sealing/batch.ts'
import type { BlobTarget } from './sealing/blob-target.ts'
import { openLarge } from './sealing/large.ts'
import type { SealingPool } from './sealing/pool.ts'
import { stretches, stretchLength, STRETCH_MAX } from './stretches.ts'
import { damaged } from './unpacked.ts'

/** Shorter reads go through the page cache: they may come again. */
const DIRECT_MIN = 512 << 10
/** Reads under way for one call. */
const READS_MAX = 4

export interface ReaderParts {
  readonly backend: Backend
  readonly sealer: Sealer
  readonly pool: SealingPool
  index(): BlobIndex
  /** Saves the packs being built: a blob that is in no index may be in one of them. */
  savePending(): Promise<void>
}

/** A blob wanted, where it lies, and at which positions of the answer it is needed. */
interface Wanted extends BlobLocation {
  readonly id: Uint8Array
  readonly positions: number[]
}

type Stretch = readonly [Wanted, ...Wanted[]]

/** Sealed blobs and what is wrong with the first that is damaged. Its memory is used again after disposal. */
export interface ProvenStretch extends Disposable {
  readonly bytes: Uint8Array
  readonly flaw: Flaw | undefined
}

/** Loads and verifies blobs. */
export class BlobReader {
  readonly #parts: ReaderParts
  readonly #ring = new MemoryRing(directLength(0, STRETCH_MAX))

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /**
   * One blob, opened on the calling thread.
   * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED (naming the pack)
   */
  async load(type: BlobType, id: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    await this.#ensureIndexed(type, id)
    const { pack, offset, length, uncompressedLength } = this.#locate(type, id, 0)
    const file = { type: 'data', name: pack } as const
    const sealed = await this.#loadRange(pack, offset, length, signal)
    const blob = openBlob(sealed, uncompressedLength, id, this.#parts.sealer)
    if (typeof blob === 'string') throw damaged(filePath(file), `${type} blob ${idAt(id)}: ${blob}`)
    return blob
  }

  /**
   * A blob in parts of some megabytes, for those above `LARGE_BLOB`. Nothing may be believed before the end is reached.
   * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED (naming the pack)
   */
  async *parts(type: BlobType, id: Uint8Array, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    await this.#ensureIndexed(type, id)
    const { pack, offset, length, uncompressedLength } = this.#locate(type, id, 0)
    const load = (at: number, size: number) => this.#loadRange(pack, offset + at, size, signal)
    try {
      yield* openLarge({ length, uncompressedLength, id }, load, this.#parts.sealer)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof RepositoryError) throw error
      const file = filePath({ type: 'data', name: pack })
      throw damaged(file, `${type} blob ${idAt(id)}: ${(error as Error).message}`, error)
    }
  }

  /**
   * Many blobs, in the order asked for, read in the order of their packs and opened in the pool. All are in memory at
   * once: ask for some megabytes.
   * @param ids packed IDs
   * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED (naming the pack)
   */
  async loadMany(type: BlobType, ids: Uint8Array, signal?: AbortSignal): Promise<Uint8Array[]> {
    const results: Uint8Array[] = Array.from({ length: ids.length / ID_LENGTH })
    await this.#ensureIndexed(type, ids)
    const reads = planReads(this.#locateAll(type, ids))
    await forEachBounded(reads, READS_MAX, (read, inner) => this.#read(type, read, results, inner), signal)
    return results
  }

  /**
   * Writes blobs into a file, each at its place, read in the order of their packs, opened and written in the pool.
   * When it returns, however it does, nobody writes to the file any more.
   * @param ids packed IDs
   * @param offsets bytes from the start of the file, one for each ID
   * @param file descriptor, open for writing
   * @param onWritten told how many bytes were written now
   * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED (naming the pack); the system's errors
   */
  async writeMany(
    type: BlobType,
    ids: Uint8Array,
    { offsets, file, direct }: Pick<BlobTarget, 'offsets' | 'file' | 'direct'>,
    onWritten: (length: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#ensureIndexed(type, ids)
    const reads = planReads(this.#locateAll(type, ids))
    const write = async (read: Stretch, inner: AbortSignal) => {
      const blobs = read.flatMap(({ positions }, i) => positions.map(() => i))
      const places = read.flatMap(({ positions }) => positions.map((position) => offsets[position] ?? 0))
      const target = { file, ...(direct !== undefined && { direct }) }
      const into = { ...target, blobs: Uint32Array.from(blobs), offsets: Float64Array.from(places) }
      await this.#open(type, read, into, inner)
      onWritten(blobs.reduce((sum, blob) => sum + sizeOf(read[blob]), 0))
    }
    await forEachBounded(reads, READS_MAX, write, signal)
  }

  /**
   * A stretch of a pack as it lies there, with its blobs proven in the pool.
   * @param blobs of it that matter, by offset, all of which `stretches` put together
   * @throws RepositoryError REPOSITORY_DAMAGED when the pack is missing or too short
   */
  async prove(
    pack: string,
    blobs: readonly [PackedBlob, ...PackedBlob[]],
    signal?: AbortSignal,
  ): Promise<ProvenStretch> {
    const [{ offset }] = blobs
    const length = stretchLength(blobs)
    const memory = length <= STRETCH_MAX ? this.#ring.take() : undefined
    const sealed = await this.#loadRange(pack, offset, length, signal, memory)
    const proof = await this.#parts.pool.prove({ kind: 'prove', sealed, ...wherein(blobs, offset) })
    const [flaw] = proof.damaged
    return {
      bytes: proof.sealed,
      flaw,
      [Symbol.dispose]: () => {
        if (memory !== undefined) this.#ring.give(memory)
      },
    }
  }

  async #ensureIndexed(type: BlobType, ids: Uint8Array): Promise<void> {
    const index = this.#parts.index()
    for (let at = 0; at < ids.length; at += ID_LENGTH) {
      if (!index.has(type, ids, at)) return this.#parts.savePending()
    }
  }

  #locateAll(type: BlobType, ids: Uint8Array): Wanted[] {
    const wanted = new Map<string, Wanted>()
    for (let position = 0; position * ID_LENGTH < ids.length; position++) {
      const id = ids.subarray(position * ID_LENGTH, (position + 1) * ID_LENGTH)
      const location = this.#locate(type, id, 0)
      const key = `${location.pack}${location.offset}`
      const known = wanted.get(key)
      if (known === undefined) wanted.set(key, { ...location, id, positions: [position] })
      else known.positions.push(position)
    }
    return [...wanted.values()]
  }

  #locate(type: BlobType, ids: Uint8Array, offset: number): BlobLocation {
    const index = this.#parts.index()
    const entry = index.find(type, ids, offset)
    if (entry >= 0) return index.location(entry)
    throw new RepositoryError('REPOSITORY_MISSING_BLOB', `${type} blob ${idAt(ids, offset)} is in no index`)
  }

  async #read(type: BlobType, wanted: Stretch, results: Uint8Array[], signal: AbortSignal): Promise<void> {
    const plain = await this.#open(type, wanted, undefined, signal)
    let at = 0
    for (const blob of wanted) {
      const size = sizeOf(blob)
      for (const position of blob.positions) results[position] = plain.subarray(at, at + size)
      at += size
    }
  }

  /** Loads blobs that lie near each other in a pack, and opens them in the pool. */
  async #open(type: BlobType, wanted: Stretch, into: BlobTarget | undefined, signal: AbortSignal): Promise<Uint8Array> {
    const [{ pack, offset }] = wanted
    const length = stretchLength(wanted)
    const memory = length >= DIRECT_MIN && length <= STRETCH_MAX ? this.#ring.take() : undefined
    try {
      const sealed = await this.#loadRange(pack, offset, length, signal, memory)
      return await this.#openRange(type, wanted, sealed, into)
    } finally {
      if (memory !== undefined) this.#ring.give(memory)
    }
  }

  async #openRange(
    type: BlobType,
    wanted: Stretch,
    sealed: Uint8Array,
    into: BlobTarget | undefined,
  ): Promise<Uint8Array> {
    const [{ offset: from, pack }] = wanted
    const where = wherein(wanted, from)
    const { plain, damaged: bad } = await this.#parts.pool.open({
      kind: 'open',
      sealed,
      ...where,
      ...(into !== undefined && { into }),
    })
    const failure = bad[0]
    if (failure === undefined) return plain
    const file = filePath({ type: 'data', name: pack })
    throw damaged(file, `${type} blob ${idAt(where.ids, failure.blob * ID_LENGTH)}: ${failure.reason}`)
  }

  async #loadRange(
    pack: string,
    offset: number,
    length: number,
    signal?: AbortSignal,
    memory?: Uint8Array,
  ): Promise<Uint8Array> {
    try {
      return await this.#parts.backend.load({ type: 'data', name: pack }, { offset, length }, signal, memory)
    } catch (error) {
      throw asDamage(error, filePath({ type: 'data', name: pack }))
    }
  }
}

/** Blobs of a stretch that begins at `from`, as the pool is told of them. */
function wherein(
  blobs: readonly Pick<PackedBlob, 'id' | 'offset' | 'length' | 'uncompressedLength'>[],
  from: number,
): Pick<SealedBlobs, 'places' | 'ids'> {
  const places = blobs.flatMap((blob) => [blob.offset - from, blob.length, blob.uncompressedLength])
  const ids = new Uint8Array(blobs.length * ID_LENGTH)
  for (const [i, { id }] of blobs.entries()) ids.set(id, i * ID_LENGTH)
  return { places: Uint32Array.from(places), ids }
}

const sizeOf = (blob: Wanted | undefined): number =>
  blob === undefined ? 0 : plainLength(blob.length, blob.uncompressedLength)

/** Reads in the order of packs. */
const planReads = (wanted: Wanted[]): Generator<[Wanted, ...Wanted[]]> =>
  stretches(wanted.sort((a, b) => (a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1)))

/** A pack that is gone or shorter than its index says is damage of the repository, not of the storage. */
function asDamage(error: unknown, file: string): unknown {
  if (!(error instanceof RepositoryError)) return error
  if (error.code === 'BACKEND_NOT_FOUND') return damaged(file, 'it is missing', error)
  return error.code === 'BACKEND_OUT_OF_RANGE' ? damaged(file, 'it is shorter than indexed', error) : error
}
