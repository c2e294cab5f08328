import { flipBit } from './flip.ts'
import { kinds, makeSubject, type Kind, type Subject } from './subject.ts'

/** Of the flips of one kind. */
export interface KindTally {
  flips: number
  foundByOpen: number
  foundByCheck: number
  /** Points read after it, right or refused with a typed error. */
  pointsRight: number
  pointsRefused: number
}

export interface DetectionReport {
  readonly flips: number
  readonly from: number
  readonly kinds: Readonly<Record<Kind, KindTally>>
  /** What was not found, or gave wrong bytes: a sentence each, with the seed. */
  readonly failures: readonly string[]
}

const SUBJECT_SEED = 1

/** Flips one bit after the other, each in a sound repository. */
export async function detect(
  { flips, from }: { readonly flips: number; readonly from: number },
  onFlip: (done: number) => void = () => {},
): Promise<DetectionReport> {
  const subject: Subject = await makeSubject(SUBJECT_SEED)
  const none = (): KindTally => ({ flips: 0, foundByOpen: 0, foundByCheck: 0, pointsRight: 0, pointsRefused: 0 })
  const tallies = Object.fromEntries(kinds.map((kind) => [kind, none()])) as Record<Kind, KindTally>
  const failures: string[] = []
  for (let seed = from; seed < from + flips; seed++) {
    try {
      const { kind, found, right, refused } = await flipBit(subject, seed)
      const tally = tallies[kind]
      tally.flips++
      if (found === 'open') tally.foundByOpen++
      else tally.foundByCheck++
      tally.pointsRight += right
      tally.pointsRefused += refused
    } catch (error) {
      failures.push((error as Error).message)
    }
    onFlip(seed - from + 1)
  }
  return { flips, from, kinds: tallies, failures }
}
