import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { xe } from '../../packages/cli/src/xe/run.ts'
import type { Bench } from './pool.ts'

const MAIN = resolve(import.meta.dirname, '../../packages/cli/src/main.ts')

/** What a command of xe did. */
export interface XeRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** What it wrote to the standard output as bytes: an export with an empty filename. */
  readonly bytes: Buffer
}

/** What surrounds a command. */
export interface XeSurroundings {
  /** Its standard input. */
  readonly input?: Buffer
  readonly signal?: AbortSignal
  /** Hears each text for the standard error. */
  readonly heard?: (text: string) => void
}

/** Runs one command in this process, on the pool of the bench. */
export async function runXe(
  { directory }: Bench,
  args: readonly string[],
  { input = Buffer.alloc(0), signal = new AbortController().signal, heard = () => {} }: XeSurroundings = {},
): Promise<XeRun> {
  let [stdout, stderr] = ['', '']
  const output = new PassThrough({ highWaterMark: 1 << 30 })
  const code = await xe({ config: join(directory, 'config.yaml'), signal }, args, {
    print: (line) => void (stdout += `${line}\n`),
    warn(text) {
      stderr += text
      heard(text)
    },
    input: Readable.from([input]),
    output,
  })
  return { code, stdout, stderr, bytes: (output.read() as Buffer | null) ?? Buffer.alloc(0) }
}

/** The same as a process of its own, as people run it. */
export function spawnXe({ directory }: Bench, args: readonly string[]): Promise<XeRun> {
  const { promise, resolve: done } = Promise.withResolvers<XeRun>()
  const all = ['--conditions=@tidemark/source', MAIN, '--config', join(directory, 'config.yaml'), 'xe', ...args]
  const options = { maxBuffer: 1 << 28, encoding: 'buffer' } as const
  execFile(process.execPath, all, options, (error, bytes, stderr) => {
    const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
    done({ code, stdout: bytes.toString(), stderr: stderr.toString(), bytes })
  })
  return promise
}
