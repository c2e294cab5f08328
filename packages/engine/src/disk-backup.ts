import {
  bytes,
  changedExtents,
  clip,
  emptyBitmap,
  extent,
  toBitmap,
  totalLength,
  type Bitmap,
  type Bytes,
  type Extents,
} from '@tidemark/blocks'
import {
  compareContent,
  gridFor,
  planContent,
  writeContent,
  type DiskContent,
  type NewPointDisk,
  type Repository,
} from '@tidemark/repository'
import { auditDisk, planAudit, type AuditOptions } from './audit.ts'
import { EngineError } from './error.ts'
import type { DiskProgress, OnDisk } from './events.ts'
import { explain, planCompare, type DiskPlan } from './plan.ts'
import type { DiskParent } from './planner.ts'
import type { Chunk, Disk, DiskSnapshot, DiskSource, SourceKind } from './pool.ts'
import type { AuditRecord, DiskRecord } from './vm-record.ts'

/** A disk with what is to be read of it. */
export interface DiskWork {
  readonly plan: DiskPlan
  readonly frozen: DiskSnapshot
  /** For increments: what the pool says has changed since the base. */
  readonly bitmap: Bitmap | undefined
  /** Where the disk was stored last; undefined for a full read. */
  readonly parent: DiskParent | undefined
  /** What of the unchanged rest is compared; undefined for nothing. */
  readonly audit: AuditOptions | undefined
}

export interface DiskDone {
  readonly record: DiskRecord
  readonly stored: NewPointDisk
}

/** What happens to a disk while it is read. */
export interface DiskListener {
  readonly onDisk: OnDisk
  /** Blocks that the pool called unchanged are not: all of the disk is read and compared. Comes before that. */
  readonly onWrong: (plan: DiskPlan, differing: Extents) => void
}

/** Reads one frozen disk into the repository: what changed over its parent, or all of it. */
export async function backupDisk(
  repository: Repository,
  work: DiskWork,
  listener: DiskListener,
  signal: AbortSignal,
): Promise<DiskDone> {
  const { plan, parent } = work
  if (plan.action === 'full' || parent === undefined) return readAll(repository, work, listener.onDisk, signal)
  if (plan.action === 'compare') return compareDisk(repository, work, parent, listener.onDisk, signal)
  return readChanged(repository, work, parent, listener, signal)
}

async function readAll(repository: Repository, work: DiskWork, onDisk: OnDisk, signal: AbortSignal): Promise<DiskDone> {
  await using source = await openDisk(work, work.plan.source, signal)
  return await readInto(repository, work, { source, base: undefined, changed: 'all', compared: 0 }, onDisk, signal)
}

/** Reads what the pool calls changed, after a look at whether the rest is as the repository has it. */
async function readChanged(
  repository: Repository,
  work: DiskWork,
  parent: DiskParent,
  { onDisk, onWrong }: DiskListener,
  signal: AbortSignal,
): Promise<DiskDone> {
  const { frozen, bitmap = emptyBitmap(frozen.size), audit: options } = work
  const changed = changedExtents(bitmap, frozen.size) // planContent adds what the disk grew by: that is marked only when written
  const isSame = changed.length === 0 && frozen.size === parent.record.size
  if (options === undefined && isSame) return keepDisk(work, parent, onDisk)
  const base = await parent.stored.content(signal)
  await using source = await openDisk(work, work.plan.source, signal)
  const audit = options === undefined ? undefined : planAudit(base.size, parent.record.audit, options, frozen.uuid)
  const found = audit && (await auditDisk(repository, base, source, { plan: audit, changed }, signal))
  if (found !== undefined && found.differing.length > 0) {
    const detail = `${found.record.differing} bytes at ${found.differing[0]?.offset ?? 0} and behind`
    const plan = planCompare(work.plan.disk, parent.record, { reason: 'bitmap-wrong', detail }, { source: 'nbd' })
    onWrong(plan, found.differing)
    const done = await compareDisk(repository, { ...work, plan }, parent, onDisk, signal)
    return withAudit(done, found.record)
  }
  if (isSame) return withAudit(keepDisk(work, parent, onDisk), found?.record)
  const done = await readInto(repository, work, { source, base, changed, compared: 0 }, onDisk, signal)
  return withAudit(done, found?.record)
}

const withAudit = (done: DiskDone, audit: AuditRecord | undefined): DiskDone =>
  audit === undefined ? done : { ...done, record: { ...done.record, audit } }

