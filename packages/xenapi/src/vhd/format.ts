import { XenApiError } from '../error.ts'
import { ascii, raw, struct, u16, u32, u64, u8, type Decoded } from './layout.ts'

/** Bytes of a sector, the unit of all positions in a VHD. */
export const SECTOR = 512
/** Bytes of a block in the VHDs that XenServer makes and takes. */
export const VHD_BLOCK = 2 * 1024 * 1024
/** Bytes of the largest disk that XenServer keeps in a VHD: 2040 GiB. */
export const VHD_SIZE_MAX = 2040 * 1024 ** 3
/** Entry of the block table for a block that is not there. */
export const ABSENT = 0xff_ff_ff_ff

/** Hard disk footer, at the end of the file and copied to its beginning. VHD specification 1.0. 512 bytes. */
export const footer = struct({
  cookie: ascii(8), // conectix
  features: u32, // 2: reserved, always set
  version: u32, // 0x00010000
  dataOffset: u64, // of the dynamic header, in bytes
  timestamp: u32, // seconds since 2000-01-01 UTC
  creator: ascii(4), // 'tap\0' as xapi's own; qemu trusts the size of such an image, and the geometry of unknown ones
  creatorVersion: u32,
  creatorHost: u32,
  originalSize: u64, // bytes
  currentSize: u64, // bytes
  cylinders: u16,
  heads: u8,
  sectorsPerTrack: u8,
  diskType: u32, // DiskType
  checksum: u32, // one's complement of the sum of all bytes but these
  uuid: raw(16),
  savedState: u8,
  reserved: raw(427),
})

/** Dynamic disk header. VHD specification 1.0. 1024 bytes. */
export const dynamicHeader = struct({
  cookie: ascii(8), // cxsparse
  dataOffset: u64, // unused, all ones
  tableOffset: u64, // of the block table, in bytes
  version: u32, // 0x00010000
  maxTableEntries: u32,
  blockSize: u32, // bytes of data in a block
  checksum: u32,
  parentUuid: raw(16),
  parentTimestamp: u32,
  reserved: u32,
  parentName: raw(512), // UTF-16BE
  parentLocators: raw(192),
  reservedEnd: raw(256),
})

export type Footer = Decoded<typeof footer>
export type DynamicHeader = Decoded<typeof dynamicHeader>

export const DiskType = { fixed: 2, dynamic: 3, differencing: 4 } as const

export const COOKIE = 'conectix'
export const SPARSE_COOKIE = 'cxsparse'
export const VERSION = 0x00_01_00_00

/** The bytes of a footer or header with its checksum filled in. */
export function withChecksum(bytes: Uint8Array, at: number): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, checksum(bytes, at))
  return bytes
}

/** One's complement of the sum of all bytes, the four of the checksum left out. */
function checksum(bytes: Uint8Array, at: number): number {
  let sum = 0
  for (const [index, byte] of bytes.entries()) if (index < at || index >= at + 4) sum += byte
  return ~sum >>> 0
}

/** @throws XenApiError XENAPI_PROTOCOL */
export function decodeFooter(bytes: Uint8Array): Footer {
  const decoded = footer.decode(bytes)
  if (decoded.cookie !== COOKIE) throw damaged('it does not begin with the footer of one')
  if (checksum(bytes, footer.offsets.checksum) !== decoded.checksum)
    throw damaged('the checksum of its footer is wrong')
  return decoded
}

/** @throws XenApiError XENAPI_PROTOCOL */
export function decodeDynamicHeader(bytes: Uint8Array): DynamicHeader {
  const decoded = dynamicHeader.decode(bytes)
  if (decoded.cookie !== SPARSE_COOKIE) throw damaged('it has no dynamic header')
  if (checksum(bytes, dynamicHeader.offsets.checksum) !== decoded.checksum)
    throw damaged('the checksum of its header is wrong')
  return decoded
}

/** Bytes of the sector bitmap in front of each block: one bit a sector, padded to a sector. */
export const bitmapSize = (blockSize: number): number => roundUp(blockSize / SECTOR / 8, SECTOR)

export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit

/** Cylinders, heads and sectors that come near a size. VHD specification 1.0, "CHS calculation". */
export function geometryOf(size: number): Pick<Footer, 'cylinders' | 'heads' | 'sectorsPerTrack'> {
  const sectors = Math.min(Math.floor(size / SECTOR), 65_535 * 16 * 255)
  if (sectors >= 65_535 * 16 * 63) return shape(sectors, 16, 255)
  const heads = Math.max(4, Math.ceil(Math.floor(sectors / 17) / 1024))
  if (heads <= 16 && Math.floor(sectors / 17) < heads * 1024) return shape(sectors, heads, 17)
  return Math.floor(sectors / 31) < 16 * 1024 ? shape(sectors, 16, 31) : shape(sectors, 16, 63)
}

const shape = (sectors: number, heads: number, sectorsPerTrack: number) => ({
  cylinders: Math.floor(Math.floor(sectors / sectorsPerTrack) / heads),
  heads,
  sectorsPerTrack,
})

export const damaged = (problem: string): XenApiError =>
  new XenApiError('XENAPI_PROTOCOL', `not a sound VHD stream: ${problem}`)
