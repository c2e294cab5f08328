import { randomBytes } from 'node:crypto'
import { filePath, type Backend, type Destruction, type FileName } from './backends/backend.ts'
import { isRepositoryError, RepositoryError } from './error.ts'
import { packTrailer } from './format/pack.ts'
import { idBytes, sha256Hex } from './id.ts'
import type { Repository } from './repository.ts'

/** What the storage did to one who tried to destroy a file with the repository's own credentials. */
export interface Protection extends Destruction {
  /** The file that it was tried on, made for it: a pack that no index names. */
  readonly probe: string
  /** Whether locks can be removed: each run leaves one otherwise. */
  readonly locks: 'removable' | 'kept'
}

/**
 * Proves whether what is stored can be destroyed with the credentials at hand: makes a pack of its own and tries to write over it and to remove it. No file
 * of the repository is touched. Where removal is refused the probe stays, 137 bytes, until a prune with more rights.
 */
export async function probeProtection(repository: Repository, signal?: AbortSignal): Promise<Protection> {
  const { backend } = repository
  const bytes = probePack(repository)
  const file = { type: 'data', name: sha256Hex(bytes) } as const
  await backend.save(file, bytes, signal)
  const destruction = await (backend.destroy ?? removing(backend))(file, bytes, signal)
  const locks = await removalOf(backend, { type: 'locks', name: NOBODY }, signal)
  return { ...destruction, probe: filePath(file), locks: locks === 'accepted' ? 'removable' : 'kept' }
}

/** A pack as any other, with one blob that nobody knows. */
function probePack({ sealer }: Repository): Uint8Array {
  const content = randomBytes(32)
  const blob = sealer.seal(content)
  const id = idBytes(sha256Hex(content))
  const entry = { type: 'data', id, offset: 0, length: blob.length, uncompressedLength: 0 } as const
  return Buffer.concat([blob, packTrailer([entry], sealer)])
}

/** Storage without a way of its own to be destroyed: what can be removed can be written anew. */
const removing =
  (backend: Backend) =>
  async (file: FileName, _bytes: Uint8Array, signal?: AbortSignal): Promise<Destruction> => {
    const removal = await removalOf(backend, file, signal)
    return { overwriting: removal, removal, remains: removal === 'accepted' ? 'no' : 'in place' }
  }

async function removalOf(backend: Backend, file: FileName, signal?: AbortSignal): Promise<'accepted' | 'refused'> {
  try {
    await backend.remove(file, signal)
    return 'accepted'
  } catch (error) {
    if (isRepositoryError(error, 'BACKEND_NOT_FOUND')) return 'accepted'
    if (isRepositoryError(error, 'BACKEND_DENIED')) return 'refused'
    throw error
  }
}

/** The SHA-256 of nothing that is stored. */
const NOBODY = sha256Hex(Buffer.from('a name that no file of a repository has'))

/**
 * For operations that remove files, before they do anything: asks the storage to remove a file that does not exist. Where removal is not
 * allowed at all, that is refused.
 * @param what the operation, for the sentence: `prune`
 * @throws RepositoryError REPOSITORY_APPEND_ONLY
 */
export async function assertRemovable({ backend }: Pick<Repository, 'backend'>, what: string, signal?: AbortSignal) {
  try {
    await backend.remove({ type: 'data', name: NOBODY }, signal)
  } catch (cause) {
    if (isRepositoryError(cause, 'BACKEND_NOT_FOUND')) return
    if (!isRepositoryError(cause, 'BACKEND_DENIED')) throw cause
    throw new RepositoryError(
      'REPOSITORY_APPEND_ONLY',
      `${what} removes files, and ${backend.location} is append-only for these credentials: nothing was changed; run it where files may be removed`,
      { cause },
    )
  }
}
