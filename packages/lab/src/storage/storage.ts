import type { Bitmap, Bytes, Extents } from '@tidemark/blocks'

export interface StorageOptions {
  /** Everything is kept in this directory; it is created when missing. One process at a time may have it open. */
  readonly directory: string
  /** Open files kept at once, at most; files in use at this moment may exceed it. */
  readonly openFiles?: number
}

/** The older and the newer neighbour of a change log, by disk id. */
export interface ChainLink {
  readonly parent: string | undefined
  readonly child: string | undefined
}

/**
 * The disks of the lab's storage repository: copy-on-write, with changed block tracking. Ids are VDI uuids. Sizes,
 * offsets and lengths are bytes, of any alignment. Every call that names an unknown id is rejected with
 * LAB_STORAGE_NOT_FOUND, and every call after disposal with LAB_STORAGE_CLOSED.
 *
 * A resolved change survives the death of the process; only `flush` makes it survive the death of the machine.
 */
export interface Storage extends AsyncDisposable {
  /** Makes a disk that reads as zeros. It costs nothing until written. @throws LabError LAB_STORAGE_EXISTS */
  create(id: string, size: Bytes): Promise<void>
  has(id: string): boolean
  sizeOf(id: string): Bytes
  list(): readonly string[]
  /** Whether the disk is a snapshot: never written again. */
  isFrozen(id: string): boolean
  /** Whether the disk's data can be read: false after `dataDestroy`. */
  hasData(id: string): boolean

  /**
   * Freezes the present content of `source` as `target`. A write is in the snapshot as a whole or not at all. The log
   * of a tracked source moves to the snapshot, and the source goes on with an empty one.
   * @throws LabError LAB_STORAGE_EXISTS, LAB_STORAGE_NO_DATA
   * @see contract/xenapi.md §3.2
   */
  snapshot(source: string, target: string): Promise<void>
  /** A writable, untracked disk with the content of `source`. @throws LabError LAB_STORAGE_EXISTS, LAB_STORAGE_NO_DATA */
  clone(source: string, target: string): Promise<void>
  /**
   * Removes the disk. Its log, if it has one, is merged into the log of its child. Data that other disks need stay.
   * @see contract/xenapi.md §3.4
   */
  destroy(id: string): Promise<void>
  /**
   * Gives up the data of a snapshot and keeps its log. Succeeds without doing anything when that was done before.
   * @throws LabError LAB_STORAGE_FROZEN (the disk is no snapshot), LAB_CBT_OFF (it has no log)
   */
  dataDestroy(id: string): Promise<void>
  /** Grows the disk; new bytes read as zeros and are not marked. @throws LabError LAB_STORAGE_SHRINK, LAB_STORAGE_FROZEN */
  resize(id: string, size: Bytes): Promise<void>

  /** Exactly `length` bytes. @throws LabError LAB_STORAGE_RANGE, LAB_STORAGE_NO_DATA */
  read(id: string, offset: number, length: number): Promise<Uint8Array>
  /** Fills all of `into`, as `read`: for places that are used again. */
  readInto(id: string, offset: number, into: Uint8Array): Promise<void>
  /** The caller leaves `data` alone until the write has resolved. @throws LabError LAB_STORAGE_RANGE, LAB_STORAGE_FROZEN */
  write(id: string, offset: number, data: Uint8Array): Promise<void>
  /** The range reads as zeros afterwards. @throws LabError LAB_STORAGE_RANGE, LAB_STORAGE_FROZEN */
  writeZeroes(id: string, offset: number, length: number): Promise<void>
  /**
   * The whole 64 KiB blocks inside the range read as zeros afterwards and give up their space; what the range covers
   * of other blocks is left as it is, and unmarked. The short block at the end of a disk counts as whole.
   * @throws LabError LAB_STORAGE_RANGE, LAB_STORAGE_FROZEN
   */
  trim(id: string, offset: number, length: number): Promise<void>
  /** Resolves when all that was resolved before is on the medium. */
  flush(id: string): Promise<void>
  /**
   * The part of the disk, between `from` and `to`, that may hold something else than zeros: whole 64 KiB blocks,
   * clipped to the range. Everything else reads as zeros.
   */
  allocatedExtents(id: string, from?: number, to?: number): Promise<Extents>
  /** Bytes that the disk alone occupies, not counting what it shares with others. */
  physicalUtilisation(id: string): Promise<Bytes>
  /** Bytes that disks together occupy, all or those given; what they share counts once. */
  usedSpace(ids?: readonly string[]): Promise<Bytes>
  /** Bytes, at most, that the disk occupies more after a write of that range. */
  growth(id: string, offset: number, length: number): number

  /** Starts an empty log; nothing happens when there is one. @throws LabError LAB_STORAGE_FROZEN */
  enableTracking(id: string): Promise<void>
  /** Deletes the log and cuts the chain before it; nothing happens without one. @throws LabError LAB_STORAGE_FROZEN */
  disableTracking(id: string): Promise<void>
  isTracked(id: string): boolean
  /** The neighbours of the disk's log in its chain; undefined when it has no log. */
  chainLink(id: string): ChainLink | undefined
  /**
   * Which blocks of `to` may differ from `from`. Its length fits the size of `to`; bit order as on the wire, first block
   * in the most significant bit.
   * @throws LabError LAB_CBT_SAME, LAB_CBT_UNRELATED, LAB_CBT_INCONSISTENT
   * @see contract/xenapi.md §3.5
   */
  changedBlocks(from: string, to: string): Promise<Bitmap>
  /**
   * What a host crash does. A writable disk loses its tracking; the log of a snapshot stays but is inconsistent from
   * now on, and so is every comparison that needs it.
   * @throws LabError LAB_CBT_OFF
   * @see contract/xenapi.md §3.6
   */
  breakTracking(id: string): Promise<void>

  /** Resolves when layers that nobody needs any more are merged, which happens in the background. */
  settled(): Promise<void>
}
