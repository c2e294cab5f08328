import { loadPoint, type Point, type Repository, type Snapshot } from '@tidemark/repository'
import { EngineError } from './error.ts'
import { decodeVmRecord, type VmRecord } from './vm-record.ts'

/** One restore point: a snapshot of the repository that holds one VM at one instant. */
export interface RestorePoint {
  /** Stable name: the first ID of its snapshot file, kept when tags change. */
  readonly id: string
  readonly snapshot: Snapshot
}

/** A restore point with its record and the parts of its tree. */
export interface OpenPoint extends RestorePoint {
  readonly record: VmRecord
  readonly parts: Point
}

export interface PointFilter {
  /** UUID or name of a VM. */
  readonly vm?: string
}

/** What a VM's name becomes in paths and host names: letters, digits, `.`, `_`, `-`; everything else percent-encoded. */
export const slugOf = (name: string): string =>
  encodeURIComponent(name).replaceAll(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/** The same for names inside the tree, where restic quotes everything else. The true name is in `vm.json`. */
export const treeNameOf = (name: string): string => slugOf(name).replaceAll('%', '_').replace(/^\./, '_') || '_'

/** All restore points in the repository, oldest first. Snapshots of other programs are left out. */
export async function listPoints(
  repository: Repository,
  filter: PointFilter = {},
  signal?: AbortSignal,
): Promise<readonly RestorePoint[]> {
  const points: RestorePoint[] = []
  for await (const snapshot of repository.snapshots(signal)) {
    const point = { id: snapshot.original ?? snapshot.id, snapshot }
    if ((snapshot.tags ?? []).includes('tidemark') && (filter.vm === undefined || isPointOf(point, filter.vm)))
      points.push(point)
  }
  return points.sort((a, b) => a.snapshot.time.getTime() - b.snapshot.time.getTime())
}

/** UUID of the VM that a point holds, from its tags. */
export const vmOf = ({ snapshot }: RestorePoint): string | undefined =>
  (snapshot.tags ?? []).find((tag) => tag.startsWith('vm-'))?.slice('vm-'.length)

/** Name of the VM that a point holds, as it was then. */
export const vmNameOf = ({ snapshot }: RestorePoint): string => {
  try {
    return decodeURIComponent(snapshot.hostname ?? '')
  } catch {
    return snapshot.hostname ?? '' // renamed by another program: no encoding of ours
  }
}

/** Whether a point is one of a VM, by UUID or by its name then. */
export const isPointOf = (point: RestorePoint, vm: string): boolean => vmOf(point) === vm || vmNameOf(point) === vm

/**
 * Finds the point that somebody means: a prefix of its ID, `latest`, `<vm>` alone for that VM's newest, or
 * `<vm>@<time>` for the newest one not after that time.
 * @throws EngineError ENGINE_POINT_UNKNOWN, ENGINE_POINT_AMBIGUOUS
 */
export function choosePoint(points: readonly RestorePoint[], selector: string): RestorePoint {
  const found = byTime(points, selector) ?? byPrefix(points, selector)
  if (found !== undefined) return found
  throw new EngineError(
    'ENGINE_POINT_UNKNOWN',
    `no restore point fits '${selector}'; 'tidemark points' lists the ${points.length} there are`,
  )
}

function byTime(points: readonly RestorePoint[], selector: string): RestorePoint | undefined {
  if (selector === 'latest') return points.at(-1)
  const newest = points.findLast((point) => isPointOf(point, selector)) // the name of a VM may hold an @ itself
  const at = selector.lastIndexOf('@')
  if (newest !== undefined || at < 0) return newest
  const [vm, time] = [selector.slice(0, at), selector.slice(at + 1)]
  const until = time === 'latest' ? Infinity : endOfMoment(time)
  return points.findLast((point) => isPointOf(point, vm) && point.snapshot.time.getTime() <= until)
}

/**
 * The last millisecond that is meant: `2026-11-23` is that whole day and `2026-11-23 10:15` that whole minute, both in the
 * reader's zone, as times are printed; a full time is its own second.
 */
function endOfMoment(text: string): number {
  const date = /^\d{4}-\d\d-\d\d$/.test(text)
  const start = new Date(date ? `${text}T00:00` : text.replace(' ', 'T')) // a bare date would be taken for UTC
  if (Number.isNaN(start.getTime())) {
    throw new EngineError('ENGINE_POINT_UNKNOWN', `'${text}' is no time: write 2026-11-23 or 2026-11-23T10:15:00`)
  }
  if (date) return new Date(start.getFullYear(), start.getMonth(), start.getDate() + 1).getTime() - 1
  const span = /[T ]\d\d:\d\d(Z|[+-]\d\d:\d\d)?$/.test(text) ? 60_000 : 1000
  return start.getTime() + span - 1
}

function byPrefix(points: readonly RestorePoint[], prefix: string): RestorePoint | undefined {
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) return undefined
  const found = points.filter(({ id, snapshot }) => id.startsWith(prefix) || snapshot.id.startsWith(prefix))
  if (found.length > 1) {
    const ids = found.map(({ id }) => id.slice(0, 12)).join(', ')
    throw new EngineError('ENGINE_POINT_AMBIGUOUS', `'${prefix}' fits ${found.length} restore points: ${ids}`)
  }
  return found[0]
}

/** Reads what a point consists of. The repository's index must be loaded. @throws EngineError ENGINE_POINT_DAMAGED */
export async function openPoint(repository: Repository, point: RestorePoint, signal?: AbortSignal): Promise<OpenPoint> {
  const parts = await loadPoint(repository, point.snapshot, signal)
  return { ...point, parts, record: decodeVmRecord(parts.vmJson) }
}
