import { bitmapLength, blockIndex, bytes, CBT_BLOCK, countMarked, endOf, isMarked } from '@tidemark/blocks'
import { expect } from 'vitest'
import { LabError } from '../src/error.ts'
import type { Storage } from '../src/storage/index.ts'

/** Everything written to one tracked disk since tracking was switched on; snapshots are points of this history. */
interface History {
  /** Counts writes and snapshots. */
  now: number
  readonly writes: { at: number; first: number; last: number }[]
  readonly broken: number[]
}

interface ModelDisk {
  kind: 'writable' | 'snapshot' | 'log'
  content: Buffer
  history: History | undefined
  /** Where a snapshot stands in its history; a disk stands at its end. */
  at: number
}

/**
 * What the storage should hold, told in another way: whole contents, and for each tracked disk one list of all its
 * writes. There are no layers, and no logs that move, link or merge.
 */
export class Model {
  readonly disks = new Map<string, ModelDisk>()

  create(id: string, size: number): void {
    this.disks.set(id, { kind: 'writable', content: Buffer.alloc(size), history: undefined, at: 0 })
  }

  disk(id: string): ModelDisk {
    const disk = this.disks.get(id)
    if (disk === undefined) throw new Error(`the model has no disk ${id}`)
    return disk
  }

  write(id: string, offset: number, data: Uint8Array): void {
    if (data.length === 0) return
    const disk = this.disk(id)
    disk.content.set(data, offset)
    const first = Math.floor(offset / CBT_BLOCK)
    const last = Math.floor((offset + data.length - 1) / CBT_BLOCK)
    if (disk.history !== undefined) disk.history.writes.push({ at: ++disk.history.now, first, last })
  }

  trim(id: string, offset: number, length: number): void {
    const size = this.disk(id).content.length
    const end = offset + length
    const from = Math.ceil(offset / CBT_BLOCK) * CBT_BLOCK
    const to = end === size ? end : Math.floor(end / CBT_BLOCK) * CBT_BLOCK
    if (from < to) this.write(id, from, Buffer.alloc(to - from))
  }

  snapshot(source: string, target: string): void {
    const { content, history, kind } = this.disk(source)
    const own = kind === 'writable' ? history : undefined
    const at = own === undefined ? 0 : ++own.now
    this.disks.set(target, { kind: 'snapshot', content: Buffer.from(content), history: own, at })
  }

  clone(source: string, target: string): void {
    const content = Buffer.from(this.disk(source).content)
    this.disks.set(target, { kind: 'writable', content, history: undefined, at: 0 })
  }

  enable(id: string): void {
    this.disk(id).history ??= { now: 0, writes: [], broken: [] }
  }

  resize(id: string, size: number): void {
    const disk = this.disk(id)
    disk.content = Buffer.concat([disk.content, Buffer.alloc(size - disk.content.length)])
  }

  breakTracking(id: string): void {
    const disk = this.disk(id)
    if (disk.kind === 'writable') disk.history = undefined
    else disk.history?.broken.push(disk.at)
  }

  /** The blocks that must be marked, all of them and no others; or the code of the error. */
  changes(from: string, to: string): Set<number> | string {
    const [older, newer] = [this.disk(from), this.disk(to)]
    if (from === to) return 'LAB_CBT_SAME'
    const start = this.#position(older)
    const end = this.#position(newer)
    if (older.history === undefined || older.history !== newer.history || start >= end) return 'LAB_CBT_UNRELATED'
    if (older.history.broken.some((at) => start < at && at <= end)) return 'LAB_CBT_INCONSISTENT'
    const changed = new Set<number>()
    for (const { at, first, last } of older.history.writes) {
      if (start < at && at <= end) for (let block = first; block <= last; block++) changed.add(block)
    }
    return changed
  }

  #position({ kind, at }: ModelDisk): number {
    return kind === 'writable' ? Infinity : at
  }
}

/** Compares every disk, every pair of disks, and all that can be asked about them. */
export async function expectSame(storage: Storage, model: Model): Promise<void> {
  expect([...storage.list()].sort()).toEqual([...model.disks.keys()].sort())
  for (const [id, disk] of model.disks) {
    expect(storage.sizeOf(id)).toBe(disk.content.length)
    expect(storage.isTracked(id)).toBe(disk.history !== undefined)
    expect(storage.isFrozen(id)).toBe(disk.kind !== 'writable')
    if (disk.kind === 'log') await expect(storage.read(id, 0, 1)).rejects.toMatchObject({ code: 'LAB_STORAGE_NO_DATA' })
    else await expectContent(storage, id, disk.content)
  }
  for (const from of model.disks.keys())
    for (const to of model.disks.keys()) await expectChanges(storage, model, from, to)
}

async function expectContent(storage: Storage, id: string, content: Buffer): Promise<void> {
  const actual = Buffer.from(await storage.read(id, 0, content.length))
  if (!actual.equals(content)) {
    const at = actual.findIndex((byte, index) => byte !== content[index])
    throw new Error(`${id} differs from the model at byte ${at}, in block ${Math.floor(at / CBT_BLOCK)}`)
  }
  let done = 0
  for (const each of await storage.allocatedExtents(id)) {
    expect(content.subarray(done, each.offset).every((byte) => byte === 0)).toBe(true)
    done = endOf(each)
  }
  expect(content.subarray(done).every((byte) => byte === 0)).toBe(true)
}

async function expectChanges(storage: Storage, model: Model, from: string, to: string): Promise<void> {
  const expected = model.changes(from, to)
  const actual = await storage.changedBlocks(from, to).catch((error: unknown) => {
    if (error instanceof LabError) return error.code
    throw error
  })
  if (typeof expected === 'string' || typeof actual === 'string') return expect(actual).toBe(expected)
  expect(actual.length).toBe(bitmapLength(bytes(model.disk(to).content.length)))
  expect([...expected].filter((block) => !isMarked(actual, blockIndex(block)))).toEqual([])
  expect(countMarked(actual)).toBe(expected.size)
}
