import { bytes, changedExtents, totalLength, type Bitmap, type Extents } from '@tidemark/blocks'
import {
  gridFor,
  planContent,
  writeContent,
  type DiskContent,
  type NewPointDisk,
  type Repository,
} from '@tidemark/repository'
import { EngineError } from './error.ts'
import type { DiskProgress, OnDisk } from './events.ts'
import { explain, type DiskPlan } from './plan.ts'
import type { DiskParent } from './planner.ts'
import type { Chunk, Disk, DiskSnapshot } from './pool.ts'
import type { DiskRecord } from './vm-record.ts'

/** A disk with what is to be read of it. */
export interface DiskWork {
  readonly plan: DiskPlan
  readonly frozen: DiskSnapshot
  /** For increments: what the pool says has changed since the base. */
  readonly bitmap: Bitmap | undefined
  /** For increments: where the unchanged rest is. */
  readonly parent: DiskParent | undefined
}

export interface DiskDone {
  readonly record: DiskRecord
  readonly stored: NewPointDisk
}

/** Reads one frozen disk into the repository: what changed over its parent, or all of it. */
export async function backupDisk(
  repository: Repository,
  work: DiskWork,
  onDisk: OnDisk,
  signal: AbortSignal,
): Promise<DiskDone> {
  const { frozen, bitmap, parent } = work
  if (bitmap === undefined || parent === undefined) {
    return readInto(repository, work, { base: undefined, changed: 'all' }, onDisk, signal)
  }
  const changed = changedExtents(bitmap, frozen.size) // planContent adds what the disk grew by: that is marked only when written
  if (changed.length === 0 && frozen.size === parent.record.size) return keepDisk(work, parent, onDisk)
  const base = await parent.stored.content(signal)
  return readInto(repository, work, { base, changed }, onDisk, signal)
}

interface ReadPlan {
  /** What the unchanged rest comes from; undefined for a full read. */
  readonly base: DiskContent | undefined
  readonly changed: Extents | 'all'
}

async function readInto(
  repository: Repository,
  work: DiskWork,
  { base, changed }: ReadPlan,
  onDisk: OnDisk,
  signal: AbortSignal,
): Promise<DiskDone> {
  const { disk, source: kind } = work.plan
  const { size } = work.frozen
  await using source = await work.frozen.open(kind, signal)
  if (source.size !== size) {
    throw new EngineError(
      'ENGINE_SOURCE',
      `disk ${disk.position} has ${size} bytes, but its ${kind} source shows ${source.size}; run the backup again`,
    )
  }
  const layout = planContent(base, size, changed, gridFor(size))
  const total = totalLength(layout.reads)
  const meter = { read: 0 }
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

/** Nothing is marked: the parent's entry is taken over as it is, and nothing is read. */
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
    reason: plan.action === 'full' ? `${plan.reason}: ${explain(plan)}` : explain(plan),
    source: plan.source,
    bytes: counted,
  }
}
