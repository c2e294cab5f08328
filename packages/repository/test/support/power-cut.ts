import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { nodeFileSystem, type FileSystem, type OpenFile } from '../../src/backends/file-system.ts'
import { isFileName } from '../../src/backends/backend.ts'
import type { Random } from './random.ts'

/** What a power cut leaves of what was not synced: nothing, everything, or some of it as a disk happens to have written. */
export type Cut = 'process' | 'nothing unsynced' | 'some unsynced'

export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

/** A change of a directory that was not synced since. */
interface Change {
  readonly path: string
  /** What was there before: bytes, or nothing. */
  readonly before: Uint8Array | undefined
}

/**
 * The real file system until a step, which is the last: the power goes before or after it. Steps are creations, writes, truncations, syncs of
 * files and directories, links, renames and removals. Remembers what was synced: a file's bytes by its own sync, a name by that of its
 * directory.
 */
export class PowerCutFileSystem implements FileSystem {
  readonly #at: number
  readonly #moment: 'before' | 'after'
  /** Files with bytes that were not synced, by any of their names. */
  readonly #unsynced = new Set<string>()
  readonly #changes = new Map<string, Change[]>()
  steps = 0
  #isCut = false

  /** @param at number of the last step, from 1; Infinity to count */
  constructor(at: number, moment: 'before' | 'after') {
    this.#at = at
    this.#moment = moment
  }

  readdir: FileSystem['readdir'] = async (path) => this.#powered(() => nodeFileSystem.readdir(path))
  stat: FileSystem['stat'] = async (path) => this.#powered(() => nodeFileSystem.stat(path))
  access: FileSystem['access'] = async (path) => this.#powered(() => nodeFileSystem.access(path))
  mkdir: FileSystem['mkdir'] = async (path, options) => this.#powered(() => nodeFileSystem.mkdir(path, options))

  async open(path: string, flags: number, mode?: number): Promise<OpenFile> {
    const isNew = (flags & 0o100) !== 0
    if (!isNew) return this.#wrapped(await this.#powered(() => nodeFileSystem.open(path, flags)), path)
    let made: OpenFile | undefined
    const create = async () => {
      made = await nodeFileSystem.open(path, flags, mode)
      this.#change(path, undefined)
      this.#unsynced.add(path)
      return this.#wrapped(made, path)
    }
    try {
      return await this.#step(create)
    } catch (error) {
      await made?.close() // nobody has it
      throw error
    }
  }

  link = (existing: string, path: string): Promise<void> =>
    this.#step(async () => {
      await nodeFileSystem.link(existing, path)
      this.#change(path, undefined)
      if (this.#unsynced.has(existing)) this.#unsynced.add(path)
    })

  rename = (from: string, to: string): Promise<void> =>
    this.#step(async () => {
      const bytes = bytesAt(from)
      const before = bytesAt(to)
      await nodeFileSystem.rename(from, to)
      this.#change(from, bytes)
      this.#change(to, before)
      if (this.#unsynced.delete(from)) this.#unsynced.add(to)
    })

  rm = (path: string, options?: { readonly force?: boolean }): Promise<void> =>
    this.#step(async () => {
      const before = bytesAt(path)
      await nodeFileSystem.rm(path, options)
      if (before !== undefined) this.#change(path, before)
    })

  /** The files of a repository after the cut, by their paths in it. Temporary ones are no files of a repository. */
  async left(root: string, cut: Cut, random: Random): Promise<Map<string, Uint8Array>> {
    const files = new Map<string, Uint8Array>()
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile()) files.set(path, bytesAt(path) ?? new Uint8Array())
    }
    if (cut !== 'process') this.#lose(files, () => cut === 'some unsynced' && random.below(2) === 0, random)
    const named = [...files].filter(([path]) => path === join(root, 'config') || isFileName(basename(path)))
    return new Map(named.map(([path, bytes]) => [relative(root, path), bytes]))
  }

  #lose(files: Map<string, Uint8Array>, isKept: () => boolean, random: Random): void {
    for (const path of this.#unsynced) {
      const bytes = files.get(path)
      if (bytes !== undefined && !isKept()) files.set(path, bytes.subarray(0, random.below(bytes.length + 1)))
    }
    for (const changes of this.#changes.values()) {
      for (const { path, before } of changes.toReversed()) {
        if (isKept()) continue
        if (before === undefined) files.delete(path)
        else files.set(path, before)
      }
    }
  }

  #change(path: string, before: Uint8Array | undefined): void {
    const changes = this.#changes.get(dirname(path)) ?? []
    changes.push({ path, before })
    this.#changes.set(dirname(path), changes)
  }

  #wrapped(file: OpenFile, path: string): OpenFile {
    const wrote = <Result>(done: Promise<Result>) => done.finally(() => this.#unsynced.add(path))
    const sync = async () => {
      await file.sync()
      this.#unsynced.delete(path)
      this.#changes.delete(path)
    }
    const write = (...args: Parameters<OpenFile['write']>) => this.#step(() => wrote(file.write(...args)))
    return {
      fd: file.fd,
      read: file.read.bind(file),
      stat: file.stat.bind(file),
      write: write as OpenFile['write'],
      truncate: (length) => this.#step(() => wrote(file.truncate(length))),
      sync: () => this.#step(sync),
      close: () => file.close(),
      [Symbol.asyncDispose]: () => file.close(),
    }
  }

  #powered<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isCut) throw new PowerCut('no power any more')
    return work()
  }

  async #step<Result>(work: () => Promise<Result>): Promise<Result> {
    this.steps++
    if (this.steps < this.#at) return work()
    this.#isCut = true
    if (this.steps === this.#at && this.#moment === 'after') await work()
    throw new PowerCut(`no power at step ${this.steps}`)
  }
}

function bytesAt(path: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(readFileSync(path))
  } catch {
    return undefined
  }
}