/** Reads all of a disk and finds what differs from its parent; then that is read again, as an increment is. */
async function compareDisk(
  repository: Repository,
  work: DiskWork,
  parent: DiskParent,
  onDisk: OnDisk,
  signal: AbortSignal,
): Promise<DiskDone> {
  const { frozen, plan } = work
  const base = await parent.stored.content(signal)
  const meter = { read: 0 }
  const bitmap = await (async () => {
    await using source = await openDisk(work, plan.source, signal)
    const common = [extent(0, Math.min(base.size, frozen.size))]
    const total = totalLength(common)
    const onCompared = (moved: Bytes) => onDisk({ ...idle(plan.disk), stage: 'comparing', moved, total })
    const chunks = metered(source.read(common, signal), meter)
    return await compareContent(repository, base, common, chunks, onCompared, signal)
  })()
  const changed = clip(changedExtents(bitmap, base.size), frozen.size)
  const known = { ...work, bitmap: toBitmap(changed, frozen.size) }
  if (changed.length === 0 && frozen.size === base.size) {
    const kept = keepDisk(known, parent, onDisk)
    return { ...kept, record: { ...kept.record, bytes: { ...kept.record.bytes, read: bytes(meter.read) } } }
  }
  await using source = await openChanges(work, signal)
  return await readInto(repository, known, { source, base, changed, compared: meter.read }, onDisk, signal)
}

/** Over NBD single blocks can be read; where the pool has none, all of the disk is streamed again. */
async function openChanges(work: DiskWork, signal: AbortSignal): Promise<DiskSource> {
  try {
    return await openDisk(work, 'nbd', signal)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'ENGINE_NO_NBD') throw error
    return openDisk(work, work.plan.source, signal)
  }
}

async function openDisk({ plan, frozen }: DiskWork, kind: SourceKind, signal: AbortSignal): Promise<DiskSource> {
  const source = await frozen.open(kind, signal)
  if (source.size === frozen.size) return source
  await source[Symbol.asyncDispose]()
  throw new EngineError(
    'ENGINE_SOURCE',
    `disk ${plan.disk.position} has ${frozen.size} bytes, but its ${kind} source shows ${source.size}; run the backup again`,
  )
}

interface ReadPlan {
  readonly source: DiskSource
  /** What the unchanged rest comes from; undefined for a full read. */
  readonly base: DiskContent | undefined
  readonly changed: Extents | 'all'
  /** Bytes that were read already, to find what changed. */
  readonly compared: number
}

async function readInto(
  repository: Repository,
  work: DiskWork,
  { source, base, changed, compared }: ReadPlan,
  onDisk: OnDisk,
  signal: AbortSignal,
): Promise<DiskDone> {
  const { disk } = work.plan
  const { size } = work.frozen
  const layout = planContent(base, size, changed, gridFor(size))
  const total = totalLength(layout.reads)
  const meter = { read: compared }
  const report = (progress: Partial<DiskProgress>) => onDisk({ ...idle(disk), total, ...progress })
  report({})
  const result = await writeContent(
    repository,
    layout,
    metered(source.read(layout.reads, signal), meter),
    (now) => report({ moved: now.done, new: now.bytesNew, stored: now.bytesStored }),
    signal,
  )
  const counted = { read: bytes(meter.read), new: bytes(result.bytesNew), stored: bytes(result.bytesStored) }
  report({ stage: 'done', moved: total, new: counted.new, stored: counted.stored })
  return {
    record: diskRecord(work, { changed: total, ...counted }),
    stored: { ...placeOf(work), content: result.content },
  }
}

/** Counts what was transferred: holes were not. */
async function* metered(chunks: AsyncIterable<Chunk>, meter: { read: number }): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    if (chunk.data !== 'zero') meter.read += chunk.data.length
    yield chunk
  }
}

/** Nothing changed: the parent's entry is taken over as it is. */
function keepDisk(work: DiskWork, parent: DiskParent, onDisk: OnDisk): DiskDone {
  onDisk({ ...idle(work.plan.disk), stage: 'done' })
  const none = bytes(0)
  return {
    record: diskRecord(work, { changed: none, read: none, new: none, stored: none }),
    stored: { ...placeOf(work), unchangedFrom: parent.stored },
  }
}

const placeOf = ({ plan: { disk }, bitmap }: DiskWork) => ({
  position: disk.position,
  vdiUuid: disk.vdiUuid,
  ...(bitmap === undefined ? {} : { bitmap }),
})

const idle = (disk: Disk): DiskProgress => ({
  position: disk.position,
  name: disk.name,
  stage: 'reading',
  moved: bytes(0),
  total: bytes(0),
  new: bytes(0),
  stored: bytes(0),
})

function diskRecord({ plan, frozen }: DiskWork, counted: DiskRecord['bytes']): DiskRecord {
  const { disk } = plan
  const { uuid, name, type } = disk.storage
  return {
    position: disk.position,
    vdi: disk.vdiUuid,
    name: disk.name,
    size: frozen.size,
    storage: { uuid, name, type },
    snapshot: frozen.tracked ? frozen.uuid : null,
    base: plan.action === 'incremental' ? plan.base : null,
    action: plan.action,
    reason: plan.action === 'incremental' ? explain(plan) : `${plan.reason}: ${explain(plan)}`,
    source: plan.source,
    bytes: counted,
  }
}
