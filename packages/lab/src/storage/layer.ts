import { join } from 'node:path'
import { CBT_BLOCK } from '@tidemark/blocks'
import type { OpenFiles } from './files.ts'

/** What a layer knows about one 64 KiB block. One byte each in the layer's map file. */
export type BlockState = typeof ABSENT | typeof DATA | typeof ZERO
/** Nothing: the layer below decides, and below the lowest one everything is zeros. */
export const ABSENT = 0
/** The content is in the data file, at the block's own position. */
export const DATA = 1
/** Zeros, whatever the layers below say. */
export const ZERO = 2

/** Blocks whose states are loaded and kept together: 4096 blocks are 256 MiB of disk and 4 KiB of map. */
export const PAGE_BLOCKS = 4096

/** A page on which nothing is known. Shared, never written to. */
export const EMPTY_PAGE: Uint8Array = new Uint8Array(PAGE_BLOCKS)

/**
 * One layer of a copy-on-write disk: a sparse data file and a map of block states, both as long as their last written
 * block. A byte per block, so that writes to different blocks never share one. A block becomes DATA only after all of its 64 KiB are
 * in the data file: whatever lies in the data file of other blocks, left by a write that was cut off, is never read.
 */
export class Layer {
  readonly number: number
  readonly #dataFile: string
  readonly #mapFile: string
  readonly #files: OpenFiles
  /** The map of a layer that is being written. A frozen layer's map is read where needed: views remember the outcome. */
  #pages: Map<number, Uint8Array> | undefined
  #dataBlocks: number | undefined
  #readers = 0
  #removed = false
  #changes = 1 // a layer of an earlier process may not be on the medium yet
  #changesOnMedium = 0

  constructor(number: number, directory: string, files: OpenFiles) {
    this.number = number
    this.#dataFile = join(directory, `${number}.data`)
    this.#mapFile = join(directory, `${number}.map`)
    this.#files = files
  }

  /** Makes the files of a layer that has nothing yet. */
  create(): void {
    this.#files.create(this.#dataFile)
    this.#files.create(this.#mapFile)
  }

  /** States of the blocks from `index * PAGE_BLOCKS`. Not to be written to. */
  page(index: number): Uint8Array {
    const known = this.#pages?.get(index)
    if (known !== undefined) return known
    const loaded = new Uint8Array(PAGE_BLOCKS)
    const count = this.#files.readNow(this.#mapFile, index * PAGE_BLOCKS, loaded)
    const page = count === 0 || isEmpty(loaded) ? EMPTY_PAGE : loaded
    this.#pages?.set(index, page)
    return page
  }

  /** For the writer of the layer, who asks often. */
  stateOf(block: number): number {
    this.#pages ??= new Map()
    return this.page(Math.floor(block / PAGE_BLOCKS))[block % PAGE_BLOCKS] ?? ABSENT
  }

  /** Sets the state of `count` blocks, in the file first. Returns when both file and memory have it. */
  set(first: number, count: number, state: BlockState): void {
    this.#changes++
    const dataBefore = this.#dataBlocks === undefined ? 0 : this.#countIn(first, count)
    this.#files.writeNow(this.#mapFile, first, new Uint8Array(count).fill(state))
    if (this.#dataBlocks !== undefined) this.#dataBlocks += (state === DATA ? count : 0) - dataBefore
    for (let block = first; block < first + count;) {
      const index = Math.floor(block / PAGE_BLOCKS)
      const end = Math.min(first + count, (index + 1) * PAGE_BLOCKS)
      const page = this.#pages?.get(index)
      if (page !== undefined) {
        const own = page === EMPTY_PAGE ? new Uint8Array(PAGE_BLOCKS) : page
        own.fill(state, block % PAGE_BLOCKS, ((end - 1) % PAGE_BLOCKS) + 1)
        this.#pages?.set(index, own)
      }
      block = end
    }
  }

  /** @throws LabError LAB_STORAGE_DAMAGED when the data file ends before */
  read(position: number, target: Uint8Array): Promise<void> {
    return this.#files.read(this.#dataFile, position, target)
  }

  /** Keeps the files until `release`, even when the layer is removed meanwhile. */
  retain(): void {
    this.#readers++
  }

  release(): void {
    this.#readers--
    if (this.#removed) this.remove()
  }

  async write(position: number, data: Uint8Array): Promise<void> {
    this.#changes++
    await this.#files.write(this.#dataFile, position, data)
    this.#changes++ // a sync that began while this write was under way does not cover it
  }

  /** Bytes of the data file that are in use. */
  occupied(): number {
    this.#dataBlocks ??= this.#countData()
    return this.#dataBlocks * CBT_BLOCK
  }

  /** Each page of the map that has something on it, ascending. */
  *pages(): Generator<{ index: number; page: Uint8Array }> {
    const pages = this.#countPages()
    for (let index = 0; index < pages; index++) {
      const page = this.page(index)
      if (page !== EMPTY_PAGE) yield { index, page }
    }
  }

  /** No more writes come: gives up the memory for the map. */
  freeze(): void {
    this.#pages = undefined
  }

  async sync(): Promise<void> {
    const changes = this.#changes
    if (this.#changesOnMedium >= changes) return
    await this.#files.sync(this.#dataFile)
    await this.#files.sync(this.#mapFile)
    this.#changesOnMedium = Math.max(this.#changesOnMedium, changes)
  }

  /** Deletes the files, as soon as nobody retains them. */
  remove(): void {
    this.#removed = true
    if (this.#readers > 0) return
    this.#files.remove(this.#dataFile)
    this.#files.remove(this.#mapFile)
  }

  #countPages(): number {
    return Math.ceil(this.#files.lengthNow(this.#mapFile) / PAGE_BLOCKS)
  }

  #countData(): number {
    let count = 0
    for (const { page } of this.pages()) count += dataIn(page)
    return count
  }

  #countIn(first: number, count: number): number {
    let found = 0
    for (let block = first; block < first + count;) {
      const index = Math.floor(block / PAGE_BLOCKS)
      const end = Math.min(first + count, (index + 1) * PAGE_BLOCKS)
      found += dataIn(this.page(index).subarray(block % PAGE_BLOCKS, ((end - 1) % PAGE_BLOCKS) + 1))
      block = end
    }
    return found
  }
}

function dataIn(states: Uint8Array): number {
  let count = 0
  for (const state of states) if (state === DATA) count++
  return count
}

function isEmpty(page: Uint8Array): boolean {
  return Buffer.compare(page, EMPTY_PAGE) === 0
}
