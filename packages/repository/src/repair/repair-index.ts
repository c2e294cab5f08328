import { forEachBounded, mapInOrder } from '@tidemark/blocks'
import { filePath } from '../backends/backend.ts'
import { PackTable } from '../check/pack-table.ts'
import { placeDigest } from '../check/place-digest.ts'
import { isRepositoryError, RepositoryError, unlessGone, unlessUnreadable } from '../error.ts'
import { decodeIndex, type IndexedPack } from '../format/index-file.ts'
import { packSize } from '../format/pack.ts'
import { idBytes } from '../id.ts'
import { TREE_BIT } from '../index-cache/records.ts'
import { IndexWriter } from '../index-writer.ts'
import type { RepositoryLock } from '../lock.ts'
import { assertRemovable } from '../protection.ts'
import type { Repository } from '../repository.ts'
import { loadUnpacked } from '../unpacked.ts'
import { loadPackHeader } from '../pack-header.ts'
import { HeaderTable } from './header-table.ts'

export interface RepairIndexOptions {
  /** Read the header of every pack; else only of those that no index names, or names with another size. */
  readonly readAllPacks: boolean
  readonly dryRun: boolean
}

export interface RepairIndexProgress {
  readonly phase: 'packs' | 'indexes' | 'headers' | 'write' | 'delete'
  readonly done: number
  /** 0 while it is not known. */
  readonly total: number
}

/** What was wrong with the indexes; nothing is when all lists are empty. */
export interface IndexRepair {
  /** Index files that cannot be read. */
  readonly damagedIndexes: readonly string[]
  /** Packs that an index names and the storage does not have: their blobs are lost unless they are elsewhere. */
  readonly missingPacks: readonly string[]
  /** Packs that no index named. */
  readonly addedPacks: readonly string[]
  /** Packs of which an index said something else than their header. */
  readonly correctedPacks: readonly string[]
  /** Packs whose header cannot be read: what an index says of them stays. `repair packs` saves what is left of them. */
  readonly unreadablePacks: readonly { readonly file: string; readonly reason: string }[]
  /** Index files that were written, and those they replace. */
  readonly written: number
  readonly removed: number
}

const HEADERS_AT_ONCE = 4

/**
 * Makes the indexes say what the packs hold, by the headers of the packs. Index files that are right stay. New ones are durable before
 * an old one goes; a crash leaves both, which is sound. Memory: 100 bytes a pack and one index file, however many headers are read.
 * @param lock exclusive
 * @throws RepositoryError REPOSITORY_APPEND_ONLY before anything was changed; what the storage throws: one that is away says nothing of a pack
 */
export async function repairIndex(
  repository: Repository,
  lock: RepositoryLock,
  { readAllPacks = false, dryRun = false }: Partial<RepairIndexOptions> = {},
  onProgress: (progress: RepairIndexProgress) => void = () => {},
  signal: AbortSignal = lock.signal,
): Promise<IndexRepair> {
  if (lock.kind !== 'exclusive') throw new RepositoryError('REPOSITORY_INPUT', 'to repair takes an exclusive lock')
  const stop = AbortSignal.any([signal, lock.signal])
  if (!dryRun) await assertRemovable(repository, 'repairing the index', stop)
  const survey = new Survey(repository, onProgress, stop)
  await survey.listPacks()
  await survey.readIndexes()
  await survey.readHeaders(readAllPacks)
  if (dryRun || !survey.isNeeded) return survey.report(0, 0)
  const written = await survey.write()
  const removed = await survey.removeOld()
  await repository.loadIndex(stop)
  return survey.report(written, removed)
}

/** What is stored, and what the indexes say of it. */
class Survey {
  readonly #repository: Repository
  readonly #onProgress: (progress: RepairIndexProgress) => void
  readonly #signal: AbortSignal
  /** Packs that the storage has, with their true sizes. */
  readonly #packs = new PackTable()
  /** By the number of a pack: the first index file that names it. */
  readonly #namedBy: (string | undefined)[] = []
  readonly #damagedIndexes: string[] = []
  readonly #missing = new Set<string>()
  readonly #added: string[] = []
  readonly #corrected: string[] = []
  readonly #unreadable: { file: string; reason: string }[] = []
  #headers = new HeaderTable(0)
  /** Numbers of packs of which the header decides, instead of any index. */
  readonly #decided: number[] = []
  /** By the number of a pack: a digest of what the first index says. */
  readonly #firstLists: number[] = []
  /** Packs whose size is not what an index says, or of which two indexes say different things. */
  readonly #doubtful = new Set<string>()
  readonly #sound: string[] = []
  /** Sound files that are written anew: they name what is not there, what another names, or wrongly. */
  readonly #replaced = new Set<string>()

  constructor(repository: Repository, onProgress: (progress: RepairIndexProgress) => void, signal: AbortSignal) {
    this.#repository = repository
    this.#onProgress = onProgress
    this.#signal = signal
  }

  get isNeeded(): boolean {
    return this.#replaced.size + this.#damagedIndexes.length + this.#decided.length > 0
  }

  async listPacks(): Promise<void> {
    for await (const { name, size } of this.#repository.backend.list('data', this.#signal)) {
      const pack = this.#packs.number(idBytes(name))
      this.#packs.expect(pack, size, 0)
      this.#onProgress({ phase: 'packs', done: this.#packs.length, total: 0 })
    }
  }

