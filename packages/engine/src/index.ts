export { auditDefaults, type AuditOptions } from './audit.ts'
export {
  backupDefaults,
  type BackupContext,
  type BackupOptions,
  type BackupResult,
  type PlannedRun,
} from './backup-context.ts'
export { backupVm, planBackup } from './backup.ts'
export { explainAfresh, type Afresh, type AfreshReason } from './checkpoint/afresh.ts'
export type { CheckpointEntry } from './checkpoint/entry.ts'
export { resumeDefaults, type ResumeOptions } from './checkpoint/limit.ts'
export { bootTest, bootTestDefaults, type BootReport, type BootSign, type BootTestOptions } from './boot.ts'
export { resumableSnapshot } from './checkpoint/take-over.ts'
export { systemClock, type Clock } from './clock.ts'
export { EngineError, type EngineErrorCode } from './error.ts'
export type { BackupEvent, BackupStage, DiskProgress, OnBackup, OnDisk } from './events.ts'
export type { SnapshotHooks } from './hooks.ts'
export {
  inspectPool,
  tidyPool,
  type Inspection,
  type JanitorContext,
  type JanitorOptions,
  type Verdict,
} from './janitor.ts'
export { fileLedger } from './ledger/file-ledger.ts'
export type { Journal, Ledger, RunHeader, RunStep, UnfinishedRun } from './ledger/ledger.ts'
export { noLedger } from './ledger/no-ledger.ts'
export { withPoolBandwidth, type PoolBandwidth } from './limits/bandwidth.ts'
export { limitDefaults, Limits, type LimitOptions, type Wait } from './limits/limits.ts'
export type { OverlayIdentity } from './overlay/map.ts'
export { openOverlay, type WritableImage } from './overlay/overlay.ts'
export {
  canBeTracked,
  explain,
  planDisk,
  type CompareReason,
  type DiskPlan,
  type FullReason,
  type PlanOptions,
  type VmPlan,
} from './plan.ts'
export { chooseVm } from './planner.ts'
export { everyVm, isMarkedNoBackup, selectVms, type LeftOutReason, type Selected } from './select.ts'
export {
  choosePoint,
  isPointOf,
  listPoints,
  openPoint,
  vmNameOf,
  vmOf,
  type OpenPoint,
  type PointFilter,
  type RestorePoint,
} from './points.ts'
export type {
  BaseState,
  Card,
  Changes,
  Chunk,
  Disk,
  DiskSnapshot,
  DiskSource,
  DiskState,
  Leftover,
  LeftSnapshot,
  NewDisk,
  NewVmParts,
  Pool,
  PoolIdentity,
  RestoreTarget,
  SnapshotOptions,
  SourceKind,
  Storage,
  TargetFacts,
  TargetStorage,
  Vm,
  VmSettings,
  VmSnapshot,
} from './pool.ts'
export { restoreToDirectory, type RestoredFile } from './raw-file.ts'
export { chooseDisks, contentOf } from './restore/disks.ts'
export type { Filled, ReadBack } from './restore/fill.ts'
export {
  restoreAsNewVm,
  restoreNewDisks,
  restorePlanned,
  type NewVmOptions,
  type RestoreContext,
  type RestoredDisk,
  type RestoredVm,
} from './restore/new-vm.ts'
export {
  dataOf,
  planNewDisks,
  planNewVm,
  type CardPlacement,
  type DiskPlacement,
  type Mapping,
  type NewVmPlan,
  type Place,
  type Rule,
} from './restore/plan.ts'
export { checkTargets, restoreOver, type OverOptions, type RestoredOver } from './restore/over.ts'
export { openCounterpart, openOther, verifyDisk, type Counterpart, type DiskVerdict } from './verify.ts'
export { type AuditRecord, type DiskRecord, type VmRecord } from './vm-record.ts'
export { markSuspects, suspectsOf } from './suspects.ts'
export { holdUnusual, unusualDefaults } from './unusual.ts'
