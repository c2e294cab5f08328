import { hash } from 'node:crypto'
import { RepositoryError } from './error.ts'

declare const kind: unique symbol
type Id<Name extends string> = string & { readonly [kind]: Name }

/** SHA-256 of a blob's plain bytes, as 64 lower-case hex characters. */
export type BlobId = Id<'blob'>
/** Name of a snapshot file: SHA-256 of its bytes, as 64 lower-case hex characters. */
export type SnapshotId = Id<'snapshot'>

export type BlobType = 'data' | 'tree'

/** Bytes of one ID. */
export const ID_LENGTH = 32

/** SHA-256 in one call: half the cost of a hash object for a small blob. */
export const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer')

export const sha256Hex = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')

/** @throws RepositoryError REPOSITORY_INPUT when the text is not 64 hex characters */
export function blobId(text: string): BlobId {
  assertHex(text)
  return text as BlobId
}

/** @throws RepositoryError REPOSITORY_INPUT when the text is not 64 hex characters */
export function snapshotId(text: string): SnapshotId {
  assertHex(text)
  return text as SnapshotId
}

export const idBytes = (id: string): Uint8Array => Buffer.from(id, 'hex')

/** The ID at `offset` of packed IDs. */
export const idAt = (ids: Uint8Array, offset = 0): BlobId =>
  Buffer.from(ids.buffer, ids.byteOffset + offset, ID_LENGTH).toString('hex') as BlobId

function assertHex(text: string): void {
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new RepositoryError('REPOSITORY_INPUT', `'${text.slice(0, 80)}' is no ID: 64 lower-case hex characters`)
  }
}
