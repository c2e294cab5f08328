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

/** What a program's run took. */
export interface Usage {
  readonly seconds: number
  /** Of all its threads and children, user and system. */
  readonly cpuSeconds: number
  /** Most memory that was resident at once. */
  readonly peakMiB: number
}

/** Runs a line of shell to its end, by GNU time. `environment` is added to ours. */
export function usageOf(line: string, environment: Readonly<Record<string, string>> = {}): Usage {
  spawnSync('sync') // what others wrote is not ours to wait for
  const format = ['-f', '%e %U %S %M', '--quiet']
  const env = { ...process.env, ...environment }
  const { status, stderr } = spawnSync('time', [...format, 'sh', '-c', line], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env,
  })
  if (status !== 0) throw new Error(`${line}: ${stderr}`)
  const figures = stderr.trimEnd().split('\n').at(-1) ?? ''
  const [seconds = NaN, user = NaN, system = NaN, peak = NaN] = figures.split(' ').map(Number)
  return { seconds, cpuSeconds: user + system, peakMiB: peak / 1024 }
}
