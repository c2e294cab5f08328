import type { Backend } from '../backends/backend.ts'
import { isRepositoryError, RepositoryError, type RepositoryErrorCode } from '../error.ts'
import type { Sealer } from '../format/crypto.ts'
import type { IndexCache } from '../index-cache/index-cache.ts'
import type { SealingPool } from '../sealing/pool.ts'
import type { CheckCode, CheckFinding } from './finding.ts'

/** How far a check is. */
export interface CheckProgress {
  readonly phase: 'files' | 'snapshots' | 'packs'
  readonly done: number
  readonly total: number
}

export interface CheckParts {
  readonly backend: Backend
  readonly sealer: Sealer
  readonly pool: SealingPool
  readonly cache: IndexCache | undefined
}

/** What every part of a check needs. */
export interface Check extends CheckParts {
  readonly report: (code: CheckCode, file: string, message: string) => CheckFinding
  readonly losses: Losses
  readonly onProgress: (progress: CheckProgress) => void
  readonly signal: AbortSignal | undefined
}

/** What was lost, and the finding that told of it. */
export interface Losses {
  /** By entry of the index. */
  readonly blobs: Map<number, CheckFinding>
  /** Packs of which nothing can be read, by ID. */
  readonly packs: Map<string, CheckFinding>
  /** Blobs that no index has, `<type> <ID>`: of a file the first one. */
  readonly missing: Map<string, CheckFinding>
}

/** Failures that say nothing about what is stored. */
const NO_DAMAGE: ReadonlySet<RepositoryErrorCode> = new Set<RepositoryErrorCode>([
  'BACKEND_UNAVAILABLE',
  'REPOSITORY_CACHE',
  'REPOSITORY_CLOSED',
  'REPOSITORY_LOCK_LOST',
])

/** Reports what is wrong. A file that the storage cannot give back is a finding as well; an abort goes through, and storage that does not answer. */
export async function attempt(
  check: Check,
  code: CheckCode,
  file: string,
  work: () => Promise<void>,
): Promise<CheckFinding | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    check.signal?.throwIfAborted()
    if (!(error instanceof Error) || (error instanceof RepositoryError && NO_DAMAGE.has(error.code))) throw error
    const isStorage = isRepositoryError(error, 'BACKEND_IO') || isRepositoryError(error, 'BACKEND_DENIED')
    return check.report(isStorage ? 'UNREADABLE' : code, packOf(error) ?? file, error.message)
  }
}

/** Of a tree that cannot be read: the pack it is in. */
const packOf = (error: Error): string | undefined =>
  error instanceof RepositoryError && error.file?.startsWith('data/') === true ? error.file : undefined
