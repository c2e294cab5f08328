import { filePath, type Backend, type FileName } from './backends/backend.ts'
import { RepositoryError } from './error.ts'
import { unwrapUnpacked, wrapUnpacked } from './format/compression.ts'
import type { Sealer } from './format/crypto.ts'
import { sha256Hex } from './id.ts'

/**
 * The JSON of an index, snapshot or lock file, verified against its name.
 * @throws RepositoryError REPOSITORY_DAMAGED with `file`, or the backend's
 */
export async function loadUnpacked(
  backend: Backend,
  sealer: Sealer,
  file: FileName,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return openUnpacked(await backend.load(file, 'all', signal), sealer, file)
}

/** The JSON inside a loaded file. @throws RepositoryError REPOSITORY_DAMAGED with `file` */
function openUnpacked(bytes: Uint8Array, sealer: Sealer, file: FileName): Uint8Array {
  const path = filePath(file)
  if (sha256Hex(bytes) !== file.name) throw damaged(path, 'its SHA-256 differs from its name')
  const plain = sealer.open(bytes)
  if (plain === undefined) throw damaged(path, 'the MAC does not verify')
  try {
    return unwrapUnpacked(plain)
  } catch (cause) {
    throw damaged(path, `it does not decompress: ${(cause as Error).message}`, cause)
  }
}

/** JSON as it is stored, and the name of its file. */
export function sealUnpacked(sealer: Sealer, json: Uint8Array): { readonly name: string; readonly bytes: Uint8Array } {
  const bytes = sealer.seal(wrapUnpacked(json))
  return { name: sha256Hex(bytes), bytes }
}

/** Seals JSON and saves it under its SHA-256; returns that name. */
export async function saveUnpacked(
  backend: Backend,
  sealer: Sealer,
  type: 'snapshots' | 'index' | 'locks',
  json: Uint8Array,
  signal?: AbortSignal,
): Promise<string> {
  const { name, bytes } = sealUnpacked(sealer, json)
  await backend.save({ type, name }, bytes, signal)
  return name
}

/** How long a file whose saving failed is tried to be removed. */
const REMOVAL_MS = 1000

/**
 * As `saveUnpacked`, for a file that must not be there when its saving failed: storage may have saved it and not said so.
 * @throws what the storage throws
 */
export async function saveOrRemove(
  backend: Backend,
  sealer: Sealer,
  type: 'snapshots' | 'locks',
  json: Uint8Array,
  signal?: AbortSignal,
): Promise<string> {
  const { name, bytes } = sealUnpacked(sealer, json)
  try {
    await backend.save({ type, name }, bytes, signal)
  } catch (error) {
    await backend.remove({ type, name }, AbortSignal.timeout(REMOVAL_MS)).catch(() => {})
    throw error
  }
  return name
}

/** A file that is not what was written. */
export const damaged = (file: string, reason: string, cause?: unknown): RepositoryError =>
  new RepositoryError('REPOSITORY_DAMAGED', `${file} is damaged: ${reason}`, { file, cause })
