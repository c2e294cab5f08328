import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { commandOf, type Bench, type Line } from './pool.ts'

/** When a signal comes: with a stage's beginning, or once so many bytes were moved. */
export type Moment = { readonly stage: string } | { readonly moved: number }

export interface Cancelled {
  readonly code: number
  /** From the signal to the end of the process. */
  readonly ms: number
  readonly lines: readonly Line[]
}

/** Runs a command as a user does, and stops it at a moment. */
export async function cancelled(
  { directory }: Pick<Bench, 'directory'>,
  args: readonly string[],
  moment: Moment,
  signal: NodeJS.Signals,
  often: 'once' | 'twice' = 'once',
): Promise<Cancelled> {
  const child = spawn(process.execPath, commandOf(directory, args), {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TIDEMARK_STATE_DIR: join(directory, 'state') },
  })
  const ended = once(child, 'exit')
  const lines: Line[] = []
  let stoppedAt: number | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as Line
    lines.push(event)
    if (stoppedAt !== undefined || !isNow(event, moment)) continue
    stoppedAt = performance.now()
    child.kill(signal)
    if (often === 'twice') setTimeout(() => child.kill(signal), 5)
  }
  const [code] = (await ended) as [number]
  return { code, ms: performance.now() - (stoppedAt ?? NaN), lines }
}

const isNow = (event: Line, moment: Moment): boolean =>
  'stage' in moment
    ? event['type'] === 'stage' && event['stage'] === moment.stage
    : event['type'] === 'disk' && event['moved'] >= moment.moved
