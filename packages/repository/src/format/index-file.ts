import { idAt, idBytes, type BlobType } from '../id.ts'
import type { PackedBlob } from './pack.ts'

/** What an index says about one pack. */
export interface IndexedPack {
  /** 64 hex characters. */
  readonly pack: string
  readonly blobs: readonly PackedBlob[]
}

/** One pack's member of the `packs` array. restic-format.md §6. */
export function encodeIndexedPack({ pack, blobs }: IndexedPack): string {
  const entries = blobs.map(({ type, id, offset, length, uncompressedLength }) => {
    const more = uncompressedLength === 0 ? '' : `,"uncompressed_length":${uncompressedLength}`
    return `{"id":"${idAt(id)}","type":"${type}","offset":${offset},"length":${length}${more}}`
  })
  return `{"id":"${pack}","blobs":[${entries.join(',')}]}`
}

/** An index file from the members of its `packs` array. */
export const encodeIndex = (packs: readonly string[]): Uint8Array => Buffer.from(`{"packs":[${packs.join(',')}]}\n`)

/** @throws Error when the JSON or a field is not as it must be */
export function* decodeIndex(json: Uint8Array): Generator<IndexedPack> {
  const { packs } = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString()) as RawIndex
  if (!Array.isArray(packs)) throw new Error('no list of packs')
  for (const { id, blobs } of packs) {
    if (!isHex(id) || !Array.isArray(blobs)) throw new Error('a pack without ID or blobs')
    yield { pack: id, blobs: blobs.map((blob) => decodeBlob(blob)) }
  }
}

interface RawIndex {
  readonly packs?: readonly { readonly id?: unknown; readonly blobs?: readonly Record<string, unknown>[] }[]
}

function decodeBlob({ id, type, offset, length, uncompressed_length: plain = 0 }: Record<string, unknown>): PackedBlob {
  if (!isHex(id) || !isBlobType(type) || !isUint32(offset) || !isUint32(length) || !isUint32(plain)) {
    throw new Error(`a blob entry is broken: ${JSON.stringify({ id, type, offset, length, plain })}`)
  }
  return { type, id: idBytes(id), offset, length, uncompressedLength: plain }
}

const isHex = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isBlobType = (value: unknown): value is BlobType => value === 'data' || value === 'tree'
const isUint32 = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32
