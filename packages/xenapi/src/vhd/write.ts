import { randomUUID } from 'node:crypto'
import { XenApiError } from '../error.ts'
import {
  bitmapSize,
  COOKIE,
  DiskType,
  dynamicHeader,
  footer,
  geometryOf,
  roundUp,
  SECTOR,
  SPARSE_COOKIE,
  VERSION,
  VHD_BLOCK,
  VHD_SIZE_MAX,
  withChecksum,
} from './format.ts'

/** A disk to be written as a sparse VHD stream. */
export interface VhdSource {
  /** Bytes of the disk, a multiple of 512, at most 2040 GiB. */
  readonly size: number
  /** The blocks of 2 MiB that have data, ascending: block `i` covers bytes `[i * 2 MiB, (i + 1) * 2 MiB)`. */
  readonly blocks: readonly number[]
  /** The bytes of one of them: 2 MiB, or what is left of the disk in its last block. Asked for one at a time, in order. */
  read(block: number): Promise<Uint8Array>
  /** 36 characters. A new one when left out. */
  readonly uuid?: string
  /** Time stamp inside. Now when left out. */
  readonly created?: Date
}

/** A stream whose length is known before it is made, as an upload needs it. */
export interface VhdStream {
  readonly length: number
  /** Once only. @throws what `read` throws; XenApiError XENAPI_PROTOCOL when a block has the wrong length */
  readonly body: AsyncGenerator<Uint8Array, void, void>
}

const TABLE_AT = footer.size + dynamicHeader.size

/** @throws XenApiError XENAPI_PROTOCOL for a size or blocks that a VHD cannot hold */
export function writeVhd(source: VhdSource): VhdStream {
  checkSource(source)
  const { size, blocks } = source
  const entries = Math.ceil(size / VHD_BLOCK)
  const tableLength = roundUp(entries * 4, SECTOR)
  const stride = bitmapSize(VHD_BLOCK) + VHD_BLOCK
  return {
    length: TABLE_AT + tableLength + blocks.length * stride + footer.size,
    body: vhdBody(source, entries, tableLength, stride),
  }
}

async function* vhdBody(
  source: VhdSource,
  entries: number,
  tableLength: number,
  stride: number,
): AsyncGenerator<Uint8Array, void, void> {
  const foot = footerBytes(source)
  yield foot
  yield headerBytes(entries)
  yield tableBytes(source.blocks, tableLength, TABLE_AT + tableLength, stride)
  const bitmap = new Uint8Array(bitmapSize(VHD_BLOCK)).fill(0xff)
  for (const block of source.blocks) {
    const data = await source.read(block)
    const wanted = Math.min(VHD_BLOCK, source.size - block * VHD_BLOCK)
    if (data.length !== wanted) {
      throw new XenApiError(
        'XENAPI_PROTOCOL',
        `block ${block} of the disk has ${wanted} bytes, but ${data.length} came`,
      )
    }
    yield bitmap
    yield data
    if (wanted < VHD_BLOCK) yield new Uint8Array(VHD_BLOCK - wanted)
  }
  yield foot
}

function checkSource({ size, blocks }: VhdSource): void {
  if (!Number.isSafeInteger(size) || size <= 0 || size % SECTOR !== 0 || size > VHD_SIZE_MAX) {
    throw new XenApiError(
      'XENAPI_PROTOCOL',
      `a VHD cannot hold a disk of ${size} bytes: a multiple of 512 up to 2040 GiB is needed`,
    )
  }
  let before = -1
  for (const block of blocks) {
    if (!Number.isSafeInteger(block) || block <= before || block * VHD_BLOCK >= size) {
      throw new XenApiError('XENAPI_PROTOCOL', `block ${block} is outside the disk, or not after block ${before}`)
    }
    before = block
  }
}

/** Seconds between 1970 and 2000, where VHD begins to count. */
const EPOCH = Date.UTC(2000, 0, 1) / 1000

function footerBytes({ size, uuid = randomUUID(), created = new Date() }: VhdSource): Uint8Array {
  return withChecksum(
    footer.encode({
      cookie: COOKIE,
      features: 2,
      version: VERSION,
      dataOffset: BigInt(footer.size),
      timestamp: Math.max(0, Math.floor(created.getTime() / 1000) - EPOCH),
      creator: 'tap\0',
      creatorVersion: 0x00_01_00_03,
      creatorHost: 0,
      originalSize: BigInt(size),
      currentSize: BigInt(size),
      ...geometryOf(size),
      diskType: DiskType.dynamic,
      checksum: 0,
      uuid: Buffer.from(uuid.replaceAll('-', ''), 'hex'),
      savedState: 0,
      reserved: new Uint8Array(),
    }),
    footer.offsets.checksum,
  )
}

function headerBytes(entries: number): Uint8Array {
  return withChecksum(
    dynamicHeader.encode({
      cookie: SPARSE_COOKIE,
      dataOffset: 0xff_ff_ff_ff_ff_ff_ff_ffn,
      tableOffset: BigInt(TABLE_AT),
      version: VERSION,
      maxTableEntries: entries,
      blockSize: VHD_BLOCK,
      checksum: 0,
      parentUuid: new Uint8Array(),
      parentTimestamp: 0,
      reserved: 0,
      parentName: new Uint8Array(),
      parentLocators: new Uint8Array(),
      reservedEnd: new Uint8Array(),
    }),
    dynamicHeader.offsets.checksum,
  )
}

function tableBytes(blocks: readonly number[], length: number, firstAt: number, stride: number): Uint8Array {
  const table = new Uint8Array(length).fill(0xff)
  const view = new DataView(table.buffer)
  for (const [index, block] of blocks.entries()) view.setUint32(block * 4, (firstAt + index * stride) / SECTOR)
  return table
}
