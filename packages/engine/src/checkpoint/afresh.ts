/** Why a run does not go on with one that was cut, and takes a snapshot of its own. Stable, to branch on. */
export type AfreshReason =
  | 'not-kept'
  | 'too-old'
  | 'too-often'
  | 'taken-over'
  | 'checkpoint-lost'
  | 'options-changed'
  | 'disks-changed'
  | 'newer-point'
  | 'base-lost'
  | 'snapshot-gone'

export interface Afresh {
  readonly reason: AfreshReason
  readonly detail?: string
}

/** The reason as a sentence for people. */
export const explainAfresh = ({ reason, detail }: Afresh): string =>
  sentences[reason] + (detail === undefined ? '' : ` (${detail})`)

const sentences = {
  'not-kept': 'it was not to be gone on with',
  'too-old': 'its snapshot is too old',
  'too-often': 'it was cut too often',
  'taken-over': 'another process goes on with it',
  'checkpoint-lost': 'what it noted is lost or damaged',
  'options-changed': 'this one is to read in another way',
  'disks-changed': 'the VM has other disks now',
  'newer-point': 'there is a newer restore point',
  'base-lost': 'the restore point that it builds on is gone or damaged',
  'snapshot-gone': 'its snapshot is no longer on the pool as it was',
} as const satisfies Record<AfreshReason, string>
