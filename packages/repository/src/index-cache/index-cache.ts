import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { RepositoryError } from '../error.ts'
import { markUsed } from './directory.ts'
import { mergeSegments } from './merge.ts'
import type { RunBuilder } from './run.ts'
import { isSegmentName, type WrittenSegment } from './segment-file.ts'
import { Segment } from './segment.ts'

/** Up to this many blobs the cached index is held in memory as a whole: 48 MB, and look-ups of 0.3 µs. */
const RESIDENT_MAX = 1_000_000
/** What a process that died left behind, in milliseconds. */
const TEMPORARY_AGE_MAX = 86_400_000

export interface IndexCacheOptions {
  /** Cache of all repositories; made when it is not there. */
  readonly directory: string
  readonly repositoryId: string
  /** Told what kept the cache from being used or written: never a reason to fail. */
  readonly onProblem: (error: unknown) => void
  /** Blobs up to which everything is held in memory. */
  readonly residentMax?: number
}

/**
 * The index in sorted files. Several processes may use one directory at once: files are never changed, appear as a whole, and
 * one that is removed stays readable for whoever has it open. Whatever is lost is made again from the repository.
 */
export class IndexCache {
  readonly #options: IndexCacheOptions
  readonly #directory: string
  /** By file name. */
  #open = new Map<string, Segment>()
  /** Replaced, but perhaps in use by an index that was handed out. */
  #retired: Segment[] = []
  /** Segments that an index uses. */
  #used = new Set<Segment>()

  constructor(options: IndexCacheOptions) {
    this.#options = options
    this.#directory = join(options.directory, options.repositoryId, 'index')
  }

  problem(error: unknown): void {
    this.#options.onProblem(error)
  }

  /** Opens what there is for these index files, and drops the rest. @returns names of files that are in no segment */
  async open(names: readonly string[]): Promise<string[]> {
    const wanted = new Set(names)
    try {
      await markUsed(this.#options.directory, this.#options.repositoryId)
      await this.#openAll()
    } catch (error) {
      this.problem(error)
    }
    const largestFirst = [...this.#open].sort(([, a], [, b]) => b.length - a.length)
    for (const [name, segment] of largestFirst) {
      const files = segment.isBroken ? [] : segment.files().filter((file) => wanted.delete(file))
      if (files.length === 0) await this.#drop(name)
      else segment.keepOnly(new Set(files))
    }
    return Array.from(wanted)
  }

  /** Keeps a run as a segment. @returns whether that was possible */
  async add(run: RunBuilder): Promise<boolean> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      this.#adopt(await run.write(this.#directory, this.#options.repositoryId))
      return true
    } catch (error) {
      this.problem(error)
      return false
    }
  }

  /** Merges segments until each is larger than all smaller ones together, and less than a quarter of it is dead. */
  async tidy(signal?: AbortSignal): Promise<void> {
    const names = this.#toMerge()
    if (names.length > 0) await this.#merge(names, signal)
    const all = this.segments()
    const total = all.reduce((sum, { length }) => sum + length, 0)
    if (total > (this.#options.residentMax ?? RESIDENT_MAX)) return
    for (const segment of all) if (!segment.isResident) segment.makeResident()
  }

  async #merge(names: readonly string[], signal?: AbortSignal): Promise<void> {
    const segments = names.flatMap((name) => this.#open.get(name) ?? [])
    for (const segment of segments) if (!this.#used.has(segment)) segment.forgetMarks()
    try {
      const merged = await mergeSegments(segments, this.#directory, this.#options.repositoryId, signal)
      if (merged !== undefined) this.#adopt(merged)
      for (const name of names) if (name !== merged?.name) await this.#drop(name)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof RepositoryError) throw error
      this.problem(error) // the disk is full: the parts serve as well
      for (const name of names) await this.#openAgain(name)
    }
  }

  /** What an index may use until this is closed. */
  segments(): readonly Segment[] {
    const all = [...this.#open.values()]
    for (const segment of all) this.#used.add(segment)
    return all
  }

  close(): void {
    for (const segment of [...this.#open.values(), ...this.#retired]) segment.close()
    this.#open = new Map()
    this.#retired = []
  }

  async #openAll(): Promise<void> {
    for (const name of await this.#list()) {
      if (isSegmentName(name)) await this.#openSegment(name)
      else await this.#removeAbandoned(name)
    }
  }

  async #list(): Promise<string[]> {
    try {
      return await readdir(this.#directory)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  async #openSegment(name: string): Promise<Segment | undefined> {
    const known = this.#open.get(name)
    if (known !== undefined) return known
    const segment = await Segment.open(join(this.#directory, name), this.#options.repositoryId)
    if (segment !== undefined) this.#open.set(name, segment)
    return segment
  }

  #adopt({ name, tables }: WrittenSegment): void {
    if (!this.#open.has(name)) this.#open.set(name, Segment.written(join(this.#directory, name), tables))
  }

  /** A segment that was made ready to be joined, and is needed after all. @throws RepositoryError REPOSITORY_CACHE when it is gone */
  async #openAgain(name: string): Promise<void> {
    const segment = this.#open.get(name)
    if (segment === undefined || this.#used.has(segment)) return
    const files = new Set(segment.liveFiles())
    segment.close()
    this.#open.delete(name)
    const again = await this.#openSegment(name)
    if (again === undefined) throw new RepositoryError('REPOSITORY_CACHE', `the index cache lost ${name}`)
    again.keepOnly(files)
  }

  async #drop(name: string): Promise<void> {
    const segment = this.#open.get(name)
    this.#open.delete(name)
    if (segment !== undefined && this.#used.has(segment)) this.#retired.push(segment)
    else segment?.close()
    await rm(join(this.#directory, name), { force: true }).catch((error: unknown) => this.problem(error))
  }

  async #removeAbandoned(name: string): Promise<void> {
    const path = join(this.#directory, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() })) // gone: another process finished it
    if (Date.now() - mtimeMs > TEMPORARY_AGE_MAX) await rm(path, { force: true })
  }

  /** Names of the segments to be joined into one. */
  #toMerge(): string[] {
    const smallestFirst = [...this.#open].sort(([, a], [, b]) => a.length - b.length)
    let count = 0
    let sum = 0
    for (const [i, [, { length }]] of smallestFirst.entries()) {
      if (i > 0 && length <= sum) count = i + 1
      sum += length
    }
    const names = smallestFirst.slice(0, count).map(([name]) => name)
    const decayed = smallestFirst.slice(count).filter(([, segment]) => segment.recordsDead() * 4 > segment.length)
    return [...names, ...decayed.map(([name]) => name)]
  }
}
