import { createHash } from 'node:crypto'
import { compressParts, decompressParts } from '../format/compression.ts'
import { IV_LENGTH, MAC_LENGTH, SEAL_OVERHEAD, type Sealer } from '../format/crypto.ts'

/** Blobs that are longer are sealed and opened in parts: in practice lists of disks, up to some 300 MB of JSON. */
export const LARGE_BLOB = 8 << 20
/** Bytes of a sealed blob that are loaded at once. */
const PART = 4 << 20
/** Room that is left behind a sealed blob for the header of its pack. */
const HEADER_ROOM = 4096

/** SHA-256 and length of bytes that come in parts. */
export function hashParts(parts: Iterable<Uint8Array>): { id: Uint8Array; length: number } {
  const hash = createHash('sha256')
  let length = 0
  for (const part of parts) {
    hash.update(part)
    length += part.length
  }
  return { id: hash.digest(), length }
}

/**
 * Compresses and seals plain bytes that come in parts.
 * @param length of the plain bytes
 * @returns memory whose first `sealed` bytes are the blob; there is room for a pack's header behind
 */
export async function sealLarge(
  parts: Iterable<Uint8Array>,
  length: number,
  level: number,
  sealer: Sealer,
): Promise<{ memory: Uint8Array<ArrayBuffer>; sealed: number }> {
  const seal = sealer.sealParts()
  let memory = new Uint8Array(Math.ceil(length * 0.53) + PART) // hex of hashes: half of it, and a little
  let sealed = 0
  const put = (bytes: Uint8Array) => {
    if (sealed + bytes.length + HEADER_ROOM > memory.length) {
      const larger = new Uint8Array(memory.length + Math.max(memory.length >> 2, bytes.length + HEADER_ROOM))
      larger.set(memory)
      memory = larger
    }
    memory.set(bytes, sealed)
    sealed += bytes.length
  }
  put(seal.iv)
  for await (const part of compressParts(parts, length, level)) put(seal.update(part))
  put(seal.mac())
  return { memory, sealed }
}

/** Where a large blob lies, and what it must be. */
export interface LargeBlob {
  /** Sealed length in bytes. */
  readonly length: number
  readonly uncompressedLength: number
  /** SHA-256 of the plain bytes. */
  readonly id: Uint8Array
}

/**
 * Opens a blob in parts. Nothing that it yields may be believed before it has ended: MAC and SHA-256 are compared then.
 * @param load a stretch of the sealed blob
 * @throws Error that says what is wrong with it
 */
export async function* openLarge(
  { length, uncompressedLength, id }: LargeBlob,
  load: (offset: number, length: number) => Promise<Uint8Array>,
  sealer: Sealer,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let plain = 0
  for await (const part of decompressParts(opened(length, load, sealer))) {
    plain += part.length
    if (plain > uncompressedLength) throw new Error('it is longer than indexed')
    hash.update(part)
    yield part
  }
  if (plain !== uncompressedLength) throw new Error(`${plain} bytes, not as indexed`)
  if (Buffer.compare(hash.digest(), id) !== 0) throw new Error('the SHA-256 differs from the ID')
}

async function* opened(
  length: number,
  load: (offset: number, length: number) => Promise<Uint8Array>,
  sealer: Sealer,
): AsyncGenerator<Uint8Array> {
  if (length < SEAL_OVERHEAD) throw new Error('it is shorter than a seal')
  const seal = sealer.openParts(await load(0, IV_LENGTH))
  const end = length - MAC_LENGTH
  for (let at = IV_LENGTH; at < end; at += PART) yield seal.update(await load(at, Math.min(PART, end - at)))
  if (!seal.verify(await load(end, MAC_LENGTH))) throw new Error('the MAC does not verify')
}
