import {
  bytes,
  CBT_BLOCK,
  extent,
  intersect,
  mergeBitmaps,
  normalize,
  type Bitmap,
  type Bytes,
  type Extent,
  type Extents,
} from '@tidemark/blocks'
import { LabError } from '../error.ts'
import { chainOf, collectLayers, ownLayers, type Catalogue, type DiskRecord, type State } from './catalogue.ts'
import type { ChangeLogs } from './changelog.ts'
import type { OpenFiles } from './files.ts'
import { DATA, type Layer } from './layer.ts'
import type { Layers } from './layers.ts'
import { LayerMerger } from './merge.ts'
import { Gate, RangeLock } from './rangelock.ts'
import type { ChainLink, Storage } from './storage.ts'
import { cutLog, moveLog, recordOf, setLog, unlinkLog, walk } from './tracking.ts'
import { View } from './view.ts'
import { touchedBlocks, wholeBlocks, writeData, writeZeroRange, type WriteTarget } from './writer.ts'

/** What a disk has in memory only. */
interface Running {
  /** Reads and writes share it; a change of the disk itself has it alone. */
  readonly gate: Gate
  readonly blocks: RangeLock
  view: View | undefined
}

/** Blocks that are looked at before others get their turn: 16 GiB. */
const EXTENT_STEP = 64 * 4096

/** The storage of one directory. Every change of what exists is one change of the catalogue. */
export class DiskStorage implements Storage {
  readonly #catalogue: Catalogue
  readonly #layers: Layers
  readonly #logs: ChangeLogs
  readonly #running = new Map<string, Running>()
  readonly #files: OpenFiles
  readonly #merger: LayerMerger
  #closed = false

  constructor(catalogue: Catalogue, layers: Layers, logs: ChangeLogs, files: OpenFiles) {
    this.#catalogue = catalogue
    this.#layers = layers
    this.#logs = logs
    this.#files = files
    this.#merger = new LayerMerger(catalogue, layers, (gone) => this.#dropViews(gone))
    this.#merger.start() // what an earlier process had not come to
  }

