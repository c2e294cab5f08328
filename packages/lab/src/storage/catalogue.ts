import fs from 'node:fs'
import { join } from 'node:path'
import { LabError } from '../error.ts'

/** What is known of one disk. */
export interface DiskRecord {
  readonly size: number
  /** `log` is a snapshot whose data were destroyed. */
  readonly kind: 'writable' | 'snapshot' | 'log'
  /** The layer below, shared with whoever needs it and never written again; null when everything below is zeros. */
  readonly base: number | null
  /** The disk's own layer, made at its first write. */
  readonly top: number | null
  /** Null when changes are not tracked. */
  readonly log: LogRecord | null
}

/** The changes of one disk since its parent, and its place in the chain of logs. */
export interface LogRecord {
  /** Number of the bitmap file. */
  readonly file: number
  /** Disk ids. */
  readonly parent: string | null
  readonly child: string | null
  readonly consistent: boolean
}

interface LayerRecord {
  readonly parent: number | null
}

/** All that is known of the storage. Records are replaced, never changed. */
export interface State {
  /** Number of the next layer or log file; numbers are never used twice. */
  next: number
  readonly disks: Map<string, DiskRecord>
  readonly layers: Map<number, LayerRecord>
}

interface Stored {
  readonly version: 1
  readonly next: number
  readonly disks: Record<string, DiskRecord>
  readonly layers: readonly { readonly number: number; readonly parent: number | null }[]
}

/**
 * The one file that says which disks, layers and logs there are. Each change writes it anew beside the old one and renames it: a
 * change has happened or it has not, whenever the process dies. Files that it does not name mean nothing.
 */
export class Catalogue {
  readonly #path: string
  readonly #directory: string
  #state: State
  #changes = 1
  #changesOnMedium = 0

  /** Reads the catalogue of a directory; there is none in a new one. @throws LabError LAB_STORAGE_DAMAGED */
  constructor(directory: string) {
    this.#directory = directory
    this.#path = join(directory, 'storage.json')
    this.#state = load(this.#path)
  }

  get state(): Readonly<State> {
    return this.#state
  }

  /** Applies a change and stores the outcome; when `edit` or the disk fails, nothing has changed. */
  change<Result>(edit: (draft: State) => Result): Result {
    const { next, disks, layers } = this.#state
    const draft: State = { next, disks: new Map(disks), layers: new Map(layers) }
    const result = edit(draft)
    const temporary = `${this.#path}.new`
    fs.writeFileSync(temporary, encode(draft), { mode: 0o600 })
    fs.renameSync(temporary, this.#path)
    this.#state = draft
    this.#changes++
    return result
  }

  /** Resolves when the catalogue, and the names of all files in `directories`, are on the medium. */
  async sync(directories: readonly string[]): Promise<void> {
    const changes = this.#changes
    if (this.#changesOnMedium >= changes) return
    for (const path of [this.#path, this.#directory, ...directories]) await syncPath(path)
    this.#changesOnMedium = Math.max(this.#changesOnMedium, changes)
  }
}

/** Takes layers out that no disk needs any more. @returns their numbers */
export function collectLayers(draft: State): number[] {
  const needed = new Set<number>()
  for (const { base, top } of draft.disks.values()) {
    if (top !== null) needed.add(top)
    for (let layer = base; layer !== null && !needed.has(layer); layer = draft.layers.get(layer)?.parent ?? null) {
      needed.add(layer)
    }
  }
  const unneeded = [...draft.layers.keys()].filter((layer) => !needed.has(layer))
  for (const layer of unneeded) draft.layers.delete(layer)
  return unneeded
}

/** The layers of a disk, the lowest first. */
export function chainOf({ layers }: Readonly<State>, { base, top }: DiskRecord): number[] {
  const chain = top === null ? [] : [top]
  for (let layer = base; layer !== null; layer = layers.get(layer)?.parent ?? null) chain.push(layer)
  return chain.reverse()
}

/** The layers that no other disk needs. */
export function ownLayers(state: Readonly<State>, record: DiskRecord): number[] {
  const own: number[] = []
  for (const layer of chainOf(state, record).reverse()) {
    const children = [...state.layers].filter(([, { parent }]) => parent === layer)
    const users = [...state.disks.values()].filter(({ base, top }) => base === layer || top === layer)
    const shared = users.some((user) => user !== record) || children.some(([number]) => !own.includes(number))
    if (shared) return own
    own.push(layer)
  }
  return own
}

function load(path: string): State {
  const text = readIfPresent(path)
  if (text === undefined) return { next: 1, disks: new Map(), layers: new Map() }
  try {
    const stored = JSON.parse(text) as Stored
    if (stored.version !== 1) throw new Error(`version ${String(stored.version)} is unknown`)
    return {
      next: stored.next,
      disks: new Map(Object.entries(stored.disks)),
      layers: new Map(stored.layers.map(({ number, parent }) => [number, { parent }])),
    }
  } catch (cause) {
    throw new LabError('LAB_STORAGE_DAMAGED', `${path} is no catalogue of a storage`, { cause })
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function encode({ next, disks, layers }: State): string {
  const stored: Stored = {
    version: 1,
    next,
    disks: Object.fromEntries(disks),
    layers: [...layers].map(([number, { parent }]) => ({ number, parent })),
  }
  return JSON.stringify(stored)
}

async function syncPath(path: string): Promise<void> {
  const handle = await fs.promises.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
