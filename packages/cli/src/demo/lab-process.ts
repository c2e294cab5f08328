import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { CliError } from '../error.ts'

/** A lab in a process of its own, as a pool is. Disposal stops it and waits for its end. */
export interface LabProcess extends AsyncDisposable {
  readonly url: string
  readonly fingerprint: string
  readonly pid: number
}

interface Ready {
  readonly type: string
  readonly url: string
  readonly fingerprint: string
}

export async function startLabProcess(directory: string, passwordFile: string): Promise<LabProcess> {
  const [, main = ''] = process.argv
  const args = ['--json', 'lab', directory, '--https-port', '0', '--nbd-port', '0', '--password-file', passwordFile]
  // a process group of its own: Ctrl-C reaches us alone, and the lab outlives the clean-up that needs it
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const gone = Promise.withResolvers<void>()
  child.on('exit', () => gone.resolve())
  const onExit = () => child.kill('SIGKILL') // whatever ends this process ends the lab
  process.on('exit', onExit)
  const first = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    gone.promise.then(() => undefined),
  ])
  if (first === undefined) throw new CliError('CLI_PROGRAM', 'the lab ended before it was ready')
  const ready = JSON.parse(first) as Ready
  if (ready.type !== 'ready') throw new CliError('CLI_PROGRAM', `the lab did not start: ${first}`)
  return {
    url: ready.url,
    fingerprint: ready.fingerprint,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await gone.promise
      process.off('exit', onExit)
    },
  }
}