  async create(id: string, size: Bytes): Promise<void> {
    this.#assertOpen()
    this.#assertFree(id)
    this.#catalogue.change(({ disks }) => {
      disks.set(id, { size: bytes(size), kind: 'writable', base: null, top: null, log: null })
    })
  }

  has(id: string): boolean {
    return this.#state.disks.has(id)
  }

  sizeOf(id: string): Bytes {
    return bytes(this.#record(id).size)
  }

  list(): readonly string[] {
    return [...this.#state.disks.keys()]
  }

  isFrozen(id: string): boolean {
    return this.#record(id).kind !== 'writable'
  }

  hasData(id: string): boolean {
    return this.#record(id).kind !== 'log'
  }

  isTracked(id: string): boolean {
    return this.#record(id).log !== null
  }

  chainLink(id: string): ChainLink | undefined {
    const log = this.#state.disks.get(id)?.log ?? null
    return log === null ? undefined : { parent: log.parent ?? undefined, child: log.child ?? undefined }
  }

  snapshot(source: string, target: string): Promise<void> {
    return this.#alone(source, () => {
      this.#assertFree(target)
      const { kind, top, log } = this.#readable(source)
      this.#catalogue.change((draft) => {
        const { size, base } = freezeTop(draft, source)
        draft.disks.set(target, { size, kind: 'snapshot', base, top: null, log: null })
        // the log of a snapshot stays where it is: a snapshot of a snapshot has none
        if (kind === 'writable' && log !== null) moveLog(draft, source, target, this.#newLog(draft))
      })
      if (top !== null) this.#layers.layer(top).freeze()
      if (log !== null) this.#logs.forget(log.file)
    })
  }

  clone(source: string, target: string): Promise<void> {
    return this.#alone(source, () => {
      this.#assertFree(target)
      const { top } = this.#readable(source)
      this.#catalogue.change((draft) => {
        const { size, base } = freezeTop(draft, source)
        draft.disks.set(target, { size, kind: 'writable', base, top: null, log: null })
      })
      if (top !== null) this.#layers.layer(top).freeze()
    })
  }

  destroy(id: string): Promise<void> {
    return this.#alone(id, () => {
      const { log } = this.#record(id)
      const childLog = log === null || log.child === null ? null : this.#record(log.child).log
      const unneeded = this.#catalogue.change((draft) => {
        unlinkLog(draft, id, (child) => this.#mergedLog(draft, id, child))
        draft.disks.delete(id)
        return collectLayers(draft)
      })
      this.#release(id, unneeded)
      for (const old of [log, childLog]) if (old !== null) this.#logs.remove(old.file)
    })
  }

  dataDestroy(id: string): Promise<void> {
    return this.#alone(id, () => {
      const record = this.#record(id)
      if (record.kind === 'log') return
      if (record.kind === 'writable') throw new LabError('LAB_STORAGE_FROZEN', `${id} is no snapshot`)
      if (record.log === null) throw new LabError('LAB_CBT_OFF', `${id} has no change log to keep`)
      const unneeded = this.#catalogue.change((draft) => {
        draft.disks.set(id, { ...record, kind: 'log', base: null, top: null })
        return collectLayers(draft)
      })
      this.#release(id, unneeded)
    })
  }

  resize(id: string, size: Bytes): Promise<void> {
    return this.#alone(id, () => {
      const record = this.#writable(id)
      if (size < record.size) {
        throw new LabError('LAB_STORAGE_SHRINK', `${id} has ${record.size} bytes and cannot shrink to ${size}`)
      }
      this.#catalogue.change(({ disks }) => disks.set(id, { ...record, size: bytes(size) }))
    })
  }

  read(id: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#shared(id, async () => {
      assertRange(id, this.#readable(id), offset, length)
      const into = Buffer.allocUnsafeSlow(length)
      if (length > 0) await this.#view(id).read(offset, into)
      return into
    })
  }

  readInto(id: string, offset: number, into: Uint8Array): Promise<void> {
    return this.#shared(id, async () => {
      assertRange(id, this.#readable(id), offset, into.length)
      if (into.length > 0) await this.#view(id).read(offset, into)
    })
  }

  write(id: string, offset: number, data: Uint8Array): Promise<void> {
    return this.#shared(id, async () => {
      assertRange(id, this.#writable(id), offset, data.length)
      if (data.length > 0) await writeData(this.#writeTo(id, offset, data.length), offset, data)
    })
  }

  writeZeroes(id: string, offset: number, length: number): Promise<void> {
    return this.#shared(id, async () => {
      assertRange(id, this.#writable(id), offset, length)
      if (length > 0) await writeZeroRange(this.#writeTo(id, offset, length), offset, length)
    })
  }

  trim(id: string, offset: number, length: number): Promise<void> {
    return this.#shared(id, async () => {
      const record = this.#writable(id)
      assertRange(id, record, offset, length)
      const whole = wholeBlocks(offset, length, record.size)
      if (whole.length > 0)
        await writeZeroRange(this.#writeTo(id, whole.offset, whole.length), whole.offset, whole.length)
    })
  }

  flush(id: string): Promise<void> {
    return this.#shared(id, async () => {
      const record = this.#readable(id)
      for (const layer of this.#layers.all(chainOf(this.#state, record))) await layer.sync()
      if (record.log !== null) await this.#logs.sync(record.log.file)
      await this.#catalogue.sync([this.#layers.directory, this.#logs.directory])
    })
  }

  allocatedExtents(id: string, from = 0, to?: number): Promise<Extents> {
    return this.#shared(id, async () => {
      const record = this.#readable(id)
      const end = Math.min(to ?? record.size, record.size)
      assertRange(id, record, from, Math.max(0, end - from))
      return from < end ? this.#extents(id, from, end) : []
    })
  }

  async physicalUtilisation(id: string): Promise<Bytes> {
    this.#assertOpen()
    const record = this.#record(id)
    const own = ownLayers(this.#state, record)
    return bytes(this.#layers.all(own).reduce((sum, layer) => sum + layer.occupied(), 0))
  }

  async usedSpace(ids?: readonly string[]): Promise<Bytes> {
    this.#assertOpen()
    const some = ids?.flatMap((id) => chainOf(this.#state, this.#record(id)))
    const layers = new Set(some ?? this.#state.layers.keys())
    return bytes(this.#layers.all([...layers]).reduce((sum, layer) => sum + layer.occupied(), 0))
  }

  growth(id: string, offset: number, length: number): number {
    const { top } = this.#writable(id)
    const layer = top === null ? undefined : this.#layers.layer(top)
    let blocks = 0
    if (length > 0) {
      const { first, last } = touchedBlocks(offset, length)
      for (let block = first; block <= last; block++) if (layer?.stateOf(block) !== DATA) blocks++
    }
    return blocks * CBT_BLOCK
  }

  enableTracking(id: string): Promise<void> {
    return this.#alone(id, () => {
      if (this.#writable(id).log !== null) return
      this.#catalogue.change((draft) => {
        setLog(draft, id, { file: this.#newLog(draft), parent: null, child: null, consistent: true })
      })
    })
  }

  disableTracking(id: string): Promise<void> {
    return this.#alone(id, () => this.#dropLog(id))
  }

  async changedBlocks(from: string, to: string): Promise<Bitmap> {
    this.#assertOpen()
    this.#record(from)
    this.#record(to)
    return mergeBitmaps(walk(this.#state, from, to).map(({ size, log }) => this.#logs.read(log.file, size)))
  }

  breakTracking(id: string): Promise<void> {
    return this.#alone(id, () => {
      const { kind, log } = this.#record(id)
      if (log === null) throw new LabError('LAB_CBT_OFF', `${id} is not tracked`)
      if (kind === 'writable') this.#dropLog(id)
      else this.#catalogue.change((draft) => setLog(draft, id, { ...log, consistent: false }))
    })
  }

  settled(): Promise<void> {
    return this.#merger.settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#merger.stop()
    await Promise.all([...this.#running.values()].map(({ gate }) => gate.exclusive(async () => {})))
    this.#files.close()
  }

  get #state(): Readonly<State> {
    return this.#catalogue.state
  }

  #assertOpen(): void {
    if (this.#closed) throw new LabError('LAB_STORAGE_CLOSED', 'the storage is closed')
  }

  #record(id: string): DiskRecord {
    return recordOf(this.#state, id)
  }

  #readable(id: string): DiskRecord {
    const record = this.#record(id)
    if (record.kind === 'log') throw new LabError('LAB_STORAGE_NO_DATA', `the data of ${id} were destroyed`)
    return record
  }

  #writable(id: string): DiskRecord {
    const record = this.#record(id)
    if (record.kind !== 'writable') throw new LabError('LAB_STORAGE_FROZEN', `${id} is a snapshot`)
    return record
  }

  #assertFree(id: string): void {
    if (this.#state.disks.has(id)) throw new LabError('LAB_STORAGE_EXISTS', `the storage has a disk ${id} already`)
  }

  async #shared<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    this.#assertOpen()
    this.#record(id)
    return this.#run(id).gate.shared(work)
  }

  /** Runs a change of the disk when all reads and writes begun before are done, and before any begun later. */
  async #alone(id: string, change: () => void): Promise<void> {
    this.#assertOpen()
    this.#record(id)
    await this.#run(id).gate.exclusive(async () => change())
  }

  #run(id: string): Running {
    const known = this.#running.get(id)
    if (known !== undefined) return known
    const fresh: Running = { gate: new Gate(), blocks: new RangeLock(), view: undefined }
    this.#running.set(id, fresh)
    return fresh
  }

  #view(id: string): View {
    const running = this.#run(id)
    running.view ??= new View(this.#layers.all(chainOf(this.#state, this.#record(id))))
    return running.view
  }

  /** Marks the range in the log, then gives the disk for writing: no write is acknowledged that the log has not seen. */
  #writeTo(id: string, offset: number, length: number): WriteTarget {
    const { size, log } = this.#record(id)
    const top = this.#top(id)
    const { first, last } = touchedBlocks(offset, length)
    if (log !== null) this.#logs.mark(log.file, size, first, last)
    return { size, top, view: () => this.#view(id), blocks: this.#run(id).blocks }
  }

  /** The disk's own layer, made when it is first needed: snapshots of an idle disk add no layers. */
  #top(id: string): Layer {
    const record = this.#record(id)
    if (record.top !== null) return this.#layers.layer(record.top)
    const number = this.#catalogue.change((draft) => {
      const top = draft.next++
      this.#layers.layer(top).create()
      draft.layers.set(top, { parent: record.base })
      draft.disks.set(id, { ...record, top })
      return top
    })
    const layer = this.#layers.layer(number)
    this.#run(id).view?.push(layer)
    return layer
  }

  async #extents(id: string, from: number, to: number): Promise<Extents> {
    const last = Math.floor((to - 1) / CBT_BLOCK)
    const found: Extent[] = []
    for (let block = Math.floor(from / CBT_BLOCK); block <= last; block += EXTENT_STEP) {
      for (const each of this.#view(id).extents(block, Math.min(last, block + EXTENT_STEP - 1))) found.push(each)
      if (block + EXTENT_STEP <= last) await new Promise((resolve) => setImmediate(resolve))
    }
    return intersect(normalize(found), [extent(from, to - from)])
  }

  /** Makes the file of an empty log, or of one with the given bits. It counts once the draft is stored. */
  #newLog(draft: State, bitmap?: Bitmap): number {
    const file = draft.next++
    this.#logs.create(file, bitmap)
    return file
  }

  /** A new log with what changed in the disk and in its child. */
  #mergedLog(draft: State, id: string, child: string): number {
    const bitmaps = [id, child].map((each) => {
      const { size, log } = recordOf(draft, each)
      return log === null ? new Uint8Array() : this.#logs.read(log.file, size)
    })
    return this.#newLog(draft, mergeBitmaps(bitmaps))
  }

  #dropLog(id: string): void {
    const { log } = this.#writable(id)
    if (log === null) return
    this.#catalogue.change((draft) => cutLog(draft, id))
    this.#logs.remove(log.file)
  }

  #release(id: string, layers: readonly number[]): void {
    this.#run(id).view = undefined
    for (const number of layers) this.#layers.remove(number)
    this.#merger.start()
  }

  #dropViews(gone: Layer): void {
    for (const running of this.#running.values())
      if (running.view?.layers.includes(gone) === true) running.view = undefined
  }
}

/** Makes the disk's own layer one that others may stand on. @returns the disk as it is then */
function freezeTop(draft: State, id: string): DiskRecord {
  const record = recordOf(draft, id)
  if (record.top === null) return record
  const frozen = { ...record, base: record.top, top: null }
  draft.disks.set(id, frozen)
  return frozen
}

function assertRange(id: string, { size }: DiskRecord, offset: number, length: number): void {
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(length) ||
    offset < 0 ||
    length < 0 ||
    offset + length > size
  ) {
    throw new LabError(
      'LAB_STORAGE_RANGE',
      `${length} bytes at ${offset} are not inside ${id}, which has ${size} bytes`,
    )
  }
}
