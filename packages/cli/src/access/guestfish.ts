import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CliError } from '../error.ts'

const MISSING =
  "guestfish is not installed: it comes with libguestfs (Debian: 'apt install libguestfs-tools linux-image-amd64')"

/** A running guestfish, driven from outside: one command, one answer. */
export class Guestfish implements AsyncDisposable {
  readonly #pid: number
  readonly #environment: NodeJS.ProcessEnv
  readonly #signal: AbortSignal

  private constructor(pid: number, environment: NodeJS.ProcessEnv, signal: AbortSignal) {
    this.#pid = pid
    this.#environment = environment
    this.#signal = signal
  }

  /** @param uris of raw disks, opened read-only. @throws CliError CLI_PROGRAM */
  static async start(uris: readonly string[], settings: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Guestfish> {
    const environment = { ...process.env, ...settings }
    const disks = uris.flatMap((uri) => ['-a', uri])
    const pid = await listeningPid(['--listen', '--ro', '--format=raw', ...disks], environment, signal)
    return new Guestfish(pid, environment, signal)
  }

  /** The command's output. A failed command ends guestfish. @throws CliError CLI_PROGRAM with what guestfish says */
  run(command: string, ...args: readonly string[]): Promise<string> {
    return answer([`--remote=${this.#pid}`, '--', command, ...args], this.#environment, this.#signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(this.#pid, 'SIGTERM')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // it ended by itself
    }
    await ended(this.#pid)
  }
}

/** The first process says who stays behind, and ends; the other keeps its error output open. */
async function listeningPid(args: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  const child = spawn('guestfish', args, { env, signal, stdio: ['ignore', 'pipe', 'ignore'] })
  const failed = once(child, 'error').then(([cause]: unknown[]) => Promise.reject(asMissing(cause, signal)))
  const said = await Promise.race([text(child.stdout), failed])
  const [, pid] = /GUESTFISH_PID=(\d+)/.exec(said) ?? []
  if (pid === undefined) throw new CliError('CLI_PROGRAM', `guestfish did not start: ${said}`)
  return Number(pid)
}

function asMissing(cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  return (cause as NodeJS.ErrnoException).code === 'ENOENT' ? new CliError('CLI_PROGRAM', MISSING, { cause }) : cause
}

async function answer(args: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('guestfish', args, { env, signal, maxBuffer: 1 << 26 })
    return stdout.trimEnd()
  } catch (cause) {
    signal.throwIfAborted()
    const { stderr = '' } = cause as { stderr?: string }
    const [said = 'guestfish failed'] = stderr.split('\n').filter((line) => line.includes('error:'))
    throw new CliError('CLI_PROGRAM', said.replace(/^.*?error: /, 'libguestfs: '), { cause })
  }
}

const END_MS = 5_000

/** Waits until a process that is no child of ours is gone. */
async function ended(pid: number): Promise<void> {
  for (let waited = 0; waited < END_MS; waited += 20) {
    try {
      process.kill(pid, 0)
    } catch {
      return // gone, as it should be
    }
    await sleep(20)
  }
  process.kill(pid, 'SIGKILL')
}
