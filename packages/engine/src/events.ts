import type { Bytes, Extents } from '@tidemark/blocks'
import type { Afresh } from './checkpoint/afresh.ts'
import type { Verdict } from './janitor.ts'
import type { Wait } from './limits/limits.ts'
import type { DiskPlan, VmPlan } from './plan.ts'
import type { DiskRecord, IncompressibleRecord, UnusualRecord } from './vm-record.ts'

/** What a backup tells while it runs. The plan always comes before the first byte is read. */
export type BackupEvent =
  | { readonly type: 'plan'; readonly plan: VmPlan }
  /** The pool could not tell the changes after all: all of this disk is read, and why. Comes before it is read. */
  | { readonly type: 'replan'; readonly plan: DiskPlan }
  /** Blocks that the pool called unchanged are not: the disk is compared as a whole. Earlier points may lack changes. */
  | { readonly type: 'wrong-bitmap'; readonly plan: DiskPlan; readonly differing: Extents }
  /** After a wrong bitmap: IDs of the earlier points that may lack changes, oldest first. */
  | { readonly type: 'suspects'; readonly points: readonly string[] }
  /** Far more of a disk changed than in the runs before: encrypted by somebody, or a log that ran away. The point is made. */
  | { readonly type: 'unusual'; readonly disk: DiskRecord; readonly unusual: UnusualRecord }
  /** Next to nothing of what is new compresses, where it usually does: it may be being encrypted. The point is made. */
  | { readonly type: 'incompressible'; readonly disk: DiskRecord; readonly incompressible: IncompressibleRecord }
  /** What an earlier run left of this VM's snapshots, and what becomes of it. */
  | { readonly type: 'leftover'; readonly verdict: Verdict }
  /** An earlier run was cut; this one goes on with its snapshot, for the `times`th time. */
  | { readonly type: 'resumed'; readonly takenAt: Date; readonly times: number }
  /** An earlier run was cut, and this one begins anew. */
  | { readonly type: 'afresh'; readonly why: Afresh }
  /** This run was cut. Its snapshot stays on the pool until then, for the next run to go on with. */
  | { readonly type: 'cut'; readonly until: Date }
  /** A limit is reached: it goes on when another run, or another disk, is done. */
  | { readonly type: 'waiting'; readonly wait: Wait }
  | { readonly type: 'stage'; readonly stage: BackupStage }
  | { readonly type: 'disk'; readonly progress: DiskProgress }
  /** Done, but somebody should look. */
  | { readonly type: 'attention'; readonly message: string; readonly cause: unknown }

export type BackupStage = 'tracking' | 'metadata' | 'snapshot' | 'disks' | 'saving' | 'clean-up'

/** Where one disk stands. All sizes in bytes. */
export interface DiskProgress {
  readonly position: number
  readonly name: string
  readonly stage: 'reading' | 'writing' | 'comparing' | 'done'
  /** Read from the pool (backup, comparison) or written to the target (restore). */
  readonly moved: Bytes
  readonly total: Bytes
  /** New to the repository, before and after compression. Zero where nothing is stored. */
  readonly new: Bytes
  readonly stored: Bytes
}

export type OnBackup = (event: BackupEvent) => void
export type OnDisk = (progress: DiskProgress) => void
