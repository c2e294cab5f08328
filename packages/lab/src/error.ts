/** What went wrong inside the lab. Stable, to branch on; texts are free to improve. */
export type LabErrorCode =
  /** No disk has this id. */
  | 'LAB_STORAGE_NOT_FOUND'
  /** A disk with this id exists already. */
  | 'LAB_STORAGE_EXISTS'
  /** Bytes past the end of the disk. */
  | 'LAB_STORAGE_RANGE'
  /** A snapshot is not written, resized, or given or deprived of tracking. */
  | 'LAB_STORAGE_FROZEN'
  /** The data of this snapshot were destroyed; only its change log is left. */
  | 'LAB_STORAGE_NO_DATA'
  /** A disk never shrinks. */
  | 'LAB_STORAGE_SHRINK'
  /** A file of the storage is missing, short or unreadable. */
  | 'LAB_STORAGE_DAMAGED'
  /** The storage repository has no room for what is to be written. */
  | 'LAB_STORAGE_FULL'
  /** The storage repository is out of reach, or its medium is broken. */
  | 'LAB_STORAGE_IO'
  /** The storage, or the guest exports, were closed. */
  | 'LAB_STORAGE_CLOSED'
  /** Change tracking is off, where it is needed. */
  | 'LAB_CBT_OFF'
  /** `changedBlocks` was asked to compare a disk with itself. */
  | 'LAB_CBT_SAME'
  /** `changedBlocks`: no chain of logs leads from the older disk to the newer one. */
  | 'LAB_CBT_UNRELATED'
  /** `changedBlocks`: a log on the way cannot be trusted. */
  | 'LAB_CBT_INCONSISTENT'
  /** A qcow2 image that contradicts itself or its form. */
  | 'LAB_QCOW2_DAMAGED'
  /** A qcow2 image that cannot be read as a stream, or that needs other files. */
  | 'LAB_QCOW2_UNSUPPORTED'
  /** The journal of the pool's objects has a line that cannot be understood. */
  | 'LAB_DATABASE_DAMAGED'
  /** The options of the lab contradict each other, or what the machine offers. */
  | 'LAB_OPTIONS'
  /** The pool's objects were changed after the lab had stopped. */
  | 'LAB_DATABASE_CLOSED'
  /** Another process has the lab directory open. */
  | 'LAB_IN_USE'
  /** The control interface was asked for something that it does not know, or cannot be reached. */
  | 'LAB_CONTROL'
  /** A fault plan cannot be understood; the message names the entry. */
  | 'LAB_FAULT_PLAN'
  /** Faults that were planned never happened. */
  | 'LAB_FAULT_UNFIRED'
  /** The machine of a VM cannot be emulated here, or qemu refused something. */
  | 'LAB_MACHINE'

/** The one error class of this package. */
export class LabError extends Error {
  override readonly name = 'LabError'
  readonly code: LabErrorCode

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
