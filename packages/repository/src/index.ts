export {
  filePath,
  type Backend,
  type Destruction,
  type FileName,
  type FileRange,
  type FileType,
  type ListedFile,
  type Retention,
} from './backends/backend.ts'
export { withoutRemoval } from './backends/append-only.ts'
export { withBandwidth, type Bandwidth } from './backends/bandwidth.ts'
export { withConnections } from './backends/connections.ts'
export { localBackend } from './backends/local.ts'
export { hasScheme, parseLocation, type StorageLocation } from './backends/location.ts'
export { memoryBackend, type MemoryBackend } from './backends/memory.ts'
export { BlobIndex, type BlobLocation, type IndexEntry } from './blob-index.ts'
export { restBackend, restDefaults, type RestOptions } from './backends/rest.ts'
export { retryDefaults, withRetry, type RetryOptions, type RetryPause } from './backends/retry.ts'
export { s3Backend, s3Defaults, type ObjectLock, type S3Options } from './backends/s3.ts'
export { openBackend, storageDefaults, type StorageOptions } from './backends/storage.ts'
export type { CheckOptions, CheckReport } from './check/check.ts'
export type { CheckProgress } from './check/context.ts'
export type { CheckFinding } from './check/finding.ts'
export { assertSubset, type DataSubset } from './check/subset.ts'
export { systemClock, type Clock } from './clock.ts'
export { compareContent, wholePieces } from './disk/compare.ts'
export { contentOf, type DiskContent } from './disk/content.ts'
export { dataExtents } from './disk/data-extents.ts'
export { readFileExtents, type FileChunk } from './disk/file-source.ts'
export { writeToFile } from './disk/file-target.ts'
export { gridFor, type Grid } from './disk/grid.ts'
export { imageDefaults, openImage, type DiskImage, type ImageExtent, type ImageOptions } from './disk/image.ts'
export { PieceLog, type PieceRun } from './disk/pieces.ts'
export { planContent, type ContentPlan, type PlanOptions } from './disk/plan.ts'
export { readContent, readExtents, type DiskChunk, type ReadOptions } from './disk/read.ts'
export { continueContent, layoutOf } from './disk/resume.ts'
export type { SourceChunk } from './disk/source.ts'
export { writeContent, type WriteProgress, type WrittenContent } from './disk/write.ts'
export { isRepositoryError, RepositoryError, type BackendErrorCode, type RepositoryErrorCode } from './error.ts'
export { listCache, removeCache, type CachedRepository } from './index-cache/directory.ts'
export type { KdfParameters } from './format/kdf.ts'
export type { NewSnapshot, Snapshot, SnapshotSummary } from './format/snapshot.ts'
export type { NodeType, TreeNode } from './format/tree.ts'
export { blobId, snapshotId, type BlobId, type BlobType, type SnapshotId } from './id.ts'
export type { LockKind, LockOwner, RepositoryLock } from './lock.ts'
export {
  initRepository,
  openRepository,
  repositoryDefaults,
  type CacheOptions,
  type RepositoryOptions,
} from './open.ts'
export { loadFile, loadPoint, loadTree, type Point, type PointDisk } from './point.ts'
export { savePoint, type NewPoint, type NewPointDisk } from './save-point.ts'
export { assertRemovable, probeProtection, type Protection } from './protection.ts'
export { renewRetention, type Renewed, type RenewOptions } from './renew-retention.ts'
export type { BlobStore, Repository, SavedBlob } from './repository.ts'
export type { BlobReader } from './reader.ts'
export type { BlobWriter, Tally } from './writer.ts'
export { forget, planForget, type ForgetPlan, type ForgetRequest } from './retention/forget.ts'
export { parseGroupBy, type GroupBy, type SnapshotFilter } from './retention/group.ts'
export {
  judge,
  parseSpan,
  type JudgeOptions,
  type KeepCount,
  type KeepRules,
  type Verdict,
} from './retention/keep-rules.ts'
export type { Span } from './retention/point-time.ts'
export {
  pruneDefaults,
  type MaxUnused,
  type PruneFigures,
  type PruneOptions,
  type PruneProgress,
} from './prune/options.ts'
export { prune, pruneFigures } from './prune/prune.ts'
export { dump } from './browse/dump.ts'
export { findBlobs, findNames, type BlobQuery, type Found } from './browse/find.ts'
export { entryAt, listEntries, walkTree, type Entry } from './browse/walk.ts'
export { copySnapshots, type CopyProgress, type CopyReport } from './copy/copy.ts'
export { addKey, changePassword, listKeys, removeKey, type KeyInfo } from './keys/keys.ts'
export { sharesOf, statsOf, type Share, type Stats, type StatsProgress } from './stats/stats.ts'
export { changeTags, type Retagged, type TagChange } from './tags/tags.ts'
export { tokenBucket, type TokenBucket } from './token-bucket.ts'
export { repairIndex, type IndexRepair, type RepairIndexProgress } from './repair/repair-index.ts'
export { repairPacks, type PacksRepair } from './repair/repair-packs.ts'
export { repairSnapshots, type SnapshotRepair } from './repair/repair-snapshots.ts'
