import {
  ABSENT,
  bitmapSize,
  damaged,
  decodeDynamicHeader,
  decodeFooter,
  DiskType,
  dynamicHeader,
  footer,
  SECTOR,
} from './format.ts'
import { pieces, type Pieces } from './pieces.ts'

/** A piece of the disk: `data` begins at byte `offset` of it. */
export interface VhdChunk {
  readonly offset: number
  readonly data: Uint8Array
}

/** A range of the disk, in bytes. */
export interface VhdExtent {
  readonly offset: number
  readonly length: number
}

export interface VhdReader {
  /** Bytes of the disk. */
  readonly size: number
  /** differencing: what is not in the stream is as in the parent. dynamic: it is zero. */
  readonly kind: 'dynamic' | 'differencing'
  readonly blockSize: number
  /** What the stream may bring, by whole blocks: ascending, neighbours joined. Known before any data are read. */
  readonly allocated: readonly VhdExtent[]
  /** Whether `blocks` comes in ascending offsets. So it is with all streams that xapi makes. */
  readonly isAscending: boolean
  /**
   * The data, in the order of the stream, in chunks as they arrive: only sectors that its bitmap marks. Once only. Ends after
   * the closing footer was seen, so that a stream that was cut is never taken for a whole one.
   * @throws XenApiError XENAPI_PROTOCOL; what the stream throws
   */
  blocks(): AsyncGenerator<VhdChunk, void, void>
}

/** Entries in a block table that are read at most: 4 TiB in blocks of 2 MiB. */
const TABLE_MAX = 1 << 21
const BLOCK_SIZE_MAX = 64 * 1024 * 1024

/**
 * Reads the head of a sparse VHD stream, up to its block table.
 * @throws XenApiError XENAPI_PROTOCOL for what is no such stream; what the stream throws
 */
export async function readVhd(stream: AsyncIterable<Uint8Array>): Promise<VhdReader> {
  const input = pieces(stream)
  try {
    return await readHead(input)
  } catch (error) {
    await input.close()
    throw error
  }
}

async function readHead(input: Pieces): Promise<VhdReader> {
  const { diskType, dataOffset, currentSize } = decodeFooter(await input.take(footer.size))
  if (diskType !== DiskType.dynamic && diskType !== DiskType.differencing) throw damaged(`its disk type is ${diskType}`)
  await input.skipTo(safe(dataOffset))
  const { tableOffset, maxTableEntries, blockSize } = decodeDynamicHeader(await input.take(dynamicHeader.size))
  const size = safe(currentSize)
  checkShape(size, maxTableEntries, blockSize)
  await input.skipTo(safe(tableOffset))
  const table = await input.take(maxTableEntries * 4)
  const present = presentBlocks(table, Math.ceil(size / blockSize))
  return {
    size,
    kind: diskType === DiskType.dynamic ? 'dynamic' : 'differencing',
    blockSize,
    allocated: extentsOf(present, blockSize, size),
    isAscending: present.every(({ at }, index) => index === 0 || at > (present[index - 1]?.at ?? 0)),
    blocks: () => readBlocks(input, present, blockSize, size),
  }
}

function checkShape(size: number, entries: number, blockSize: number): void {
  if (blockSize < SECTOR || blockSize > BLOCK_SIZE_MAX || (blockSize & (blockSize - 1)) !== 0) {
    throw damaged(`its blocks have ${blockSize} bytes`)
  }
  if (entries > TABLE_MAX) throw damaged(`its block table has ${entries} entries`)
  if (size > entries * blockSize) throw damaged(`its block table is too short for ${size} bytes`)
}

interface Present {
  readonly block: number
  /** Byte of the stream where its bitmap begins. */
  readonly at: number
}

/** Ascending by block. */
function presentBlocks(table: Uint8Array, count: number): readonly Present[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  const present: Present[] = []
  for (let block = 0; block < count; block++) {
    const sector = view.getUint32(block * 4)
    if (sector !== ABSENT) present.push({ block, at: sector * SECTOR })
  }
  return present
}

function extentsOf(present: readonly Present[], blockSize: number, size: number): readonly VhdExtent[] {
  const extents: { offset: number; length: number }[] = []
  for (const { block } of present) {
    const offset = block * blockSize
    const length = Math.min(blockSize, size - offset)
    const last = extents.at(-1)
    if (last !== undefined && last.offset + last.length === offset) last.length += length
    else extents.push({ offset, length })
  }
  return extents
}

async function* readBlocks(
  input: Pieces,
  present: readonly Present[],
  blockSize: number,
  size: number,
): AsyncGenerator<VhdChunk, void, void> {
  try {
    for (const { block, at } of present.toSorted((a, b) => a.at - b.at)) {
      await input.skipTo(at)
      const bitmap = await input.take(bitmapSize(blockSize))
      const dataAt = at + bitmap.length
      const offset = block * blockSize
      for (const { from, to } of markedSectors(bitmap, Math.ceil(Math.min(blockSize, size - offset) / SECTOR))) {
        await input.skipTo(dataAt + from * SECTOR)
        const end = Math.min(to * SECTOR, size - offset)
        for (let done = from * SECTOR; done < end;) {
          const data = await input.some(end - done)
          yield { offset: offset + done, data }
          done += data.length
        }
      }
      await input.skipTo(dataAt + blockSize)
    }
    decodeFooter(await input.last(footer.size))
  } finally {
    await input.close()
  }
}

/** Runs of marked sectors; the first sector is the most significant bit. */
function* markedSectors(bitmap: Uint8Array, count: number): Generator<{ from: number; to: number }> {
  let from = -1
  for (let sector = 0; sector < count; sector++) {
    const byte = bitmap[sector >> 3] ?? 0
    const isMarked = (byte & (0x80 >> (sector & 7))) !== 0
    if (isMarked && from < 0) from = sector
    if (!isMarked && from >= 0) {
      yield { from, to: sector }
      from = -1
    }
  }
  if (from >= 0) yield { from, to: count }
}

function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`a position of ${value}`)
  return Number(value)
}
