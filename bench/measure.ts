import { spawnSync } from 'node:child_process'

/** Runs a program to its end. Answers the seconds that it took. */
export function timed(program: string, args: string[]): number {
  const startedAt = performance.now()
  const { status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  return (performance.now() - startedAt) / 1000
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
