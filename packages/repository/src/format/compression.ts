import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** zstd level for data: the bound of a full backup is the compressor. restic-format.md §4. */
export const DATA_LEVEL = 1
/** zstd level for trees, indexes and snapshots. */
export const METADATA_LEVEL = 3

/** First byte of an unpacked file whose rest is a zstd frame. */
const COMPRESSED_MARK = 2

/** One zstd frame, with the content size in its header. */
export function compress(plain: Uint8Array, level: number): Uint8Array {
  return zstdCompressSync(plain, {
    chunkSize: Math.max(64, plain.length + 64), // one output buffer; what does not fit in it is stored raw anyhow
    pledgedSrcSize: plain.length,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  })
}

/**
 * @param length bytes of the result, known from the index
 * @throws Error of zlib when the frame is broken or longer
 */
export function decompress(frame: Uint8Array, length: number): Uint8Array {
  return zstdDecompressSync(frame, { chunkSize: Math.max(64, length), maxOutputLength: Math.max(1, length) })
}

/** The inside of an index, snapshot or lock file. restic-format.md §4. */
export function wrapUnpacked(json: Uint8Array): Uint8Array {
  const frame = compress(json, METADATA_LEVEL)
  const wrapped = new Uint8Array(frame.length + 1)
  wrapped[0] = COMPRESSED_MARK
  wrapped.set(frame, 1)
  return wrapped
}

/** Longest JSON taken from an unpacked file: no writer makes an index near that. */
const UNPACKED_MAX = 1 << 30

/** @throws Error when the first byte is neither JSON's nor the mark, or the frame is broken */
export function unwrapUnpacked(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0x7b || bytes[0] === 0x5b) return bytes
  if (bytes[0] !== COMPRESSED_MARK) throw new Error(`unknown first byte ${bytes[0]}`)
  return zstdDecompressSync(bytes.subarray(1), { maxOutputLength: UNPACKED_MAX })
}
