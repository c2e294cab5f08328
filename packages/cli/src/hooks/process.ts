import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../error.ts'

export interface HookProcess {
  /** A program and its arguments. No shell reads them. */
  readonly argv: readonly [string, ...string[]]
  readonly environment: NodeJS.ProcessEnv
  readonly timeoutMs: number
}

/** What a cancelled run does with a hook: what comes before something is ended, what comes after it goes on by itself. */
export type WhenCancelled = 'end' | 'leave'

/** From SIGTERM to SIGKILL, after a timeout and after Ctrl-C: there the whole command has two seconds. */
const GRACE_MS = { late: 5000, cancelled: 300 } as const
/** How long a cancelled run waits for a hook that goes on by itself. */
const PATIENCE_MS = 400
/** Bytes of its last words that an error repeats. */
const LAST_WORDS = 2000

type Ending =
  | { readonly kind: 'ended'; readonly code: number | null; readonly by: NodeJS.Signals | null }
  | { readonly kind: 'not-started'; readonly cause: Error }
  | { readonly kind: 'late' | 'cancelled' | 'left' }

/**
 * Runs a hook in a process group of its own, without standard input. What it prints goes to a file without a name: a hook that is left
 * behind can go on printing.
 * @returns false when it was left to itself
 * @throws CliError CLI_HOOK when it cannot be started, fails or takes too long; the signal's reason when it was ended for that
 */
export async function runHook(hook: HookProcess, when: WhenCancelled, signal: AbortSignal): Promise<boolean> {
  if (when === 'end') signal.throwIfAborted()
  await using output = await unnamedFile()
  const child = start(hook, output.fd)
  const killAtExit = () => killGroup(child, 'SIGKILL')
  if (when === 'end') process.once('exit', killAtExit)
  try {
    const ending = await endOf(child, hook.timeoutMs, when, signal)
    if (ending.kind === 'late' || ending.kind === 'cancelled') await end(child, GRACE_MS[ending.kind])
    if (ending.kind === 'cancelled') signal.throwIfAborted()
    const problem = problemOf(ending, hook)
    if (problem === undefined) return ending.kind !== 'left'
    const cause = ending.kind === 'not-started' ? ending.cause : undefined
    throw new CliError('CLI_HOOK', `hook '${hook.argv.join(' ')}' ${problem}${await lastWords(output)}`, { cause })
  } finally {
    process.off('exit', killAtExit)
  }
}

/** Starts a hook for which nobody will wait: this process is about to end. */
export function launchHook({ argv: [program, ...args], environment }: HookProcess): void {
  try {
    const child = spawn(program, args, { env: environment, stdio: 'ignore', detached: true })
    child.on('error', () => undefined) // nobody is left to be told
    child.unref()
  } catch {
    // nor of a command that no process could be made for
  }
}

const start = ({ argv: [program, ...args], environment }: HookProcess, output: number): ChildProcess =>
  spawn(program, args, { env: environment, stdio: ['ignore', output, output], detached: true })

function problemOf(ending: Ending, { timeoutMs }: HookProcess): string | undefined {
  if (ending.kind === 'not-started') return 'could not be started'
  if (ending.kind === 'late') return `was ended: it took longer than ${timeoutMs / 1000} s`
  if (ending.kind !== 'ended' || ending.code === 0) return undefined
  return ending.code === null ? `was ended by ${ending.by ?? 'a signal'}` : `failed with exit code ${ending.code}`
}

async function endOf(
  child: ChildProcess,
  timeoutMs: number,
  when: WhenCancelled,
  signal: AbortSignal,
): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>()
  child.once('error', (cause) => resolve({ kind: 'not-started', cause }))
  child.once('exit', (code, by) => resolve({ kind: 'ended', code, by }))
  const timers = [setTimeout(resolve, timeoutMs, { kind: 'late' })]
  const cancel = () => {
    if (when === 'end') resolve({ kind: 'cancelled' })
    else timers.push(setTimeout(leave, PATIENCE_MS))
  }
  const leave = () => {
    child.unref()
    resolve({ kind: 'left' })
  }
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })
  try {
    return await promise
  } finally {
    for (const timer of timers) clearTimeout(timer)
    signal.removeEventListener('abort', cancel)
  }
}

/** Ends it with all that it started. */
async function end(child: ChildProcess, graceMs: number): Promise<void> {
  const over = new AbortController()
  child.once('exit', () => over.abort())
  killGroup(child, 'SIGTERM')
  const isOver = child.exitCode !== null || child.signalCode !== null
  if (!isOver) await sleep(graceMs, undefined, { signal: over.signal }).catch(() => undefined) // aborted: it has ended
  killGroup(child, 'SIGKILL')
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // none of it is left
  }
}

async function unnamedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `tidemark-hook-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await unlink(path)
  return file
}

async function lastWords(output: FileHandle): Promise<string> {
  const { size } = await output.stat()
  const from = Math.max(0, size - LAST_WORDS)
  const { buffer, bytesRead } = await output.read(Buffer.alloc(LAST_WORDS), 0, LAST_WORDS, from)
  const text = buffer.toString('utf8', 0, bytesRead).trim()
  return text === '' ? '' : `:\n${from > 0 ? '…' : ''}${text}`
}
