import type { Bytes } from '@tidemark/blocks'
import type { BaseState, Disk, SourceKind, Vm } from './pool.ts'
import type { DiskRecord } from './vm-record.ts'

/** Why a disk is read in full. Stable, to branch on; `explain` gives the sentence. */
export type FullReason =
  | 'first-point'
  | 'new-disk'
  | 'point-damaged'
  | 'forced'
  | 'cannot-track'
  | 'tracking-off'
  | 'base-missing'
  | 'base-unusable'
  | 'size-decreased'
  | 'storage-changed'

/** What the next run does to one disk. */
export type DiskPlan =
  | {
      readonly action: 'incremental'
      readonly disk: Disk
      readonly base: string
      readonly source: SourceKind
      readonly previous: DiskRecord
    }
  | {
      readonly action: 'full'
      readonly disk: Disk
      readonly reason: FullReason
      /** What the pool said, when the reason comes from it. */
      readonly detail: string | undefined
      readonly source: SourceKind
    }

/** What decides about one disk: the newest restore point that has it, and the pool's word on that point's snapshot. */
export interface DiskHistory {
  readonly previous: DiskRecord | undefined
  readonly base: BaseState | undefined
  /** What is wrong with newer points that could have served. */
  readonly damaged?: string | undefined
}

export interface PlanOptions {
  /** Read everything, whatever the tracking says. */
  readonly full: boolean
  /** How to read a disk in full; without it a VHD stream, which shows the holes, while the format allows the size. */
  readonly source: SourceKind | undefined
}

/** VHD's own limit is 2040 GiB; vhd-tool refuses more with VDI_TOO_LARGE. */
const VHD_SIZE_MAX = 2040 * 1024 ** 3

/** Decides for one disk. Pure: everything it depends on comes in. */
export function planDisk(disk: Disk, history: DiskHistory, options: PlanOptions, vmHasPoints: boolean): DiskPlan {
  const full = (reason: FullReason, detail?: string): DiskPlan => ({
    action: 'full',
    disk,
    reason,
    detail,
    source: options.source ?? fullSource(disk.size),
  })
  const { previous, base, damaged } = history
  if (options.full) return full('forced')
  if (previous === undefined && damaged !== undefined) return full('point-damaged', damaged)
  if (previous === undefined) return full(vmHasPoints ? 'new-disk' : 'first-point')
  const { canTrack, whyUntracked } = disk.storage
  if (!canTrack) return full('cannot-track', whyUntracked ?? 'the driver of its storage repository has none')
  if (!disk.tracked) return whyUntracked === undefined ? full('tracking-off') : full('cannot-track', whyUntracked)
  if (disk.storage.uuid !== previous.storage.uuid) return full('storage-changed')
  if (disk.size < previous.size) return full('size-decreased', `${previous.size} bytes before, ${disk.size} now`)
  if (base === undefined || base.state === 'missing' || previous.snapshot === null) return full('base-missing')
  if (base.state === 'unusable') return full('base-unusable', base.detail)
  return { action: 'incremental', disk, base: previous.snapshot, source: 'nbd', previous }
}

/** Whether tracking can be switched on for a disk where it is off. */
export const canBeTracked = ({ storage }: Disk): boolean => storage.canTrack && storage.whyUntracked === undefined

/** The way to read a whole disk of `size` that moves the least. */
export const fullSource = (size: Bytes): SourceKind => (size <= VHD_SIZE_MAX ? 'vhd' : 'nbd')

/** The plan as a sentence for people. */
export function explain(plan: DiskPlan): string {
  if (plan.action === 'incremental') return 'changed block tracking is intact since the last restore point'
  const detail = plan.detail === undefined ? '' : ` (${plan.detail})`
  return sentences[plan.reason] + detail
}

const sentences = {
  'first-point': 'this VM has no restore point in the repository yet',
  'new-disk': 'this disk is in no restore point yet',
  'point-damaged': 'the restore points that hold this disk are damaged; run tidemark check',
  forced: 'a full read was asked for',
  'cannot-track': 'changed block tracking is not possible',
  'tracking-off': 'changed block tracking was off; it is switched on for the next run',
  'base-missing': "the last restore point's snapshot is no longer on the pool",
  'base-unusable': "the last restore point's snapshot cannot serve as base",
  'size-decreased': 'the disk is smaller than it was',
  'storage-changed': 'the disk moved to another storage repository',
} as const satisfies Record<FullReason, string>

/** What the next run of a VM does. */
export interface VmPlan {
  readonly vm: Vm
  readonly disks: readonly DiskPlan[]
}
