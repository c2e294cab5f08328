import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** zstd level for data: the bound of a full backup is the compressor. restic-format.md §4. */
export const DATA_LEVEL = 1
/** zstd level for trees, indexes and snapshots. */
export const METADATA_LEVEL = 3

/** First byte of an unpacked file whose rest is a zstd frame. */
const COMPRESSED_MARK = 2

/** One zstd frame, with the content size in its header. */
export function compress(plain: Uint8Array, level: number): Uint8Array {
  return zstdCompressSync(plain, {
    chunkSize: plain.length + (plain.length >> 8) + 256, // never full, whatever the data: Node would take a second one
    pledgedSrcSize: plain.length,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  })
}

/**
 * @param length bytes of the result, known from the index
 * @throws Error of zlib when the frame is broken or longer
 */
export function decompress(frame: Uint8Array, length: number): Uint8Array {
  return zstdDecompressSync(frame, { chunkSize: length + 64, maxOutputLength: Math.max(1, length) })
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

/** A frame in parts, of plain bytes in parts. */
export const compressParts = (plain: Iterable<Uint8Array>, length: number, level: number): AsyncGenerator<Uint8Array> =>
  through(plain, createZstdCompress({ pledgedSrcSize: length, params: { [constants.ZSTD_c_compressionLevel]: level } }))

/** Plain bytes in parts, of a frame in parts. */
export const decompressParts = (frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> =>
  through(frame, createZstdDecompress())

async function* through(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  zstd: Transform,
): AsyncGenerator<Uint8Array> {
  const fed = pipeline(source, zstd)
  fed.catch(() => {}) // thrown to the reader below; this only keeps it from counting as unhandled
  for await (const part of zstd) yield part as Uint8Array
  await fed
}
