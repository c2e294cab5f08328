import {
  bytes,
  changedExtents,
  clip,
  emptyBitmap,
  extent,
  intersect,
  normalize,
  toBitmap,
  totalLength,
  type Bitmap,
  type Bytes,
  type Extents,
} from '@tidemark/blocks'
import {
  compareContent,
  continueContent,
  gridFor,
  layoutOf,
  PieceLog,
  planContent,
  writeContent,
  type ContentPlan,
  type DiskContent,
  type NewPointDisk,
  type Repository,
  type WriteProgress,
} from '@tidemark/repository'
import { auditDisk, planAudit, type AuditOptions } from './audit.ts'
import { EngineError } from './error.ts'
import type { DiskProgress, OnDisk } from './events.ts'
import type { CheckpointEntry, Counted, DiskSoFar } from './checkpoint/entry.ts'
import type { CheckpointKeeper } from './checkpoint/keeper.ts'
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
  /** Where an earlier try of the same run was. */
  readonly soFar: DiskSoFar
  readonly keeper: CheckpointKeeper
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
  const layout = await layoutFor(repository, work, undefined, 'all', signal)
  await using source = await openRest(work, layout, signal)
  return await readInto(repository, work, { source, layout, compared: 0 }, onDisk, signal)
}

/** Reads what the pool calls changed, after a look at whether the rest is as the repository has it. */
async function readChanged(
  repository: Repository,
  work: DiskWork,
  parent: DiskParent,
  { onDisk, onWrong }: DiskListener,
  signal: AbortSignal,
): Promise<DiskDone> {
  const { frozen, bitmap = emptyBitmap(frozen.size), audit: options, soFar, keeper } = work
  const changed = changedExtents(bitmap, frozen.size) // planContent adds what the disk grew by: that is marked only when written
  const isSame = changed.length === 0 && frozen.size === parent.record.size
  if (options === undefined && isSame) return keepDisk(work, parent, onDisk)
  if (soFar.audited?.wrong !== undefined) {
    const done = await compareDisk(repository, { ...work, plan: soFar.audited.wrong }, parent, onDisk, signal)
    return withAudit(done, soFar.audited.audit)
  }
  const base = await parent.stored.content(signal)
  await using source = await openDisk(work, work.plan.source, signal)
  const isAudited = options === undefined || soFar.audited !== undefined
  const audit = isAudited ? undefined : planAudit(base.size, parent.record.audit, options, frozen.uuid)
  const found = audit && (await auditDisk(repository, base, source, { plan: audit, changed }, signal))
  const auditRecord = found?.record ?? soFar.audited?.audit
  const disk = work.plan.disk.vdiUuid
  if (found !== undefined && found.differing.length > 0) {
    const detail = `${found.record.differing} bytes at ${found.differing[0]?.offset ?? 0} and behind`
    const plan = planCompare(work.plan.disk, parent.record, { reason: 'bitmap-wrong', detail }, { source: 'nbd' })
    onWrong(plan, found.differing)
    await keeper.note({ kind: 'audited', disk, audit: found.record, wrong: plan })
    await source[Symbol.asyncDispose]() // its connections: the comparison waits for some when a host has no more
    const done = await compareDisk(repository, { ...work, plan }, parent, onDisk, signal)
    return withAudit(done, found.record)
  }
  if (found !== undefined) await keeper.note({ kind: 'audited', disk, audit: found.record })
  if (isSame) return withAudit(keepDisk(work, parent, onDisk), auditRecord)
  const layout = await layoutFor(repository, work, base, changed, signal)
  const done = await readInto(repository, work, { source, layout, compared: 0 }, onDisk, signal)
  return withAudit(done, auditRecord)
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
  const { frozen } = work
  const base = await parent.stored.content(signal)
  const { differing, read } = await findDifferences(repository, work, base, onDisk, signal)
  const changed = clip(differing, frozen.size)
  const known = { ...work, bitmap: toBitmap(changed, frozen.size) }
  if (changed.length === 0 && frozen.size === base.size) {
    const kept = keepDisk(known, parent, onDisk)
    return { ...kept, record: { ...kept.record, bytes: { ...kept.record.bytes, read } } }
  }
  const layout = await layoutFor(repository, known, base, changed, signal)
  await using source = await openChanges(work, signal)
  return await readInto(repository, known, { source, layout, compared: read }, onDisk, signal)
}

