import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import type { Catalogue, State } from './catalogue.ts'
import { ABSENT, DATA, PAGE_BLOCKS, ZERO, type Layer } from './layer.ts'
import type { Layers } from './layers.ts'

/** Copied at once. */
const COPY_BLOCKS = MiB / CBT_BLOCK

/** Two layers that nobody can tell apart from one. */
interface Pair {
  readonly lower: number
  readonly upper: number
}

/**
 * Puts layers together that only exist because a snapshot once stood between them, so that a disk with a backup a day
 * does not grow a layer a day. Works in the background, on frozen layers only: the smaller one is copied into the other
 * one, block by block, where no view can see it; then one change of the catalogue takes it out. A process that dies in
 * between has copied for nothing, and changed nothing.
 */
export class LayerMerger {
  readonly #catalogue: Catalogue
  readonly #layers: Layers
  readonly #onMerged: (gone: Layer) => void
  #running: Promise<void> = Promise.resolve()
  #asked = false
  #stopped = false

  /** @param onMerged told at once when a layer has gone, whose blocks others now hold */
  constructor(catalogue: Catalogue, layers: Layers, onMerged: (gone: Layer) => void) {
    this.#catalogue = catalogue
    this.#layers = layers
    this.#onMerged = onMerged
  }

  /** Looks for pairs, now or after the present search. */
  start(): void {
    if (this.#asked || this.#stopped) return
    this.#asked = true
    this.#running = Promise.allSettled([this.#running]).then(() => this.#mergeAll())
    this.#running.catch(() => {}) // kept for `settled`: the layers stay apart, and nothing else is wrong
  }

  /** Resolves when there is no pair left. @throws what made the last merge fail */
  settled(): Promise<void> {
    return this.#running
  }

  /** Resolves when no merge is under way, and none will be. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.allSettled([this.#running])
  }

  async #mergeAll(): Promise<void> {
    this.#asked = false
    for (;;) {
      const pair = this.#stopped ? undefined : findPair(this.#catalogue.state)
      if (pair === undefined) return
      await this.#merge(pair)
    }
  }

  async #merge(pair: Pair): Promise<void> {
    const upper = this.#layers.layer(pair.upper)
    const lower = this.#layers.layer(pair.lower)
    const down = upper.occupied() <= lower.occupied()
    const kept = down ? lower : upper
    const hasParent = this.#catalogue.state.layers.get(pair.lower)?.parent !== null
    for (const step of down ? stepsDown(upper, hasParent) : stepsUp(lower, upper, hasParent)) {
      if (this.#stopped || !isPair(this.#catalogue.state, pair)) return
      await copy(step, down ? upper : lower, kept)
    }
    await kept.sync() // what a flush made durable in the other layer must stay durable
    if (this.#stopped || !isPair(this.#catalogue.state, pair)) return
    this.#catalogue.change((draft) => (down ? replaceUpper(draft, pair) : bypassLower(draft, pair)))
    const gone = down ? upper : lower
    this.#onMerged(gone)
    await this.#catalogue.sync([this.#layers.directory])
    this.#layers.remove(gone.number)
  }
}

/** A frozen layer that is all that stands on the one below, while no disk stands directly on that. */
function findPair(state: Readonly<State>): Pair | undefined {
  const children = new Map<number, number>()
  for (const { parent } of state.layers.values())
    if (parent !== null) children.set(parent, (children.get(parent) ?? 0) + 1)
  const bases = new Set<number | null>()
  const tops = new Set<number | null>()
  for (const { base, top } of state.disks.values()) {
    tops.add(top)
    if (top === null) bases.add(base) // the base of a disk with a layer of its own has that layer as its child
  }
  for (const [upper, { parent: lower }] of state.layers) {
    if (lower !== null && !tops.has(upper) && !bases.has(lower) && children.get(lower) === 1) return { lower, upper }
  }
  return undefined
}

/** Whether the pair is still there. Nobody can come to stand on its lower layer; both may be given up. */
function isPair({ layers }: Readonly<State>, { lower, upper }: Pair): boolean {
  return layers.get(upper)?.parent === lower
}

/** What stood on the upper layer stands on the lower one, which has all of its blocks. */
function replaceUpper({ disks, layers }: State, { lower, upper }: Pair): void {
  for (const [id, disk] of disks) if (disk.base === upper) disks.set(id, { ...disk, base: lower })
  for (const [number, { parent }] of layers) if (parent === upper) layers.set(number, { parent: lower })
  layers.delete(upper)
}

/** The upper layer, which has all blocks that it lacked, stands on what the lower one stood on. */
function bypassLower({ layers }: State, { lower, upper }: Pair): void {
  layers.set(upper, { parent: layers.get(lower)?.parent ?? null })
  layers.delete(lower)
}

interface Step {
  readonly first: number
  readonly count: number
  readonly state: typeof DATA | typeof ZERO | typeof ABSENT
}

/** All that the upper layer has; its zeros need not be kept when nothing lies below. */
function* stepsDown(upper: Layer, hasParent: boolean): Generator<Step> {
  for (const { index, page } of upper.pages()) {
    for (const step of stepsOf(index, page)) {
      yield step.state === ZERO && !hasParent ? { ...step, state: ABSENT } : step
    }
  }
}

/** What the lower layer has and the upper one has not. */
function* stepsUp(lower: Layer, upper: Layer, hasParent: boolean): Generator<Step> {
  for (const { index, page } of lower.pages()) {
    const above = upper.page(index)
    const wanted = page.map((state, block) => (above[block] === ABSENT ? state : ABSENT))
    for (const step of stepsOf(index, wanted)) if (step.state === DATA || hasParent) yield step
  }
}

/** Cuts a page of states into steps of one state each; skips what is absent. */
function* stepsOf(index: number, page: Uint8Array): Generator<Step> {
  for (let block = 0; block < PAGE_BLOCKS;) {
    const state = page[block]
    const most = state === DATA ? Math.min(block + COPY_BLOCKS, PAGE_BLOCKS) : PAGE_BLOCKS
    let end = block + 1
    while (end < most && page[end] === state) end++
    if (state === DATA || state === ZERO) yield { first: index * PAGE_BLOCKS + block, count: end - block, state }
    block = end
  }
}

async function copy({ first, count, state }: Step, from: Layer, to: Layer): Promise<void> {
  if (state === DATA) {
    const data = Buffer.allocUnsafe(count * CBT_BLOCK)
    await from.read(first * CBT_BLOCK, data)
    await to.write(first * CBT_BLOCK, data)
  }
  to.set(first, count, state)
}
