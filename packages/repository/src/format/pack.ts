import { idAt, ID_LENGTH, type BlobType } from '../id.ts'
import { SEAL_OVERHEAD, type Sealer } from './crypto.ts'

/** Where a blob lies in a pack. */
export interface PackedBlob {
  readonly type: BlobType
  /** Packed ID, 32 bytes. */
  readonly id: Uint8Array
  readonly offset: number
  /** Sealed length, the 32 bytes of overhead included. */
  readonly length: number
  /** 0 when the blob is stored raw. */
  readonly uncompressedLength: number
}

/** Bytes at the end of a pack that hold the length of the sealed header; they do not count themselves. */
const TRAILER_LENGTH = 4
/** A header entry: type, sealed length, ID. */
const RAW_ENTRY = 1 + 4 + ID_LENGTH
/** A header entry of a compressed blob has the uncompressed length as well. */
const COMPRESSED_ENTRY = RAW_ENTRY + 4

/** Bytes of a pack without blobs. */
export const EMPTY_PACK = SEAL_OVERHEAD + TRAILER_LENGTH

/** Bytes that a blob takes in the header of its pack. */
export const entryLength = (blob: { uncompressedLength: number }): number =>
  blob.uncompressedLength === 0 ? RAW_ENTRY : COMPRESSED_ENTRY

/** Size of the pack that holds exactly these blobs. restic-format.md §5: anything else is damage. */
export const packSize = (blobs: Iterable<{ length: number; uncompressedLength: number }>): number => {
  let size = EMPTY_PACK
  for (const blob of blobs) size += blob.length + entryLength(blob)
  return size
}

/** The end of a pack: sealed header and its length. restic-format.md §5. */
export function packTrailer(blobs: readonly PackedBlob[], sealer: Sealer): Uint8Array {
  const plain = Buffer.alloc(blobs.reduce((sum, blob) => sum + entryLength(blob), 0))
  let at = 0
  for (const blob of blobs) {
    const compressed = blob.uncompressedLength !== 0
    at = plain.writeUInt8((blob.type === 'tree' ? 1 : 0) + (compressed ? 2 : 0), at)
    at = plain.writeUInt32LE(blob.length, at)
    if (compressed) at = plain.writeUInt32LE(blob.uncompressedLength, at)
    plain.set(blob.id, at)
    at += ID_LENGTH
  }
  const trailer = Buffer.alloc(plain.length + SEAL_OVERHEAD + TRAILER_LENGTH)
  const sealedLength = sealer.sealInto(plain, trailer, 0)
  trailer.writeUInt32LE(sealedLength, sealedLength)
  return trailer
}

/**
 * The blobs a pack says it holds.
 * @param pack all of it, or so much of its end that the header is in it
 * @param size of all of it
 * @throws Error when the header is cut, does not verify, or does not add up to the length of the pack
 */
export function readPackHeader(pack: Uint8Array, sealer: Sealer, size = pack.length): PackedBlob[] {
  const bytes = Buffer.from(pack.buffer, pack.byteOffset, pack.length)
  const headerEnd = bytes.length - TRAILER_LENGTH
  if (headerEnd < SEAL_OVERHEAD) throw new Error(`a pack of ${bytes.length} bytes has no header`)
  const sealedLength = bytes.readUInt32LE(headerEnd)
  if (sealedLength > headerEnd) throw new Error(`a header of ${sealedLength} bytes in a pack of ${bytes.length}`)
  const plain = sealer.open(bytes.subarray(headerEnd - sealedLength, headerEnd))
  if (plain === undefined) throw new Error('the header does not verify')
  const blobs = decodeEntries(Buffer.from(plain.buffer, plain.byteOffset, plain.length))
  const end = blobs.reduce((sum, { length }) => sum + length, 0)
  const headerStart = size - TRAILER_LENGTH - sealedLength
  if (end !== headerStart) throw new Error(`blobs of ${end} bytes before a header at ${headerStart}`)
  return blobs
}

function decodeEntries(plain: Buffer): PackedBlob[] {
  const blobs: PackedBlob[] = []
  let offset = 0
  for (let at = 0; at < plain.length;) {
    const kind = plain.readUInt8(at)
    const size = kind < 2 ? RAW_ENTRY : COMPRESSED_ENTRY
    if (kind > 3 || at + size > plain.length) throw new Error(`header entry ${blobs.length} is broken`)
    const length = plain.readUInt32LE(at + 1)
    const uncompressedLength = kind < 2 ? 0 : plain.readUInt32LE(at + 5)
    const id = Uint8Array.from(plain.subarray(at + size - ID_LENGTH, at + size))
    blobs.push({ type: (kind & 1) === 1 ? 'tree' : 'data', id, offset, length, uncompressedLength })
    offset += length
    at += size
  }
  return blobs
}

/** For messages: `data blob ab12…`. */
export const blobName = ({ type, id }: Pick<PackedBlob, 'type' | 'id'>): string => `${type} blob ${idAt(id)}`
