import { bytes, type Bytes } from '@tidemark/blocks'
import type { BaseState, Disk, SourceKind, Vm } from './pool.ts'
import type { DiskRecord } from './vm-record.ts'

/** Why a disk is read in full and stored anew. Stable, to branch on; `explain` gives the sentence. */
export type FullReason = 'first-point' | 'new-disk' | 'point-damaged' | 'forced'

/** Why all of a disk is read and compared with its last point. Stable; `explain` gives the sentence. */
export type CompareReason =
  | 'cannot-track'
  | 'tracking-off'
  | 'base-missing'
  | 'base-unusable'
  | 'size-decreased'
  | 'storage-changed'
  | 'disk-replaced'
  | 'bitmap-wrong'

/** What the next run does to one disk. */
export type DiskPlan =
  /** Reads what the pool says has changed. */
  | (PlannedDisk & { readonly action: 'incremental'; readonly base: string; readonly previous: DiskRecord })
  /** Reads all, and stores what differs from the last point: a lost base costs a read, not an upload. */
  | (PlannedDisk & {
      readonly action: 'compare'
      readonly reason: CompareReason
      /** What the pool said, when the reason comes from it. */
      readonly detail: string | undefined
      readonly previous: DiskRecord
    })
  /** Reads and stores all that the repository does not have. */
  | (PlannedDisk & {
      readonly action: 'full'
      readonly reason: FullReason
      /** What the repository said, when the reason comes from it. */
      readonly detail: string | undefined
    })

interface PlannedDisk {
  readonly disk: Disk
  readonly source: SourceKind
  /** About what will leave the pool, in bytes; for an increment what the last one took. */
  readonly estimate: Bytes
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
  const { previous, base, damaged } = history
  if (options.full) return planFull(disk, 'forced', undefined, options)
  if (previous === undefined && damaged !== undefined) return planFull(disk, 'point-damaged', damaged, options)
  if (previous === undefined) return planFull(disk, vmHasPoints ? 'new-disk' : 'first-point', undefined, options)
  const compare = (reason: CompareReason, detail?: string) => planCompare(disk, previous, { reason, detail }, options)
  if (previous.vdi !== disk.vdiUuid) return compare('disk-replaced', `${previous.vdi} before`)
  const { canTrack, whyUntracked } = disk.storage
  if (!canTrack) return compare('cannot-track', whyUntracked ?? 'the driver of its storage repository has none')
  if (!disk.tracked) return whyUntracked === undefined ? compare('tracking-off') : compare('cannot-track', whyUntracked)
  if (disk.storage.uuid !== previous.storage.uuid) return compare('storage-changed')
  if (disk.size < previous.size) return compare('size-decreased', `${previous.size} bytes before, ${disk.size} now`)
  if (base === undefined || base.state === 'missing' || previous.snapshot === null) return compare('base-missing')
  if (base.state === 'unusable') return compare('base-unusable', base.detail)
  const estimate = previous.action === 'full' ? bytes(0) : previous.bytes.changed
  return { action: 'incremental', disk, base: previous.snapshot, source: 'nbd', previous, estimate }
}

function planFull(
  disk: Disk,
  reason: FullReason,
  detail: string | undefined,
  options: Pick<PlanOptions, 'source'>,
): DiskPlan {
  const source = options.source ?? fullSource(disk.size)
  return { action: 'full', disk, reason, detail, source, estimate: wholeDisk(disk, source) }
}

/** The plan for a disk whose changes since its last point are unknown. */
export function planCompare(
  disk: Disk,
  previous: DiskRecord,
  why: { readonly reason: CompareReason; readonly detail: string | undefined },
  options: Pick<PlanOptions, 'source'> = { source: undefined },
): DiskPlan {
  const source = options.source ?? fullSource(disk.size)
  return { action: 'compare', disk, ...why, previous, source, estimate: wholeDisk(disk, source) }
}

/** Holes leave the pool only where the source does not show them. */
const wholeDisk = ({ size, used }: Disk, source: SourceKind): Bytes =>
  source === 'vhd' && used !== undefined && used < size ? used : size

/** Whether tracking can be switched on for a disk where it is off. */
export const canBeTracked = ({ storage }: Disk): boolean => storage.canTrack && storage.whyUntracked === undefined

/** The way to read a whole disk of `size` that moves the least. */
const fullSource = (size: Bytes): SourceKind => (size <= VHD_SIZE_MAX ? 'vhd' : 'nbd')

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
  'disk-replaced': 'the VM has another disk in this place: it was reverted, moved or exchanged',
  'bitmap-wrong': 'blocks that the pool calls unchanged have changed: its tracking cannot be trusted',
} as const satisfies Record<FullReason | CompareReason, string>

/** What the next run of a VM does. */
export interface VmPlan {
  readonly vm: Vm
  readonly disks: readonly DiskPlan[]
}
