import { pieces, StreamCut, type Pieces } from '../streams/pieces.ts'
import { ClusterMap } from './clusters.ts'
import { COMPRESSED, damaged, ENTRY, unsupported, viewOf, ZERO } from './format.ts'
import { readHeader, type Qcow2Header } from './header.ts'

/** A piece of the disk: `data` begins at byte `offset` of it. */
interface Qcow2Chunk {
  readonly offset: number
  readonly data: Uint8Array
}

export interface Qcow2Reader {
  /** Bytes of the disk. */
  readonly size: number
  /**
   * What the image holds of the disk, in the order of the stream; clusters that are marked as zeros come as zeros. Once
   * only. Ends with the last cluster that a table names: what follows in the stream is not read.
   * @throws LabError LAB_QCOW2_DAMAGED, LAB_QCOW2_UNSUPPORTED; StreamCut; what the stream throws
   */
  readonly clusters: () => AsyncGenerator<Qcow2Chunk, void, void>
}

/**
 * Reads the header of a qcow2 image, version 2 or 3, that comes as a stream. Its tables have to come before the data that
 * they name, as in images of xapi and of `qemu-img convert`; an image that was resized later, has compressed clusters or a
 * backing file is refused.
 * @throws LabError LAB_QCOW2_DAMAGED, LAB_QCOW2_UNSUPPORTED; StreamCut; what the stream throws
 */
export async function readQcow2(stream: AsyncIterable<Uint8Array>): Promise<Qcow2Reader> {
  const input = pieces(stream)
  try {
    const header = await readHeader(input)
    return { size: header.size, clusters: () => readClusters(input, header) }
  } catch (error) {
    await input.close()
    throw error
  }
}

/** What is known of an image while it goes by. */
interface Image {
  readonly input: Pieces
  readonly header: Qcow2Header
  /** L2 tables by their place: which part of the disk each maps. */
  readonly tables: ClusterMap
  /** Data by their place: which cluster of the disk each is. */
  readonly data: ClusterMap
}

async function* readClusters(input: Pieces, header: Qcow2Header): AsyncGenerator<Qcow2Chunk, void, void> {
  const image: Image = { input, header, tables: new ClusterMap(), data: new ClusterMap() }
  try {
    await readL1(image)
    while (image.tables.size + image.data.size > 0) {
      const place = nextPlace(image)
      await input.skip(place * header.clusterSize - input.position)
      const content = await input.upTo(header.clusterSize)
      const table = image.tables.take(place)
      const cluster = image.data.take(place)
      if (table !== undefined) yield* readL2(image, table, content)
      if (cluster !== undefined) yield chunk(header, cluster, content)
    }
  } finally {
    await input.close()
  }
}

/** Whatever comes first: usually the very next cluster. */
function nextPlace({ input, header, tables, data }: Image): number {
  const here = Math.ceil(input.position / header.clusterSize)
  if (tables.has(here) || data.has(here)) return here
  const places = [tables.next(here), data.next(here)].filter((each) => each !== undefined)
  return Math.min(...places)
}

/** The last cluster of an image may end where the disk does. */
function chunk({ size, clusterSize }: Qcow2Header, cluster: number, content: Uint8Array): Qcow2Chunk {
  const offset = cluster * clusterSize
  const length = Math.min(clusterSize, size - offset)
  if (content.length < length) throw new StreamCut()
  return { offset, data: content.subarray(0, length) }
}

async function readL1({ input, header, tables }: Image): Promise<void> {
  const { l1Entries, l1Offset, size, clusterSize } = header
  const needed = Math.ceil(size / clusterSize / (clusterSize / ENTRY))
  if (needed === 0) return
  if (l1Offset < input.position) throw damaged('its L1 table lies in the header')
  await input.skip(l1Offset - input.position)
  const view = viewOf(await input.take(l1Entries * ENTRY))
  for (let index = 0; index < needed; index++) {
    const entry = entryAt(view, index)
    if (entry.flags !== 0) throw damaged('an entry of its L1 table has unknown flags')
    if (entry.offset !== 0) name(tables, { input, header }, entry.offset, index)
  }
}

function* readL2(image: Image, table: number, content: Uint8Array): Generator<Qcow2Chunk, void, void> {
  const { header, data } = image
  if (content.length < header.clusterSize) throw new StreamCut()
  const perTable = header.clusterSize / ENTRY
  const [view, all] = [viewOf(content), Math.ceil(header.size / header.clusterSize)]
  const zeros = new Uint8Array(header.clusterSize)
  for (let index = 0; index < perTable; index++) {
    const cluster = table * perTable + index
    const { offset, isCompressed, flags } = entryAt(view, index)
    if (isCompressed) throw unsupported('it has compressed clusters')
    const isZero = header.version === 3 && flags === ZERO
    if (flags !== 0 && !isZero) throw damaged('an entry of an L2 table has unknown flags')
    if (cluster >= all) {
      if (offset !== 0) throw damaged('it has data behind the end of the disk')
    } else if (isZero) yield chunk(header, cluster, zeros)
    else if (offset !== 0) name(data, image, offset, cluster)
  }
}

interface Entry {
  readonly offset: number
  readonly isCompressed: boolean
  /** Bits that are none of the offset, and not the one that says that the cluster is used once. */
  readonly flags: number
}

function entryAt(view: DataView, index: number): Entry {
  const [upper, lower] = [view.getUint32(index * ENTRY), view.getUint32(index * ENTRY + 4)]
  return {
    offset: (upper & 0x00_ff_ff_ff) * 2 ** 32 + ((lower & 0xff_ff_fe_00) >>> 0),
    isCompressed: (upper & COMPRESSED) !== 0,
    flags: (upper & 0x3f_00_00_00) | (lower & 0x1ff),
  }
}

/** Notes where a cluster will come. One that has gone by cannot be had any more, and each holds one thing. */
function name(
  map: ClusterMap,
  { input, header }: Pick<Image, 'input' | 'header'>,
  offset: number,
  value: number,
): void {
  if (offset % header.clusterSize !== 0) throw damaged(`a cluster at ${offset}`)
  if (offset < input.position) throw unsupported(`what lies at ${offset} comes before the table that names it`)
  if (!map.add(offset / header.clusterSize, value)) throw damaged(`two uses of the cluster at ${offset}`)
}
