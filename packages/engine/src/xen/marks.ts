import type { Session } from '@tidemark/xenapi'
import type { Torn } from '../pool.ts'
import { repeated } from './outcome.ts'

/**
 * Keys that we write to `other_config` of what we make on a pool. Snapshots, clones and reverts inherit them from their origin, so an
 * object is ours only when MARK_SELF names its own UUID.
 */
export const MARK_REPOSITORY = 'tidemark:repository'
/** The restore point that a base belongs to. */
export const MARK_POINT = 'tidemark:point'
export const MARK_ROLE = 'tidemark:role'
/** UUID of the object that was marked. */
export const MARK_SELF = 'tidemark:self'

/** `reading` while a run copies it, `base` once only its tracking is kept, `restoring` while a run fills it, `trial` a VM of a boot test. */
export type Role = 'reading' | 'base' | 'restoring' | 'trial'

/** On disks that a restore makes: a text of its own for each, by which one is found whose making was not answered. */
export const MARK_MADE = 'tidemark:made'

/** On a disk that a restore writes over: its UUID, the repository, its position, the restore point. */
const MARK_TORN = 'tidemark:torn'

/** Of what a disk is a part, if a restore over it was cut; what a snapshot or a clone inherited says nothing of that. */
export function tornOf({ uuid, other_config: marks }: Marked): Torn | undefined {
  const [own, repository, position, point] = (marks[MARK_TORN] ?? '').split(' ')
  if (own !== uuid || repository === undefined || point === undefined) return undefined
  return { repository, point, position: Number(position) }
}

export async function markTorn(
  session: Session,
  uuid: string,
  { repository, position, point }: Torn,
  signal?: AbortSignal,
): Promise<void> {
  const ref = await session.VDI.get_by_uuid(uuid, { signal })
  await repeated(async () => {
    await session.VDI.remove_from_other_config(ref, MARK_TORN, { signal })
    await session.VDI.add_to_other_config(ref, MARK_TORN, [uuid, repository, position, point].join(' '), { signal })
  })
}

export async function clearTorn(session: Session, uuid: string): Promise<void> {
  const ref = await session.VDI.get_by_uuid(uuid)
  if (!(MARK_TORN in (await session.VDI.get_other_config(ref)))) return
  await repeated(() => session.VDI.remove_from_other_config(ref, MARK_TORN))
}

/** Whether marks are an object's own, and not inherited. */
export const isMarked = ({ uuid, other_config: marks }: Marked): boolean => marks[MARK_SELF] === uuid

interface Marked {
  readonly uuid: string
  readonly other_config: Readonly<Record<string, string>>
}
