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

/** Plays seeds one after the other. `onPlayed` hears of each. */
export async function playSeeds(
  { from, count, length }: { readonly from: number; readonly count: number; readonly length: Length },
  onPlayed: (played: Played, sofar: number) => void = () => {},
): Promise<SeedsPlayed> {
  await using foundation = await layFoundation()
  const failed: number[] = []
  const fired = new Map<string, number>()
  let points = 0
  for (let n = 0; n < count; n++) {
    const played = await playSeed(from + n, length, foundation)
    if (played.failure !== undefined) failed.push(played.seed)
    points += played.points
    for (const [name, times] of played.fired) fired.set(name, (fired.get(name) ?? 0) + times)
    onPlayed(played, n + 1)
  }
  const faults = fired.values().reduce((sum, times) => sum + times, 0)
  return { failed, points, faults, fired: Object.fromEntries([...fired].toSorted(([a], [b]) => a.localeCompare(b))) }
}
