import { forEachBounded } from '@tidemark/blocks'
import type { Certificates } from '../../packages/nbd/test/certificates.ts'
import { playSchedule } from './run.ts'

export interface SchedulesResult {
  /** How many ended so: `done`, or an error's code. */
  readonly ends: Record<string, number>
  /** How often each fault happened. */
  readonly fired: Record<string, number>
  readonly connections: number
  /** A sentence for each seed whose schedule showed a mistake of ours. */
  readonly failures: readonly string[]
}

/** Schedules at once: they wait for each other's silence more than for the processor. */
const AT_ONCE = 8

export async function playSchedules(
  seeds: { readonly first: number; readonly count: number },
  pki: Certificates,
  onDone: (played: number) => void = () => {},
): Promise<SchedulesResult> {
  const ends: Record<string, number> = {}
  const fired: Record<string, number> = {}
  const failures: string[] = []
  let connections = 0
  let played = 0
  const all = Array.from({ length: seeds.count }, (_, i) => seeds.first + i)
  await forEachBounded(all, AT_ONCE, async (seed) => {
    try {
      const outcome = await playSchedule(seed, pki)
      ends[outcome.end] = (ends[outcome.end] ?? 0) + 1
      for (const kind of outcome.fired) fired[kind] = (fired[kind] ?? 0) + 1
      connections += outcome.connections
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.stack}` : ''
      failures.push(`${error instanceof Error ? error.message : String(error)}${cause}`)
    }
    onDone(++played)
  })
  return { ends, fired, connections, failures }
}
