import { compress, decompress } from '../format/compression.ts'
import { release } from '../garbage.ts'
import { SEAL_OVERHEAD, type Sealer } from '../format/crypto.ts'
import type { PackedBlob } from '../format/pack.ts'
import { ID_LENGTH, sha256 } from '../id.ts'
import { BlobsToFile, type BlobTarget } from './blob-target.ts'

/** Blobs to seal, laid one after the other, so that one message to a worker carries many. */
export interface SealRequest {
  readonly kind: 'seal'
  readonly level: number
  /** Trees are always compressed: prune repacks raw ones. restic-format.md §4. */
  readonly keepRaw: boolean
  /** Open each sealed blob again and compare. */
  readonly verify: boolean
  readonly lengths: Uint32Array
  readonly plain: Uint8Array<ArrayBuffer>
  /** Room for the result: the plain bytes and 32 bytes for each blob suffice. */
  readonly target: Uint8Array<ArrayBuffer>
}

export interface SealReply {
  readonly kind: 'sealed'
  /** Sealed length of each blob; they lie one after the other in `target`. */
  readonly sealedLengths: Uint32Array
  /** 0 for a blob stored raw. */
  readonly uncompressedLengths: Uint32Array
  readonly plain: Uint8Array<ArrayBuffer>
  readonly target: Uint8Array<ArrayBuffer>
}

/** Sealed blobs: a range of a pack and what the index says about it. */
export interface SealedBlobs {
  readonly sealed: Uint8Array
  /** Three numbers a blob: offset in `sealed`, sealed length, uncompressed length or 0. */
  readonly places: Uint32Array
  /** Packed IDs the blobs must have. */
  readonly ids: Uint8Array
}

/** A damaged blob, by its number in the request, and what is wrong with it. */
export interface Flaw {
  readonly blob: number
  readonly reason: string
}

/** Sealed blobs to open. */
export interface OpenRequest extends SealedBlobs {
  readonly kind: 'open'
  /** Write the blobs to a file instead of giving them back. */
  readonly into?: BlobTarget
}

export interface OpenReply {
  readonly kind: 'opened'
  /** The blobs one after the other; a damaged one takes its room and stays zero. Empty when they went to a file. */
  readonly plain: Uint8Array<ArrayBuffer>
  readonly damaged: readonly Flaw[]
}

export function sealBatch(request: SealRequest, sealer: Sealer): SealReply {
  const { lengths, plain, target, level, keepRaw } = request
  const sealedLengths = new Uint32Array(lengths.length)
  const uncompressedLengths = new Uint32Array(lengths.length)
  let from = 0
  let to = 0
  for (const [i, length] of lengths.entries()) {
    const blob = plain.subarray(from, from + length)
    const frame = compress(blob, level)
    const raw = frame.length >= length && keepRaw
    const sealedLength = sealer.sealInto(raw ? blob : frame, target, to)
    release(frame)
    if (request.verify) verifySealed(target.subarray(to, to + sealedLength), raw, blob, sealer)
    sealedLengths[i] = sealedLength
    uncompressedLengths[i] = raw ? 0 : length
    from += length
    to += sealedLength
  }
  return { kind: 'sealed', sealedLengths, uncompressedLengths, plain, target }
}

/** Most bytes that sealing `count` blobs of `length` bytes in all can take: zstd adds at most 1/128 and a frame. */
export const sealedBound = (length: number, count: number): number =>
  length + Math.ceil(length / 128) + count * (SEAL_OVERHEAD + 64)

/** Opens blobs; their pieces of a file are written beside it, and are all written, or none any more, when it returns or throws. */
export async function openBatch(request: OpenRequest, sealer: Sealer): Promise<OpenReply> {
  const { into } = request
  if (into === undefined) {
    const sizes = sealedPlaces(request).map(({ length, uncompressedLength }) => plainLength(length, uncompressedLength))
    const plain = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0))
    const starts = startsOf(sizes)
    const damaged = await openEach(request, sealer, (blob, i) => plain.set(blob, starts[i]))
    return { kind: 'opened', plain, damaged }
  }
  await using target = new BlobsToFile(into)
  const damaged = await openEach(request, sealer, (blob, i) => target.put(blob, i))
  await target.end()
  return { kind: 'opened', plain: new Uint8Array(), damaged }
}

/** Opens one blob after the other, in place of each that is damaged a reason. */
async function openEach(
  request: OpenRequest,
  sealer: Sealer,
  put: (blob: Uint8Array, index: number) => Promise<void> | void,
): Promise<OpenReply['damaged']> {
  const damaged: Flaw[] = []
  for (const [i, { id, offset, length, uncompressedLength }] of sealedPlaces(request).entries()) {
    const blob = openBlob(request.sealed.subarray(offset, offset + length), uncompressedLength, id, sealer)
    if (typeof blob === 'string') damaged.push({ blob: i, reason: blob })
    else {
      const wait = put(blob, i)
      if (wait !== undefined) await wait
      release(blob)
    }
  }
  return damaged
}

/** Where each blob lies, and its ID. */
export const sealedPlaces = ({ places, ids }: SealedBlobs): readonly Omit<PackedBlob, 'type'>[] =>
  Array.from({ length: places.length / 3 }, (_, i) => {
    const [offset = 0, length = 0, uncompressedLength = 0] = places.subarray(i * 3, i * 3 + 3)
    return { id: ids.subarray(i * ID_LENGTH, (i + 1) * ID_LENGTH), offset, length, uncompressedLength }
  })

function startsOf(sizes: readonly number[]): number[] {
  let at = 0
  return sizes.map((size) => (at += size) - size)
}

/** Size of a blob as the index tells it. */
export const plainLength = (sealedLength: number, uncompressedLength: number): number =>
  uncompressedLength === 0 ? Math.max(0, sealedLength - SEAL_OVERHEAD) : uncompressedLength

/**
 * MAC, then cipher, then zstd, then SHA-256: the MAC does not bind a message to its name. restic-format.md §3.
 * @returns the plain bytes, or what is wrong
 */
export function openBlob(
  sealed: Uint8Array,
  uncompressedLength: number,
  id: Uint8Array,
  sealer: Sealer,
): Uint8Array | string {
  const opened = sealer.open(sealed)
  if (opened === undefined) return 'the MAC does not verify'
  const plain = uncompressedLength === 0 ? opened : decompressed(opened, uncompressedLength)
  if (plain !== opened) release(opened)
  if (typeof plain === 'string') return plain
  if (plain.length !== plainLength(sealed.length, uncompressedLength)) return `${plain.length} bytes, not as indexed`
  return Buffer.compare(sha256(plain), id) === 0 ? plain : 'the SHA-256 differs from the ID'
}

function decompressed(frame: Uint8Array, length: number): Uint8Array | string {
  try {
    return decompress(frame, length)
  } catch (error) {
    return `it does not decompress: ${(error as Error).message}`
  }
}

/** Memory and compressors fail, rarely: what cannot be read back must not be stored. As restic does since 0.17. */
function verifySealed(sealed: Uint8Array, isRaw: boolean, blob: Uint8Array, sealer: Sealer): void {
  const opened = sealer.open(sealed)
  const plain = opened === undefined || isRaw ? opened : decompressed(opened, blob.length)
  const isSame = plain instanceof Uint8Array && Buffer.compare(plain, blob) === 0
  if (opened !== undefined) release(opened)
  if (plain instanceof Uint8Array && plain !== opened) release(plain)
  if (!isSame) {
    throw new Error(`a blob of ${blob.length} bytes was sealed, but does not open to the same bytes`)
  }
}
