import { bytes, changedExtents, type Bytes, type Extents } from '@tidemark/blocks'
import type { DiskContent } from '@tidemark/repository'
import { positionOfDevice } from '../device.ts'
import { EngineError } from '../error.ts'
import type { DiskProgress } from '../events.ts'
import type { OpenPoint } from '../points.ts'
import type { Pool } from '../pool.ts'
import type { DiskRecord } from '../vm-record.ts'

/** The content list of one disk of a point. @throws EngineError ENGINE_POINT_DAMAGED */
export async function contentOf(point: OpenPoint, record: DiskRecord, signal?: AbortSignal): Promise<DiskContent> {
  const stored = point.parts.disks.find(({ vdiUuid }) => vdiUuid === record.vdi)
  const content = await stored?.content(signal)
  if (content === undefined || content.size !== record.size) {
    throw new EngineError(
      'ENGINE_POINT_DAMAGED',
      `the restore point names disk ${record.vdi} but does not hold it whole`,
    )
  }
  return content
}

/**
 * The disks of a point that somebody means, by position, device (`xvdb` is 1), name or UUID; all without a selection.
 * @throws EngineError ENGINE_DISK_UNKNOWN
 */
export function chooseDisks(point: OpenPoint, selectors: readonly string[]): readonly DiskRecord[] {
  if (selectors.length === 0) return point.record.disks
  const { disks } = point.record
  return selectors.map((selector) => {
    const exact = disks.find(({ position, vdi }) => vdi === selector || String(position) === selector)
    const named = disks.filter(({ name }) => name === selector)
    const found =
      exact ??
      (named.length === 1 ? named[0] : undefined) ??
      disks.find(({ position }) => position === positionOfDevice(selector))
    if (found !== undefined) return found
    const known = point.record.disks.map(({ position, name }) => `${position} (${name})`).join(', ')
    throw new EngineError('ENGINE_DISK_UNKNOWN', `the restore point has no disk '${selector}'; it has ${known}`)
  })
}

/** What changed on the pool's disk since the snapshot that the point was made of, by tracking; undefined where the pool cannot tell. */
export async function changedSincePoint(
  { restore }: Pool,
  { vdi, snapshot, size }: DiskRecord,
  signal: AbortSignal | undefined,
): Promise<Extents | undefined> {
  if (snapshot === null) return undefined
  const changes = await restore.changedSince(vdi, snapshot, signal)
  return changes.known ? changedExtents(changes.bitmap, size) : undefined
}

/** How far one disk's restore or comparison is. */
export function progressOf(
  { position, name, size }: Pick<DiskRecord, 'position' | 'name' | 'size'>,
  moved: number,
  stage: DiskProgress['stage'],
): DiskProgress {
  const none: Bytes = bytes(0)
  return { position, name, stage, moved: bytes(moved), total: size, new: none, stored: none }
}
