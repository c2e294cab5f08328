import { spawn } from 'node:child_process'
import { CliError } from '../error.ts'

/** Runs a program to its end and answers what it printed. @throws CliError CLI_PROGRAM when it fails or is missing */
export async function run(program: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal === undefined ? {} : { signal }) })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject).on('close', resolve)
  let code: number | null
  try {
    code = await promise
  } catch (cause) {
    signal?.throwIfAborted()
    throw new CliError('CLI_PROGRAM', `${program} could not be started`, { cause })
  }
  if (code === 0) return stdout
  throw new CliError('CLI_PROGRAM', `${program} ${args.join(' ')} failed (${code}): ${stderr.trim()}`)
}

/** Whether a program is on the PATH. */
export const has = (program: string): Promise<boolean> =>
  run('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  )
