import { mapInOrder } from '@tidemark/blocks'
import type { FileName } from './backends/backend.ts'
import { RepositoryError } from './error.ts'
import type { Repository } from './repository.ts'

export interface RenewOptions {
  /** A file that is kept for so many days less than a new one is left as it is: it saves requests in a daily run. */
  readonly marginDays: number
  readonly now: Date
  readonly onProgress?: (progress: Renewed) => void
}

export interface Renewed {
  /** Files looked at. */
  readonly files: number
  readonly extended: number
}

/** Requests under way. */
const AT_ONCE = 16
const DAY_MS = 86_400_000

/**
 * Keeps every file of the repository from removal for as long as a new one: an increment needs packs of all ages. What a prune has let go is not
 * renewed. Interrupted, it is run again.
 * @throws RepositoryError REPOSITORY_UNSUPPORTED when the storage keeps nothing for a time, the backend's
 */
export async function renewRetention(
  repository: Repository,
  options: Partial<RenewOptions> = {},
  signal?: AbortSignal,
): Promise<Renewed> {
  const { retention, location } = repository.backend
  const { marginDays = 0, now = new Date(), onProgress } = options
  if (retention === undefined) {
    throw new RepositoryError(
      'REPOSITORY_UNSUPPORTED',
      `${location} is not opened with Object Lock: there is no retention to renew`,
    )
  }
  const until = new Date(now.getTime() + retention.days * DAY_MS)
  const enough = new Date(until.getTime() - marginDays * DAY_MS)
  let files = 0
  let extended = 0
  await using lock = await repository.lock('shared', signal)
  await repository.loadIndex(signal)
  const extend = (file: FileName, stop: AbortSignal) => retention.extend(file, enough, until, stop)
  for await (const outcome of mapInOrder(everyFile(repository, lock.signal), AT_ONCE, extend, signal)) {
    files++
    if (outcome === 'extended') extended++
    onProgress?.({ files, extended })
  }
  return { files, extended }
}

/**
 * Packs first: whoever stops in the middle has not renewed a snapshot that lacks them. A pack in no index is needed by nobody: an
 * interrupted run left it, or a proof of protection.
 */
async function* everyFile({ backend, blobs }: Repository, signal: AbortSignal): AsyncIterable<FileName> {
  const indexed = new Set(blobs.index().packs())
  for (const type of ['data', 'index', 'snapshots', 'keys', 'config'] as const) {
    for await (const { name } of backend.list(type, signal)) {
      if (type !== 'data' || indexed.has(name)) yield { type, name }
    }
  }
}
