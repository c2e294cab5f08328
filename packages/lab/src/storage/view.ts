import { CBT_BLOCK, extent, forEachBounded, normalize, type Extent, type Extents } from '@tidemark/blocks'
import { ABSENT, EMPTY_PAGE, PAGE_BLOCKS, ZERO, type Layer } from './layer.ts'

/** Where the blocks of a page come from: 0 for zeros, n for layer n of the chain, counted from 1 at the bottom. */
type SourcePage = Uint16Array

/** A page of zeros only. Shared, never written to. */
const ZERO_PAGE: SourcePage = new Uint16Array(PAGE_BLOCKS)

/** Longest chain that a source number can name. */
const CHAIN_MAX = 0xffff

/** Parts of one request that are read side by side, from as many files. */
const READS_AT_ONCE = 8

interface PlannedRead {
  readonly layer: Layer
  readonly position: number
  readonly target: Uint8Array
}

/** A stretch of blocks with one source. */
interface Stretch {
  readonly first: number
  readonly count: number
  readonly source: number
}

/**
 * What a disk looks like through all of its layers. For each block it remembers which layer has it, page by page as
 * they are asked for: a read costs the same whether one layer lies below or a thousand.
 */
export class View {
  readonly #chain: Layer[]
  readonly #pages = new Map<number, SourcePage>()

  /** @param chain the layers, the lowest first */
  constructor(chain: readonly Layer[]) {
    if (chain.length > CHAIN_MAX) throw new RangeError(`a chain of ${chain.length} layers is too long`)
    this.#chain = [...chain]
  }

  /** Whether anything could lie below the topmost layer. */
  get hasParent(): boolean {
    return this.#chain.length > 1
  }

  get layers(): readonly Layer[] {
    return this.#chain
  }

  /** Puts an empty layer on top: all sources stay what they are. */
  push(layer: Layer): void {
    if (this.#chain.length === CHAIN_MAX) throw new RangeError(`a chain of ${CHAIN_MAX} layers cannot grow`)
    this.#chain.push(layer)
  }

  /** Notes that the topmost layer now has these blocks, as data or as zeros. */
  note(first: number, count: number, what: 'data' | 'zeros'): void {
    const source = what === 'zeros' ? 0 : this.#chain.length
    for (let block = first; block < first + count;) {
      const index = Math.floor(block / PAGE_BLOCKS)
      const end = Math.min(first + count, (index + 1) * PAGE_BLOCKS)
      const page = this.#pages.get(index)
      if (page !== undefined) {
        const own = page === ZERO_PAGE ? new Uint16Array(PAGE_BLOCKS) : page
        own.fill(source, block % PAGE_BLOCKS, ((end - 1) % PAGE_BLOCKS) + 1)
        this.#pages.set(index, own)
      }
      block = end
    }
  }

  /** Fills all of `into` from all layers concerned; bytes past the end of the disk read as zeros. */
  async read(offset: number, into: Uint8Array): Promise<void> {
    // every layer is retained before the first wait, so that none can be replaced in between
    const reads = this.#planReads(offset, into)
    try {
      const [only] = reads
      if (only !== undefined && reads.length === 1) await only.layer.read(only.position, only.target)
      else await forEachBounded(reads, READS_AT_ONCE, ({ layer, position, target }) => layer.read(position, target))
    } finally {
      for (const { layer } of reads) layer.release()
    }
  }

  #planReads(offset: number, result: Uint8Array): PlannedRead[] {
    const end = offset + result.length
    const reads: PlannedRead[] = []
    for (const stretch of this.stretches(Math.floor(offset / CBT_BLOCK), Math.floor((end - 1) / CBT_BLOCK))) {
      const from = Math.max(offset, stretch.first * CBT_BLOCK)
      const to = Math.min(end, (stretch.first + stretch.count) * CBT_BLOCK)
      const target = result.subarray(from - offset, to - offset)
      const layer = this.#chain[stretch.source - 1]
      if (layer === undefined) {
        target.fill(0)
      } else {
        layer.retain()
        reads.push({ layer, position: from, target })
      }
    }
    return reads
  }

  /** The blocks from `first` to `last`, both included, as stretches of one source each: ascending, without gaps. */
  *stretches(first: number, last: number): Generator<Stretch> {
    let start = first
    let source = first <= last ? this.#sourceOf(first) : 0
    for (let block = first + 1; block <= last; block++) {
      if (block % PAGE_BLOCKS === 0 && this.#page(block / PAGE_BLOCKS) === ZERO_PAGE && source === 0) {
        block = Math.min(last, block + PAGE_BLOCKS - 1) // 256 MiB of zeros at once
        continue
      }
      const next = this.#sourceOf(block)
      if (next === source) continue
      yield { first: start, count: block - start, source }
      start = block
      source = next
    }
    if (start <= last) yield { first: start, count: last - start + 1, source }
  }

  /** Blocks that some layer has as data, among `first` to `last`. */
  extents(first: number, last: number): Extents {
    const found: Extent[] = []
    for (const { first: block, count, source } of this.stretches(first, last)) {
      if (source !== 0) found.push(extent(block * CBT_BLOCK, count * CBT_BLOCK))
    }
    return normalize(found)
  }

  #sourceOf(block: number): number {
    return this.#page(Math.floor(block / PAGE_BLOCKS))[block % PAGE_BLOCKS] ?? 0
  }

  #page(index: number): SourcePage {
    const known = this.#pages.get(index)
    if (known !== undefined) return known
    const page = this.#resolve(index)
    this.#pages.set(index, page)
    return page
  }

  #resolve(index: number): SourcePage {
    let page = ZERO_PAGE
    for (const [position, layer] of this.#chain.entries()) {
      const states = layer.page(index)
      if (states === EMPTY_PAGE) continue
      if (page === ZERO_PAGE) page = new Uint16Array(PAGE_BLOCKS)
      for (const [block, state] of states.entries()) {
        if (state !== ABSENT) page[block] = state === ZERO ? 0 : position + 1
      }
    }
    return page
  }
}
