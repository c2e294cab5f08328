/** What went wrong in a backup, a restore or a verification. Stable, to branch on; the sentence says what to do. */
export type EngineErrorCode =
  /** No VM of that name or UUID on the pool. */
  | 'ENGINE_VM_UNKNOWN'
  /** Several VMs share the name; a UUID is needed. */
  | 'ENGINE_VM_AMBIGUOUS'
  /** A snapshot might fill the storage. */
  | 'ENGINE_NO_SPACE'
  /** No VM has a disk on such a storage. */
  | 'ENGINE_STORAGE_UNKNOWN'
  /** The VM has no disk that could be backed up, or the selection leaves none. */
  | 'ENGINE_NO_DISKS'
  /** The VM is in a state that cannot be backed up rightly. */
  | 'ENGINE_VM_STATE'
  /** No disk of that position, name or UUID. */
  | 'ENGINE_DISK_UNKNOWN'
  /** No restore point fits the selector. */
  | 'ENGINE_POINT_UNKNOWN'
  /** Several restore points fit the prefix. */
  | 'ENGINE_POINT_AMBIGUOUS'
  /** A snapshot of the repository that is no restore point of ours, or one with parts missing. */
  | 'ENGINE_POINT_DAMAGED'
  /** get_nbd_info is empty: no network of the pool carries an NBD purpose that reaches the disk. */
  | 'ENGINE_NO_NBD'
  /** The pool's answer does not fit what was asked: a disk without snapshot, a stream that ends early. */
  | 'ENGINE_SOURCE'
  /** The place to restore to cannot take the data: wrong size, in use, no such SR, file exists. */
  | 'ENGINE_TARGET'
  /** A disk read back differs from the restore point. */
  | 'ENGINE_MISMATCH'
  /** A restored VM did not start, or its guest gave no sign in time. */
  | 'ENGINE_BOOT'
  /** An object of the pool is still busy after all retries. */
  | 'ENGINE_BUSY'
  /** A task of the pool stood still and was given up; what it was to make is not there, and may be made yet. */
  | 'ENGINE_LATE'

/** The one error class of this package. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether a piece of work ended before something that it had asked for, which may be made yet. */
export function isLate(error: unknown): boolean {
  if (error instanceof SuppressedError) return isLate(error.error) || isLate(error.suppressed)
  return error instanceof EngineError && error.code === 'ENGINE_LATE'
}
