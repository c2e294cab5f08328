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

/** Whether marks are an object's own, and not inherited. */
export const isMarked = ({ uuid, other_config: marks }: Marked): boolean => marks[MARK_SELF] === uuid

interface Marked {
  readonly uuid: string
  readonly other_config: Readonly<Record<string, string>>
}
