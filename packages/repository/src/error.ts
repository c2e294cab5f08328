/** What went wrong with a repository. Stable, to branch on. */
export type RepositoryErrorCode =
  /** No key file opens with this password. */
  | 'REPOSITORY_PASSWORD'
  /** There is no repository here: no `config`. Or no such snapshot. */
  | 'REPOSITORY_NOT_FOUND'
  /** `init` found a repository, or parts of one. */
  | 'REPOSITORY_EXISTS'
  /** Another process holds a lock that excludes ours. The message names it. */
  | 'REPOSITORY_LOCKED'
  /** Our lock vanished or could not be refreshed: nothing more may be written. */
  | 'REPOSITORY_LOCK_LOST'
  /** A file or a blob is not what was written. `file` names it. */
  | 'REPOSITORY_DAMAGED'
  /** A blob is in no index. */
  | 'REPOSITORY_MISSING_BLOB'
  /** The storage has no room left. Nothing half-written is visible. */
  | 'REPOSITORY_FULL'
  /** Format version, key derivation or content that this library does not handle. */
  | 'REPOSITORY_UNSUPPORTED'
  /** A snapshot that was not made as a restore point: contract of the tree not met. */
  | 'REPOSITORY_NO_POINT'
  /** A snapshot has no such file or directory. */
  | 'REPOSITORY_NO_ENTRY'
  /** The caller handed in something that does not fit: chunks that are not the plan's reads, an unsafe name. */
  | 'REPOSITORY_INPUT'
  /** The local cache of the index broke while it was in use. It was removed: run the command again. */
  | 'REPOSITORY_CACHE'
  /** Files can be added and not removed with these credentials: what needs a removal is refused before it begins. */
  | 'REPOSITORY_APPEND_ONLY'
  /** The keep rules would remove every point of a group. */
  | 'REPOSITORY_LAST_POINT'
  /** The repository was closed. */
  | 'REPOSITORY_CLOSED'
  | BackendErrorCode

/** What went wrong in the storage underneath. */
export type BackendErrorCode =
  | 'BACKEND_NOT_FOUND'
  | 'BACKEND_EXISTS'
  /** A range that reaches past the end of a file. */
  | 'BACKEND_OUT_OF_RANGE'
  /** No permission. */
  | 'BACKEND_DENIED'
  /** It does not answer, or has too much to do: trying again may help. */
  | 'BACKEND_UNAVAILABLE'
  /** Anything else the storage refused; `cause` has the original. */
  | 'BACKEND_IO'

export interface RepositoryErrorOptions extends ErrorOptions {
  /** The file concerned, as a path inside the repository: `data/ab/ab12…`. */
  readonly file?: string
}

/** The one error class of this package. */
export class RepositoryError extends Error {
  override readonly name = 'RepositoryError'
  readonly code: RepositoryErrorCode
  readonly file: string | undefined

  constructor(code: RepositoryErrorCode, message: string, options: RepositoryErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.file = options.file
  }
}

/** Whether `error` is ours and carries `code`. */
export const isRepositoryError = (error: unknown, code: RepositoryErrorCode): error is RepositoryError =>
  error instanceof RepositoryError && error.code === code

/**
 * For `catch`: a file that is not there, or not any more, is no error.
 * @throws any other error, as it is
 */
export function unlessGone(error: unknown): undefined {
  if (!isRepositoryError(error, 'BACKEND_NOT_FOUND')) throw error
}

/** What says that the bytes of a file cannot be had, whoever asks and how often. */
const UNREADABLE: ReadonlySet<RepositoryErrorCode> = new Set([
  'BACKEND_NOT_FOUND',
  'BACKEND_OUT_OF_RANGE',
  'BACKEND_IO',
  'REPOSITORY_DAMAGED',
])

/**
 * For `catch`: a file that is gone or damaged is no error. Storage that is away or refuses says nothing about the file.
 * @throws any other error, as it is
 */
export function unlessUnreadable(error: unknown): undefined {
  if (!(error instanceof RepositoryError && UNREADABLE.has(error.code))) throw error
}

/** What REPOSITORY_FULL says to do, whichever storage it is. */
export const NO_SPACE =
  'no space is left in the repository: make room there, or have its quota raised, and run it again; nothing that was there is lost'