/** What of a disk is not as `base` has it, and how many bytes were read to find that: all, or what an earlier try left. */
async function findDifferences(
  repository: Repository,
  work: DiskWork,
  base: DiskContent,
  onDisk: OnDisk,
  signal: AbortSignal,
): Promise<{ differing: Extents; read: Bytes }> {
  const { frozen, plan, soFar, keeper } = work
  const disk = plan.disk.vdiUuid
  const total = bytes(Math.min(base.size, frozen.size))
  const from = soFar.compared?.to ?? bytes(0)
  const before = soFar.compared?.differing ?? []
  const meter = { read: soFar.compared?.read ?? 0 }
  if (from >= total) return { differing: normalize(before), read: bytes(meter.read) }
  await using source = await (from === 0 ? openDisk(work, plan.source, signal) : openChanges(work, signal))
  const rest = [extent(from, total - from)]
  let noted: Bytes = from
  let seen: { to: Bytes; bitmap: Bitmap } | undefined
  const entries = (): readonly CheckpointEntry[] => {
    if (seen === undefined || seen.to === noted) return []
    const since = [extent(noted, seen.to - noted)]
    const differing = intersect(changedExtents(seen.bitmap, base.size), since)
    noted = seen.to
    return [{ kind: 'compared', disk, to: noted, differing, read: bytes(meter.read) }]
  }
  keeper.follow(entries)
  const onCompared = (compared: Bytes, bitmap: Bitmap) => {
    seen = { to: bytes(from + compared), bitmap }
    onDisk({ ...idle(plan.disk), stage: 'comparing', moved: seen.to, total })
    keeper.tick()
  }
  const chunks = metered(source.read(rest, signal), meter)
  const bitmap = await compareContent(repository, base, rest, chunks, onCompared, signal)
  return { differing: normalize([...before, ...changedExtents(bitmap, base.size)]), read: bytes(meter.read) }
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

/** What is written of a disk, without the pieces that an earlier try wrote. */
async function layoutFor(
  repository: Repository,
  { frozen: { size }, soFar }: DiskWork,
  base: DiskContent | undefined,
  changed: Extents | 'all',
  signal: AbortSignal,
): Promise<Layout> {
  const whole = planContent(base, size, changed, gridFor(size))
  const name = layoutOf(whole)
  const before = soFar.pieces?.layout === name ? soFar.pieces : undefined
  const plan = before === undefined ? whole : await continueContent(repository, whole, before.runs, signal)
  return { plan, name, total: totalLength(whole.reads), before: before?.counted }
}

interface Layout {
  readonly plan: ContentPlan
  readonly name: string
  /** Bytes to be read in all, those of earlier tries among them. */
  readonly total: Bytes
  /** What earlier tries read and stored. */
  readonly before: Counted | undefined
}

/**
 * The rest of a disk is read over NBD, since a stream begins at the beginning; unless that moves less even so, holes left out, by what
 * it brought so far.
 */
function openRest(work: DiskWork, { plan, total, before }: Layout, signal: AbortSignal): Promise<DiskSource> {
  if (before === undefined) return openDisk(work, work.plan.source, signal)
  const rest = totalLength(plan.reads)
  const streamed = (before.read / Math.max(1, total - rest)) * total
  return rest > streamed ? openDisk(work, work.plan.source, signal) : openChanges(work, signal)
}

interface ReadPlan {
  readonly source: DiskSource
  readonly layout: Layout
  /** Bytes that were read already, to find what changed. */
  readonly compared: number
}

async function readInto(
  repository: Repository,
  work: DiskWork,
  { source, layout, compared }: ReadPlan,
  onDisk: OnDisk,
  signal: AbortSignal,
): Promise<DiskDone> {
  const { keeper, plan } = work
  const { total, before = { read: bytes(compared), new: bytes(0), stored: bytes(0) } } = layout
  const meter = { read: before.read as number }
  const skipped = total - totalLength(layout.plan.reads)
  const log = new PieceLog()
  let counted: Counted = before
  const add = (bytesNew: number, bytesStored: number) => {
    counted = { read: bytes(meter.read), new: bytes(before.new + bytesNew), stored: bytes(before.stored + bytesStored) }
  }
  const report = (progress: Partial<DiskProgress>) => onDisk({ ...idle(plan.disk), total, ...progress })
  report({ moved: bytes(skipped) })
  keeper.follow(() => piecesOf(plan.disk, layout, log, counted))
  const chunks = metered(source.read(layout.plan.reads, signal), meter)
  const onWritten = ({ done, bytesNew, bytesStored }: WriteProgress) => {
    add(bytesNew, bytesStored)
    report({ moved: bytes(skipped + done), new: counted.new, stored: counted.stored })
    keeper.tick()
  }
  const result = await writeContent(repository, layout.plan, chunks, onWritten, signal, log)
  add(result.bytesNew, result.bytesStored)
  report({ stage: 'done', moved: total, new: counted.new, stored: counted.stored })
  return {
    record: diskRecord(work, { changed: total, ...counted }),
    stored: {
      ...placeOf(work),
      content: result.content,
      added: { blobsNew: result.blobsNew, bytesNew: counted.new, bytesStored: counted.stored },
    },
  }
}

const piecesOf = ({ vdiUuid: disk }: Disk, { name: layout }: Layout, log: PieceLog, counted: Counted) =>
  log.take().map(({ first, ids: data }): CheckpointEntry => ({ kind: 'pieces', disk, layout, first, counted, data }))

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
    stored: { ...placeOf(work), unchangedFrom: parent.stored, size: work.frozen.size },
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
