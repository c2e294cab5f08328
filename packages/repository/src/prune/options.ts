import type { SnapshotId } from '../id.ts'

/** How much space that no point needs may stay: part of the repository in per cent, bytes, or all of it. */
export type MaxUnused = { readonly percent: number } | { readonly bytes: number } | 'unlimited'

/** What a prune may do; the meaning is restic's. */
export interface PruneOptions {
  readonly maxUnused: MaxUnused
  /** Bytes of packs that are repacked at most. */
  readonly maxRepackBytes: number
  /** Repack only packs of trees. */
  readonly repackCacheableOnly: boolean
  /** Repack packs below 80% of the pack size, instead of 80% of 4 MiB. */
  readonly repackSmall: boolean
  /** Compress what is stored raw. */
  readonly repackUncompressed: boolean
  /** Bytes at which a new pack is closed. */
  readonly packSize: number
  /** Snapshots to take for removed: the dry run of a prune after a forget. */
  readonly without: readonly SnapshotId[]
}

export const pruneDefaults = {
  maxUnused: { percent: 5 },
  maxRepackBytes: Infinity,
  repackCacheableOnly: false,
  repackSmall: false,
  repackUncompressed: false,
  packSize: 16 << 20,
  without: [],
} as const satisfies PruneOptions

/** How far a prune is. `delete` is the first phase that cannot be taken back. */
export interface PruneProgress {
  readonly phase: 'snapshots' | 'packs' | 'repack' | 'index' | 'delete'
  readonly done: number
  readonly total: number
}

/** Blobs and bytes by what becomes of them, and packs by what is in them. */
export interface PruneFigures {
  readonly blobs: { readonly used: number; readonly duplicate: number; readonly unused: number }
  readonly bytes: {
    readonly used: number
    readonly duplicate: number
    readonly unused: number
    /** In packs that no index names: left by an interrupted run. */
    readonly unindexed: number
    readonly repack: number
    /** What goes: with whole packs, out of repacked ones, unindexed. */
    readonly freed: number
    /** Needed by no point, and left within `maxUnused`. */
    readonly remainingUnused: number
  }
  readonly packs: {
    readonly used: number
    readonly partlyUsed: number
    readonly unused: number
    readonly unindexed: number
    readonly repack: number
    readonly remove: number
  }
}
