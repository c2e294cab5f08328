/** Keys that we write to `other_config` of snapshots, so that several repositories can each keep their base of a disk. */
export const MARK_REPOSITORY = 'tidemark:repository'
/** The restore point that a base belongs to. */
export const MARK_POINT = 'tidemark:point'
export const MARK_ROLE = 'tidemark:role'

/** `reading` while a run copies it, `base` once only its tracking is kept. */
export type Role = 'reading' | 'base'

/** On disks that a restore made: a text of its own for each, by which one is found whose making was not answered. */
export const MARK_MADE = 'tidemark:made'
