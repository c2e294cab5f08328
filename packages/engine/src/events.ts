import type { Bytes } from '@tidemark/blocks'
import type { DiskPlan, VmPlan } from './plan.ts'

/** What a backup tells while it runs. The plan always comes before the first byte is read. */
export type BackupEvent =
  | { readonly type: 'plan'; readonly plan: VmPlan }
  /** The pool could not tell the changes after all: this disk is read in full, and why. Comes before it is read. */
  | { readonly type: 'replan'; readonly plan: DiskPlan }
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
