/** The kinds of files of a repository. restic-format.md §1. */
export type FileType = 'config' | 'keys' | 'data' | 'index' | 'snapshots' | 'locks'

/** Names one file: 64 lower-case hex characters, or '' for the one `config`. */
export interface FileName {
  readonly type: FileType
  readonly name: string
}

/** A stretch of a file, in bytes. */
export interface FileRange {
  readonly offset: number
  readonly length: number
}

/** A file as a list has it; `size` in bytes. */
export interface ListedFile {
  readonly name: string
  readonly size: number
}

/**
 * Stores whole, immutable files, each name written once. Knows nothing of what is inside them; some servers refuse a file whose name
 * is not its SHA-256.
 *
 * Errors are `RepositoryError`: BACKEND_NOT_FOUND, BACKEND_EXISTS, BACKEND_OUT_OF_RANGE, BACKEND_DENIED, BACKEND_UNAVAILABLE,
 * BACKEND_IO and REPOSITORY_FULL; the signal's reason when aborted.
 */
export interface Backend extends AsyncDisposable {
  /** Where the files are, for people. Never contains a secret. */
  readonly location: string
  /** Makes whatever an empty repository needs: directories, a bucket. Fine to call again. */
  create(signal?: AbortSignal): Promise<void>
  /** Files of one type, in no order. Foreign and temporary names are left out. A missing directory is empty. */
  list(type: FileType, signal?: AbortSignal): AsyncIterable<ListedFile>
  /** Never a short read: a range past the end is an error. */
  load(file: FileName, range: FileRange | 'all', signal?: AbortSignal): Promise<Uint8Array>
  /** All or nothing, durable when it resolves. `bytes` belongs to the caller again once it has settled. */
  save(file: FileName, bytes: Uint8Array, signal?: AbortSignal): Promise<void>
  /** BACKEND_NOT_FOUND where the storage tells: S3 does not. BACKEND_DENIED when files may be added and not removed. */
  remove(file: FileName, signal?: AbortSignal): Promise<void>
}

/** Path of a file inside the repository, with forward slashes: `data/ab/ab12…`. */
export function filePath({ type, name }: FileName): string {
  if (type === 'config') return 'config'
  return type === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${type}/${name}`
}

/** Whether a directory entry is a file of the repository; everything else is ignored, as restic does. */
export const isFileName = (name: string): boolean => /^[0-9a-f]{64}$/.test(name)
