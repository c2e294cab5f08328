import type { Repository } from '@tidemark/repository'
import { auditDefaults, type AuditOptions } from './audit.ts'
import { resumeDefaults, type ResumeOptions } from './checkpoint/limit.ts'
import type { Clock } from './clock.ts'
import type { OnBackup } from './events.ts'
import type { SnapshotHooks } from './hooks.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Limits } from './limits/limits.ts'
import type { PlanOptions } from './plan.ts'
import type { PlannedVm } from './planner.ts'
import type { RestorePoint } from './points.ts'
import type { Disk, Pool } from './pool.ts'
import { unusualDefaults, type UnusualOptions } from './unusual.ts'
import type { VmRecord } from './vm-record.ts'

export interface BackupOptions extends PlanOptions {
  /** Which disks of the VM; the others are left out of the snapshot. */
  readonly include: (disk: Disk) => boolean
  /** Added to the point's own tags. No commas. */
  readonly tags: readonly string[]
  /** Take the snapshot although it might fill the storage. */
  readonly ignoreSpace: boolean
  /** How much of what the pool calls unchanged is read and compared; undefined for nothing. */
  readonly audit: AuditOptions | undefined
  /** From which size on changes are unusual; undefined for never. */
  readonly unusual: UnusualOptions | undefined
  /** How a run that is cut is gone on with; undefined for never: neither is an earlier one, nor is this one to be. */
  readonly resume: ResumeOptions | undefined
}

export const backupDefaults: BackupOptions = {
  full: false,
  source: undefined,
  include: () => true,
  tags: [],
  ignoreSpace: false,
  audit: auditDefaults,
  unusual: unusualDefaults,
  resume: resumeDefaults,
}

/** The parts that a run works with. */
export interface BackupContext {
  readonly pool: Pool
  readonly repository: Repository
  readonly clock: Clock
  /** Name and version, for the record: `tidemark 0.1.0`. */
  readonly tool: string
  /** Remembers what a run makes on the pool, for when it is killed. */
  readonly ledger: Ledger
  /** What this run shares with others of the same pool that this process makes meanwhile. Without, it is alone. */
  readonly limits?: Limits
  /** What is done around the snapshot of a VM. */
  readonly hooks?: SnapshotHooks
  readonly on: OnBackup
}

export interface BackupResult {
  readonly point: RestorePoint
  readonly record: VmRecord
  /** False when somebody should look, as `attention` events said. */
  readonly clean: boolean
}

export interface PlannedRun extends PlannedVm {
  /** The VM's restore points, oldest first. */
  readonly history: readonly RestorePoint[]
}
