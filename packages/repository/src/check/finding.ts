import type { SnapshotId } from '../id.ts'

/** What is not as it was written. */
export type CheckCode =
  | 'CONFIG_DAMAGED'
  | 'KEY_DAMAGED'
  | 'LOCK_DAMAGED'
  | 'INDEX_DAMAGED'
  /** An index and the header of a pack do not agree, or two indexes about a pack. */
  | 'INDEX_DIFFERS'
  | 'SNAPSHOT_DAMAGED'
  | 'PACK_MISSING'
  | 'PACK_SIZE'
  | 'PACK_DAMAGED'
  | 'BLOB_DAMAGED'
  | 'BLOB_MISSING'
  | 'TREE_DAMAGED'
  | 'FILE_SIZE'
  /** The storage did not give the file back: damage there, or a storage in trouble. */
  | 'UNREADABLE'

/** A file of a snapshot that needs what is damaged. */
export interface Affected {
  readonly snapshot: SnapshotId
  /** `/web-01/disk-0.raw`; a directory whose tree is damaged. */
  readonly path: string
}

/** Something that is not as it was written. */
export interface CheckFinding {
  readonly code: CheckCode
  /** The file concerned, `data/ab/ab12…`; for blobs and trees that are missing, a snapshot that needs them. */
  readonly file: string
  readonly message: string
  /** Of a damaged or missing blob or pack: what cannot be restored for it. Empty when no snapshot needs it. */
  readonly affects?: readonly Affected[]
}
