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
  /**
   * Never a short read: a range past the end is an error.
   * @param memory of `alignedMemory`, for a storage that can read right into it; the result may lie in it, or elsewhere
   */
  load(file: FileName, range: FileRange | 'all', signal?: AbortSignal, memory?: Uint8Array): Promise<Uint8Array>
  /** How many saves under way together go faster than one after the other, as behind a network they do; 1 when not told. */
  readonly savesAtOnce?: number
  /** All or nothing, durable when it resolves. `bytes` belongs to the caller again once it has settled. */
  save(file: FileName, bytes: Uint8Array, signal?: AbortSignal): Promise<void>
  /** Removes what killed writers left before a moment, where the storage has such a thing; returns how many. */
  sweep?(before: Date, signal?: AbortSignal): Promise<number>
  /** BACKEND_NOT_FOUND where the storage tells: S3 and rest-server do not. BACKEND_DENIED when files may be added and not removed. */
  remove(file: FileName, signal?: AbortSignal): Promise<void>
  /** Only of storage that keeps files from removal for a time. */
  readonly retention?: Retention
  /** Only of storage where there is more to try than `remove`. `bytes` is what the file holds: written over, it is what it was. */
  readonly destroy?: (file: FileName, bytes: Uint8Array, signal?: AbortSignal) => Promise<Destruction>
}

/** What storage let happen to a file, when somebody tried everything to destroy it. */
export interface Destruction {
  readonly overwriting: 'accepted' | 'refused'
  readonly removal: 'accepted' | 'refused'
  /** Whether the file as it was can still be had: at its place, or by somebody with more rights from an older version. */
  readonly remains: 'in place' | 'as a version' | 'no'
}

/** Storage that refuses to remove a file before its time: S3's Object Lock. */
export interface Retention {
  /** How long a file is kept after its upload. */
  readonly days: number
  /** Keeps a file until `until`, unless it is kept until `enough` already. A longer time is never shortened: `enough` is not after `until`. */
  extend(file: FileName, enough: Date, until: Date, signal?: AbortSignal): Promise<'extended' | 'kept'>
}

/** Path of a file inside the repository, with forward slashes: `data/ab/ab12…`. */
export function filePath({ type, name }: FileName): string {
  if (type === 'config') return 'config'
  return type === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${type}/${name}`
}

/** Whether a directory entry is a file of the repository; everything else is ignored, as restic does. */
export const isFileName = (name: string): boolean => /^[0-9a-f]{64}$/.test(name)
