import { blockIndex, CBT_BLOCK, countMarked, isMarked, type Bitmap } from '@tidemark/blocks'
import { COPIED, ENTRY, HEADER, HEADER_V3, L1_MAX, MAGIC, viewOf } from './format.ts'

/** A disk to be written as qcow2. */
export interface Qcow2Source {
  /** Bytes of the disk. */
  readonly size: number
  /** The 64 KiB clusters that the image has; the others are not allocated. */
  readonly clusters: Bitmap
  /** The bytes of a cluster; of the last one, as many as there are. */
  readonly read: (cluster: number) => Promise<Uint8Array>
}

const CLUSTER = CBT_BLOCK
/** Entries of an L2 table, which is one cluster; and 16-bit counts in a refcount block. */
const PER_TABLE = CLUSTER / ENTRY
const PER_BLOCK = CLUSTER / 2

/** Where everything lies, in clusters: header, refcount table and blocks, L1 table, L2 tables, data. */
interface Layout {
  readonly total: number
  readonly refcountTable: number
  readonly refcountBlocks: number
  readonly l1Entries: number
  readonly l1: number
  readonly l2: number
}

/**
 * A qcow2 image, version 3, as a stream: every table comes before the first data, and data in the order of the disk, so
 * that it can be read as one, too. xapi writes this layout.
 */
export async function* writeQcow2(source: Qcow2Source): AsyncGenerator<Uint8Array, void, void> {
  const { size, clusters, read } = source
  const layout = layoutOf(source)
  const first = firsts(layout)
  yield header(size, layout)
  yield* table(layout.refcountTable, layout.refcountBlocks, (index) => first.refcountBlocks + index)
  yield* refcounts(layout)
  yield* l1Table(source, layout)
  yield* l2Tables(source, layout)
  for (const cluster of marked(clusters, 0, Math.ceil(size / CLUSTER))) {
    const data = await read(cluster)
    yield data
    if (data.length < CLUSTER) yield new Uint8Array(CLUSTER - data.length)
  }
}

function layoutOf({ size, clusters }: Qcow2Source): Layout {
  const all = Math.ceil(size / CLUSTER)
  const l1Entries = Math.ceil(all / PER_TABLE)
  const l1 = Math.ceil(l1Entries / PER_TABLE)
  if (l1Entries * ENTRY > L1_MAX) throw new RangeError(`a disk of ${size} bytes is too large for clusters of 64 KiB`)
  let l2 = 0
  for (let table = 0; table < l1Entries; table++) if (hasAny(clusters, table)) l2++
  const others = 1 + l1 + l2 + countMarked(clusters)
  // the counts count themselves: add until that changes nothing
  let [refcountBlocks, refcountTable] = [0, 0]
  for (;;) {
    const blocks = Math.ceil((others + refcountBlocks + refcountTable) / PER_BLOCK)
    const tables = Math.ceil(blocks / PER_TABLE)
    if (blocks === refcountBlocks && tables === refcountTable) break
    ;[refcountBlocks, refcountTable] = [blocks, tables]
  }
  return { total: others + refcountBlocks + refcountTable, refcountTable, refcountBlocks, l1Entries, l1, l2 }
}

/** The cluster in which each part begins. */
function firsts({ refcountTable, refcountBlocks, l1, l2 }: Layout) {
  const [blocksAt, l1At] = [1 + refcountTable, 1 + refcountTable + refcountBlocks]
  return { refcountTable: 1, refcountBlocks: blocksAt, l1: l1At, l2: l1At + l1, data: l1At + l1 + l2 }
}

function header(size: number, layout: Layout): Uint8Array {
  const cluster = new Uint8Array(CLUSTER)
  const view = viewOf(cluster)
  const first = firsts(layout)
  view.setUint32(HEADER.magic, MAGIC)
  view.setUint32(HEADER.version, 3)
  view.setUint32(HEADER.clusterBits, Math.log2(CLUSTER))
  view.setBigUint64(HEADER.size, BigInt(size))
  view.setUint32(HEADER.l1Entries, layout.l1Entries)
  view.setBigUint64(HEADER.l1Offset, BigInt(first.l1 * CLUSTER))
  view.setBigUint64(HEADER.refcountOffset, BigInt(first.refcountTable * CLUSTER))
  view.setUint32(HEADER.refcountClusters, layout.refcountTable)
  view.setUint32(HEADER.refcountOrder, 4)
  view.setUint32(HEADER.headerLength, HEADER_V3)
  return cluster // the zeros behind the header end its list of extensions
}

/** Clusters of entries, each the offset of a cluster. */
function* table(length: number, entries: number, at: (index: number) => number): Generator<Uint8Array, void, void> {
  for (let cluster = 0; cluster < length; cluster++) {
    const content = new Uint8Array(CLUSTER)
    const view = viewOf(content)
    for (let index = cluster * PER_TABLE; index < Math.min(entries, (cluster + 1) * PER_TABLE); index++) {
      view.setBigUint64((index % PER_TABLE) * ENTRY, BigInt(at(index) * CLUSTER))
    }
    yield content
  }
}

/** Every cluster of the image is used once. */
function* refcounts({ total, refcountBlocks }: Layout): Generator<Uint8Array, void, void> {
  for (let block = 0; block < refcountBlocks; block++) {
    const content = new Uint8Array(CLUSTER)
    for (let index = 0; index < Math.min(PER_BLOCK, total - block * PER_BLOCK); index++) content[index * 2 + 1] = 1
    yield content
  }
}

function* l1Table({ clusters }: Qcow2Source, layout: Layout): Generator<Uint8Array, void, void> {
  let next = firsts(layout).l2
  for (let cluster = 0; cluster < layout.l1; cluster++) {
    const content = new Uint8Array(CLUSTER)
    for (let index = 0; index < PER_TABLE; index++) {
      const table = cluster * PER_TABLE + index
      if (table < layout.l1Entries && hasAny(clusters, table)) put(content, index, next++)
    }
    yield content
  }
}

function* l2Tables({ clusters, size }: Qcow2Source, layout: Layout): Generator<Uint8Array, void, void> {
  const all = Math.ceil(size / CLUSTER)
  let next = firsts(layout).data
  for (let table = 0; table < layout.l1Entries; table++) {
    if (!hasAny(clusters, table)) continue
    const content = new Uint8Array(CLUSTER)
    const from = table * PER_TABLE
    for (const each of marked(clusters, from, Math.min(from + PER_TABLE, all))) put(content, each - from, next++)
    yield content
  }
}

/** An entry for a cluster that nothing else uses. */
function put(content: Uint8Array, index: number, cluster: number): void {
  const view = viewOf(content)
  const offset = cluster * CLUSTER
  view.setUint32(index * ENTRY, (Math.floor(offset / 2 ** 32) | COPIED) >>> 0)
  view.setUint32(index * ENTRY + 4, offset % 2 ** 32)
}

/** Whether an L2 table has entries: 8192 bits of the bitmap. */
const hasAny = (clusters: Bitmap, table: number): boolean =>
  clusters.subarray((table * PER_TABLE) / 8, ((table + 1) * PER_TABLE) / 8).some((byte) => byte !== 0)

function* marked(clusters: Bitmap, from: number, to: number): Generator<number, void, void> {
  for (let cluster = from; cluster < to; cluster++) if (isMarked(clusters, blockIndex(cluster))) yield cluster
}
