import { LARGE_BLOB, openLarge } from './large.ts'
import { openBlob, sealedPlaces, type Flaw, type SealedBlobs } from './batch.ts'
import { RepositoryError } from '../error.ts'
import { dropped, release } from '../garbage.ts'
import type { Sealer } from '../format/crypto.ts'
import { readPackHeader, type PackedBlob } from '../format/pack.ts'
import { ID_LENGTH, sha256Hex } from '../id.ts'

/** A whole pack to verify: one message, and nothing of it but findings comes back. */
export interface VerifyRequest {
  readonly kind: 'verify'
  /** Its file's name: the SHA-256 that it must have, 64 hex characters. */
  readonly name: string
  readonly pack: Uint8Array
}

export interface VerifyReply {
  readonly kind: 'verified'
  /** What is wrong with the pack as a whole. */
  readonly problems: readonly string[]
  /** Packed IDs of the blobs that its header names. */
  readonly ids: Uint8Array<ArrayBuffer>
  /** Four numbers a blob: 1 for a tree, offset, sealed length, uncompressed length or 0. */
  readonly places: Uint32Array<ArrayBuffer>
  readonly damaged: readonly Flaw[]
}

/** Sealed blobs to verify, which come back as they were. */
export interface ProveRequest extends SealedBlobs {
  readonly kind: 'prove'
}

export interface ProveReply {
  readonly kind: 'proven'
  readonly sealed: Uint8Array
  readonly damaged: readonly Flaw[]
}

/** Every blob: MAC, compression, SHA-256. */
export async function proveBlobs(request: ProveRequest, sealer: Sealer): Promise<ProveReply> {
  const { sealed } = request
  const damaged = await flawsOf(sealedPlaces(request), (blob) => verifyBlob(sealed, blob, sealer))
  return { kind: 'proven', sealed, damaged }
}

/** The pack's hash, its header, and every blob: MAC, compression, SHA-256. */
export async function verifyPack({ name, pack }: VerifyRequest, sealer: Sealer): Promise<VerifyReply> {
  const problems: string[] = []
  if (sha256Hex(pack) !== name) problems.push('its SHA-256 differs from its name')
  return replyAbout(headerOf(pack, sealer, problems), problems, (blob) => verifyBlob(pack, blob, sealer))
}

/** Verifies one blob after the other. @param verify answers what is wrong with one */
export async function replyAbout(
  blobs: readonly PackedBlob[],
  problems: readonly string[],
  verify: (blob: PackedBlob) => Promise<string | undefined>,
): Promise<VerifyReply> {
  return { kind: 'verified', problems, damaged: await flawsOf(blobs, verify), ...packPlaces(blobs) }
}

/** Looks at one blob after the other. @param verify answers what is wrong with one */
async function flawsOf<Blob>(
  blobs: readonly Blob[],
  verify: (blob: Blob) => Promise<string | undefined>,
): Promise<Flaw[]> {
  const damaged: Flaw[] = []
  for (const [i, blob] of blobs.entries()) {
    const reason = await verify(blob)
    if (reason !== undefined) damaged.push({ blob: i, reason })
  }
  return damaged
}

function headerOf(pack: Uint8Array, sealer: Sealer, problems: string[]): PackedBlob[] {
  try {
    return readPackHeader(pack, sealer)
  } catch (error) {
    problems.push((error as Error).message)
    return []
  }
}

/** Answers what is wrong. */
async function verifyBlob(
  pack: Uint8Array,
  blob: Omit<PackedBlob, 'type'>,
  sealer: Sealer,
): Promise<string | undefined> {
  const load = async (offset: number, length: number) =>
    pack.subarray(blob.offset + offset, blob.offset + offset + length)
  if (blob.uncompressedLength > LARGE_BLOB) return verifyLarge(blob, load, sealer)
  const sealed = pack.subarray(blob.offset, blob.offset + blob.length)
  const plain = openBlob(sealed, blob.uncompressedLength, blob.id, sealer)
  if (typeof plain === 'string') return plain
  release(plain)
  return undefined
}

/** A blob of any size, in parts. Answers what is wrong. */
export async function verifyLarge(
  { length, uncompressedLength, id }: Pick<PackedBlob, 'length' | 'uncompressedLength' | 'id'>,
  load: (offset: number, length: number) => Promise<Uint8Array>,
  sealer: Sealer,
): Promise<string | undefined> {
  try {
    for await (const part of openLarge({ length, uncompressedLength, id }, load, sealer)) dropped(part.length)
    return undefined
  } catch (error) {
    if (error instanceof RepositoryError) throw error // of the storage
    return (error as Error).message
  }
}

/** As a reply carries them. */
function packPlaces(blobs: readonly PackedBlob[]): Pick<VerifyReply, 'ids' | 'places'> {
  const ids = new Uint8Array(blobs.length * ID_LENGTH)
  const places = new Uint32Array(blobs.length * 4)
  for (const [i, { type, id, offset, length, uncompressedLength }] of blobs.entries()) {
    ids.set(id, i * ID_LENGTH)
    places.set([type === 'tree' ? 1 : 0, offset, length, uncompressedLength], i * 4)
  }
  return { ids, places }
}
