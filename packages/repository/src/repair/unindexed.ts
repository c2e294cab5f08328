import { filePath } from '../backends/backend.ts'
import { RepositoryError, unlessUnreadable } from '../error.ts'
import { blobName, type PackedBlob } from '../format/pack.ts'
import { loadPackHeader } from '../pack-header.ts'
import type { Repository } from '../repository.ts'

/** Names of missing blobs that are kept: with as many, what else is missing is not known. */
export const MISSING_MAX = 100_000

/** A file of `data/`. */
export interface StoredPack {
  readonly name: string
  readonly size: number
}

/** Packs that are stored and in no index: a lost index knew them, or a killed program had not come to theirs. */
export async function unindexedPacks(repository: Repository, signal: AbortSignal): Promise<readonly StoredPack[]> {
  const indexed = new Set(repository.blobs.index().packs())
  const found: StoredPack[] = []
  for await (const pack of repository.backend.list('data', signal)) if (!indexed.has(pack.name)) found.push(pack)
  return found
}

/**
 * What a lost index knew is not lost: it must be looked for before anything is given up.
 * @param missing names of blobs, as `blobName` gives them, `MISSING_MAX` at most
 * @throws RepositoryError REPOSITORY_INPUT when one of them may be in such a pack
 */
export async function assertNowhere(
  repository: Repository,
  missing: ReadonlySet<string>,
  packs: readonly StoredPack[],
  signal: AbortSignal,
): Promise<void> {
  for (const { name, size } of packs) {
    const blobs = await loadPackHeader(repository, name, size, signal).catch(unlessHeaderless)
    const isHeld = blobs?.some((blob) => missing.has(blobName(blob)))
    const why = isHeld ? 'holds' : blobs === undefined || missing.size >= MISSING_MAX ? 'may hold' : undefined
    if (why === undefined) continue
    const file = filePath({ type: 'data', name })
    const what = `no index names ${file}, which ${why} what points miss`
    throw new RepositoryError('REPOSITORY_INPUT', `${what}: run \`tidemark repair index\` first, or prune it`, { file })
  }
}

/** Undefined for a header that cannot be read; storage that is away says nothing of it. */
function unlessHeaderless(error: unknown): PackedBlob[] | undefined {
  if (!(error instanceof Error)) throw error
  if (error instanceof RepositoryError) unlessUnreadable(error)
  return undefined
}
