import { forEachBounded } from '@tidemark/blocks'
import { playSeed, type Played } from './play.ts'
import { layFoundation, type Length } from './scene.ts'

/** What became of many seeds. */
export interface SeedsPlayed {
  /** Those in which something was wrong. */
  readonly failed: readonly number[]
  readonly points: number
  readonly faults: number
  readonly fired: Readonly<Record<string, number>>
}

/** Lives at once: while one waits for an answer that never comes, the other one goes on. */
const AT_ONCE = 2

/** Plays seeds, each in a pool of its own. `onPlayed` hears of each. */
export async function playSeeds(
  { from, count, length }: { readonly from: number; readonly count: number; readonly length: Length },
  onPlayed: (played: Played, sofar: number) => void = () => {},
): Promise<SeedsPlayed> {
  await using foundation = await layFoundation()
  const failed: number[] = []
  const fired = new Map<string, number>()
  let points = 0
  let done = 0
  const play = async (seed: number) => {
    const played = await playSeed(seed, length, foundation)
    if (played.failure !== undefined) failed.push(played.seed)
    points += played.points
    for (const [name, times] of played.fired) fired.set(name, (fired.get(name) ?? 0) + times)
    onPlayed(played, ++done)
  }
  await forEachBounded(
    Array.from({ length: count }, (_, n) => from + n),
    AT_ONCE,
    play,
  )
  const faults = fired.values().reduce((sum, times) => sum + times, 0)
  return { failed, points, faults, fired: Object.fromEntries([...fired].toSorted(([a], [b]) => a.localeCompare(b))) }
}
