import type { Bitmap, Bytes, Extents } from '@tidemark/blocks'
import type { PieceRun } from '@tidemark/repository'
import type { DiskPlan, PlanOptions } from '../plan.ts'
import type { AuditRecord, DiskRecord } from '../vm-record.ts'

/** What a run notes so that another process can go on where it was. Each holds from when it is noted. */
export type CheckpointEntry =
  /** What the run will do, before the snapshot is taken. */
  | {
      readonly kind: 'run'
      /** Of this form; another version's is not read. */
      readonly version: typeof CHECKPOINT_VERSION
      readonly plans: readonly DiskPlan[]
      /** By live disk: ID of the point that it was stored in last. */
      readonly parents: Readonly<Record<string, string>>
      readonly options: PlanOptions
      /** The VM's settings. */
      readonly data: Uint8Array
    }
  /** What the pool says has changed: a bitmap, or none where all is read. */
  | { readonly kind: 'changes'; readonly disk: string; readonly plan: DiskPlan; readonly data: Bitmap | Uint8Array }
  /** The audit is over; `wrong` is the comparison that it led to. */
  | { readonly kind: 'audited'; readonly disk: string; readonly audit: AuditRecord; readonly wrong?: DiskPlan }
  /** A comparison came so far; `differing` is what it found since the entry before. */
  | {
      readonly kind: 'compared'
      readonly disk: string
      readonly to: Bytes
      readonly differing: Extents
      readonly read: Bytes
    }
  /** These pieces are durable in the repository. */
  | {
      readonly kind: 'pieces'
      readonly disk: string
      /** `layoutOf` the plan that they belong to. */
      readonly layout: string
      readonly first: number
      readonly counted: Counted
      /** Packed IDs. */
      readonly data: Uint8Array
    }

export const CHECKPOINT_VERSION = 1

/** Of all tries so far, in bytes. */
export type Counted = Omit<DiskRecord['bytes'], 'changed'>

/** Where a run was when it was cut. */
export interface RunSoFar {
  readonly run: Extract<CheckpointEntry, { kind: 'run' }>
  /** By live disk. */
  readonly disks: ReadonlyMap<string, DiskSoFar>
}

/** Where one disk was. Nothing of it may be known: it was not begun. */
export interface DiskSoFar {
  changes?: { readonly plan: DiskPlan; readonly bitmap: Bitmap | undefined }
  audited?: Extract<CheckpointEntry, { kind: 'audited' }>
  compared?: { readonly to: Bytes; readonly differing: Extents; readonly read: Bytes }
  pieces?: { readonly layout: string; readonly runs: readonly PieceRun[]; readonly counted: Counted }
}

/** Puts together what the entries of a run say. Undefined when they do not begin as those of a run of this version. */
export function soFarOf(entries: readonly CheckpointEntry[]): RunSoFar | undefined {
  const [run, ...rest] = entries
  if (run?.kind !== 'run' || run.version !== CHECKPOINT_VERSION) return undefined
  const disks = new Map<string, DiskSoFar>()
  for (const entry of rest) {
    if (entry.kind === 'run') continue
    const disk = disks.get(entry.disk) ?? {}
    disks.set(entry.disk, disk)
    addTo(disk, entry)
  }
  return { run, disks }
}

function addTo(disk: DiskSoFar, entry: Exclude<CheckpointEntry, { kind: 'run' }>): void {
  switch (entry.kind) {
    case 'changes':
      disk.changes = { plan: entry.plan, bitmap: entry.data.length === 0 ? undefined : entry.data }
      return
    case 'audited':
      disk.audited = entry
      return
    case 'compared':
      disk.compared = { ...entry, differing: [...(disk.compared?.differing ?? []), ...entry.differing] }
      return
    case 'pieces': {
      const { layout, first, counted, data: ids } = entry
      const before = disk.pieces?.layout === layout ? disk.pieces.runs : []
      disk.pieces = { layout, counted, runs: [...before, { first, ids }] }
      return
    }
    default:
      return entry satisfies never
  }
}