  async readIndexes(): Promise<void> {
    let done = 0
    for await (const { name } of this.#repository.backend.list('index', this.#signal)) {
      const packs = await this.#load(name)
      if (packs === undefined) this.#damagedIndexes.push(name)
      else {
        this.#sound.push(name)
        for (const each of packs) if (!this.#compare(each, name)) this.#replaced.add(name)
      }
      this.#onProgress({ phase: 'indexes', done: ++done, total: 0 })
    }
  }

  /** Reads headers where the indexes say nothing, or something else than the storage; then it is known which files are replaced. */
  async readHeaders(all: boolean): Promise<void> {
    const wanted: number[] = []
    for (let pack = 0; pack < this.#packs.length; pack++) {
      if (all || this.#namedBy[pack] === undefined || this.#doubtful.has(this.#packs.name(pack))) wanted.push(pack)
    }
    this.#headers = new HeaderTable(this.#packs.length)
    let done = 0
    const read = async (pack: number, signal: AbortSignal) => {
      await this.#readHeader(pack, signal)
      this.#onProgress({ phase: 'headers', done: ++done, total: wanted.length })
    }
    await forEachBounded(wanted, HEADERS_AT_ONCE, read, this.#signal)
    await this.#settle()
  }

  /** @returns how many index files were written */
  async write(): Promise<number> {
    let written = 0
    const writer = new IndexWriter(this.#repository, () => written++, this.#signal)
    let done = 0
    const total = this.#decided.length + this.#replaced.size
    const load = (pack: number, signal: AbortSignal) => this.#loadHeader(pack, signal)
    for await (const each of mapInOrder(this.#decided, HEADERS_AT_ONCE, load, this.#signal)) {
      await writer.add(each)
      this.#onProgress({ phase: 'write', done: ++done, total })
    }
    for (const name of this.#replaced) {
      for (const each of (await this.#load(name)) ?? []) if (this.#isKept(each.pack, name)) await writer.add(each)
      this.#onProgress({ phase: 'write', done: ++done, total })
    }
    await writer.end()
    return written
  }

  /** @returns how many index files were removed */
  async removeOld(): Promise<number> {
    const old = [...this.#replaced, ...this.#damagedIndexes]
    for (const [i, name] of old.entries()) {
      await this.#repository.backend.remove({ type: 'index', name }, this.#signal).catch(unlessGone)
      this.#onProgress({ phase: 'delete', done: i + 1, total: old.length })
    }
    return old.length
  }

  report(written: number, removed: number): IndexRepair {
    return {
      damagedIndexes: this.#damagedIndexes,
      missingPacks: [...this.#missing],
      addedPacks: this.#added,
      correctedPacks: this.#corrected,
      unreadablePacks: this.#unreadable,
      written,
      removed,
    }
  }

  /** Answers whether a file is right to name the pack: it is there, and no file before names it. */
  #compare({ pack, blobs }: IndexedPack, file: string): boolean {
    const number = this.#packs.find(idBytes(pack))
    if (number < 0) {
      this.#missing.add(pack)
      return false
    }
    if (packSize(blobs) !== this.#packs.size(number)) this.#doubtful.add(pack)
    const list = listDigest(blobs)
    if ((this.#firstLists[number] ??= list) !== list) this.#doubtful.add(pack)
    const first = (this.#namedBy[number] ??= file)
    return first === file
  }

  async #readHeader(pack: number, signal: AbortSignal): Promise<void> {
    const name = this.#packs.name(pack)
    try {
      const { blobs } = await this.#loadHeader(pack, signal)
      this.#headers.add(pack, blobs)
      if (this.#namedBy[pack] === undefined) this.#added.push(name)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Error)) throw error
      if (error instanceof RepositoryError) unlessUnreadable(error)
      this.#unreadable.push({ file: filePath({ type: 'data', name }), reason: error.message })
    }
  }

  async #loadHeader(pack: number, signal: AbortSignal): Promise<IndexedPack> {
    const name = this.#packs.name(pack)
    return { pack: name, blobs: await loadPackHeader(this.#repository, name, this.#packs.size(pack), signal) }
  }

  /** Files that say something else than a header are replaced. Headers that say what an index says are not news. */
  async #settle(): Promise<void> {
    if (this.#headers.length === 0) return
    for (const name of this.#sound) {
      for (const { pack, blobs } of (await this.#load(name)) ?? []) {
        const number = this.#packs.find(idBytes(pack))
        if (number >= 0 && !this.#headers.compare(number, blobs)) this.#replaced.add(name)
      }
    }
    for (let pack = 0; pack < this.#packs.length; pack++) {
      if (this.#headers.decides(pack)) this.#decided.push(pack)
      if (this.#headers.isWrong(pack)) this.#corrected.push(this.#packs.name(pack))
    }
  }

  /** Whether what a file says of a pack is to be said again: its header says nothing else, and no file before named it. */
  #isKept(pack: string, file: string): boolean {
    const number = this.#packs.find(idBytes(pack))
    return number >= 0 && this.#namedBy[number] === file && !this.#headers.decides(number)
  }

  /** Undefined when it is damaged. */
  async #load(name: string): Promise<IndexedPack[] | undefined> {
    const { backend, sealer } = this.#repository
    try {
      return [...decodeIndex(await loadUnpacked(backend, sealer, { type: 'index', name }, this.#signal))]
    } catch (error) {
      this.#signal.throwIfAborted()
      if (isRepositoryError(error, 'REPOSITORY_DAMAGED') || !(error instanceof RepositoryError)) return undefined
      throw error
    }
  }
}

const listDigest = (blobs: IndexedPack['blobs']): number =>
  blobs.reduce((sum, { type, id, offset, length, uncompressedLength }) => {
    const plain = type === 'tree' ? uncompressedLength | TREE_BIT : uncompressedLength
    return (sum + placeDigest(id, 0, offset, length, plain)) >>> 0
  }, 0)
