import { changeTags, type Repository } from '@tidemark/repository'
import { listPoints, openPoint, vmOf, type RestorePoint } from './points.ts'

/** Tag of a point that may lack changes: a later run found that the pool's bitmaps were wrong. */
const SUSPECT = 'suspect'
/** Begins the tag of the run that found it out; the ID of the oldest suspect follows. */
const SINCE = 'suspect-since-'
const ID_DIGITS = 16

/** What a run that found a wrong bitmap says about the points before it: a tag, so that it holds in append-only repositories too. */
export const suspectTag = ({ id }: RestorePoint): string => `${SINCE}${id.slice(0, ID_DIGITS)}`

/**
 * The oldest point whose content of a disk rests on bitmaps, after the last that read all of it. Undefined when the newest did.
 * @param history restore points of the VM, oldest first
 */
export async function oldestSuspect(
  repository: Repository,
  history: readonly RestorePoint[],
  vdi: string,
  signal?: AbortSignal,
): Promise<RestorePoint | undefined> {
  let oldest: RestorePoint | undefined
  for (const point of history.toReversed()) {
    const { record } = await openPoint(repository, point, signal)
    const disk = record.disks.find((each) => each.vdi === vdi)
    if (disk !== undefined && disk.action !== 'incremental') break
    if (disk !== undefined) oldest = point
  }
  return oldest
}

/**
 * IDs of the points that may lack changes: those that are tagged, and those between a run that found a wrong bitmap and the oldest that
 * it names.
 * @param points oldest first, of any VMs
 */
export function suspectsOf(points: readonly RestorePoint[]): ReadonlySet<string> {
  const suspects = new Set(points.filter(({ snapshot }) => snapshot.tags?.includes(SUSPECT)).map(({ id }) => id))
  for (const [i, finder] of points.entries()) {
    for (const since of sinceOf(finder)) {
      const before = points.slice(0, i).filter((point) => vmOf(point) === vmOf(finder))
      const from = before.findIndex(({ id }) => id.startsWith(since))
      for (const { id } of before.slice(Math.max(0, from))) suspects.add(id)
    }
  }
  return suspects
}

/** The oldest suspects that a point's tags name. One that is forgotten leaves all that came after it: none older is left. */
const sinceOf = ({ snapshot }: RestorePoint): string[] =>
  (snapshot.tags ?? []).filter((tag) => tag.startsWith(SINCE)).map((tag) => tag.slice(SINCE.length))

/**
 * Tags each suspect itself, so that it stays one when the run that found it out is forgotten. Take an exclusive lock.
 * @param leaving IDs of snapshots that are about to be forgotten: they stay as they are
 * @returns how many were tagged
 * @throws RepositoryError REPOSITORY_APPEND_ONLY: there nothing is forgotten either
 */
export async function markSuspects(
  repository: Repository,
  leaving: readonly string[],
  signal?: AbortSignal,
): Promise<number> {
  const points = await listPoints(repository, {}, signal)
  const suspects = suspectsOf(points)
  const unmarked = points.filter(
    ({ id, snapshot }) => suspects.has(id) && !snapshot.tags?.includes(SUSPECT) && !leaving.includes(snapshot.id),
  )
  if (unmarked.length === 0) return 0
  const snapshots = unmarked.map(({ snapshot }) => snapshot)
  return (await changeTags(repository, snapshots, { add: [SUSPECT] }, undefined, signal)).length
}
