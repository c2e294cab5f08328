import { vmOf, type OpenPoint, type RestorePoint } from '@tidemark/engine'
import { CliError } from '../error.ts'
import type { Out } from '../output/out.ts'
import { moment, shortId } from '../output/units.ts'

/** A point, and whether it may lack changes: a later run found that the pool's bitmaps were wrong. */
export interface FoundPoint extends OpenPoint {
  readonly suspect: boolean
  /** Points of the same VM that are not, nearest in time: one before and one after, where there are such. */
  readonly sound: readonly RestorePoint[]
}

export const SUSPECT_WARNING =
  'this point may lack changes: a later run found that the pool had called changed blocks unchanged (docs/runs.md)'

/** What to know before such a point is trusted. */
export function warnOfSuspect(out: Out, { suspect }: FoundPoint): void {
  if (!suspect) return
  out.event({ type: 'suspect', message: SUSPECT_WARNING })
  out.say(`  ${SUSPECT_WARNING}`)
}

/**
 * What becomes of a machine again has to be decided on: a point that may lack changes is brought back only when that was said.
 * @throws CliError CLI_SUSPECT, naming the nearest points that are sound
 */
export function assertAccepted({ suspect, sound }: FoundPoint, isAccepted: boolean): void {
  if (!suspect || isAccepted) return
  const others = sound.map(({ id, snapshot }) => `${shortId(id)} of ${moment(snapshot.time)}`).join(' and ')
  const instead = others === '' ? 'no point of this VM is sound' : `sound are ${others}`
  throw new CliError('CLI_SUSPECT', `${SUSPECT_WARNING}; ${instead}; --accept-suspect takes it all the same`)
}

/** @param points oldest first, of any VMs */
export function soundNear(
  points: readonly RestorePoint[],
  suspects: ReadonlySet<string>,
  point: RestorePoint,
): RestorePoint[] {
  const own = points.filter((each) => vmOf(each) === vmOf(point))
  const at = own.findIndex(({ id }) => id === point.id)
  const isSound = ({ id }: RestorePoint) => !suspects.has(id)
  return [own.slice(0, at).findLast(isSound), own.slice(at).find(isSound)].filter((each) => each !== undefined)
}
