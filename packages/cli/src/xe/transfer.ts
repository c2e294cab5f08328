import { createReadStream } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { CliError } from '../error.ts'
import { duration } from '../output/units.ts'
import type { Terminal } from './terminal.ts'

/** What xe says when the local end of a transfer fails. */
const localFailure = (text: string, cause?: unknown): CliError =>
  new CliError('CLI_XE', `Operation failed. Error: ${text}`, { cause })

/** A file of which we know how long it is, or what comes in. */
export interface Source {
  /** Bytes; undefined for a pipe. */
  readonly length: number | undefined
  readonly body: AsyncIterable<Uint8Array>
}

/** The file of `filename=`; an empty name is the standard input. @throws CliError CLI_XE */
export async function openSource(filename: string, { input }: Terminal): Promise<Source> {
  if (filename === '') return { length: undefined, body: input }
  const found = await stat(filename).catch(() => undefined)
  if (found === undefined) throw localFailure(`file '${filename}' does not exist`)
  return {
    length: found.isFile() ? found.size : undefined,
    body: createReadStream(filename, { highWaterMark: 1 << 20 }),
  }
}

/**
 * Writes a body to the file of `filename=`, which must not exist yet; an empty name is the standard output. A file that
 * cannot be completed is removed.
 */
export async function saveTo(filename: string, body: AsyncIterable<Uint8Array>, { output }: Terminal): Promise<void> {
  if (filename === '') return pipeline(body, output, { end: false })
  const file = await open(filename, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'EEXIST' ? 'it exists already' : cause.message
    throw localFailure(`file '${filename}' cannot be made: ${problem}`, cause)
  })
  try {
    await pipeline(body, file.createWriteStream({ highWaterMark: 1 << 20 }))
  } catch (error) {
    await rm(filename, { force: true })
    throw error
  }
}

const BAR_WIDTH = 50
const REFRESH_MS = 200

/** With `progress=true`: how far a transfer is, on one line that is written over. */
export async function* withProgress(
  body: AsyncIterable<Uint8Array>,
  total: number | undefined,
  terminal: Terminal,
): AsyncGenerator<Uint8Array> {
  const begun = Date.now()
  let [seen, shown] = [0, 0]
  for await (const chunk of body) {
    yield chunk
    seen += chunk.length
    if (Date.now() - shown < REFRESH_MS) continue
    shown = Date.now()
    terminal.warn(`\r${bar(seen, total)}`)
  }
  terminal.warn(`\r${bar(seen, total)}\nTotal time: ${duration(Date.now() - begun)}\n`)
}

function bar(seen: number, total: number | undefined): string {
  if (total === undefined || total === 0) return `[*] ${Math.floor(seen / (1 << 20))} MiB`
  const share = Math.min(1, seen / total)
  const filled = '#'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH)
  return `[*] ${filled} (${String(Math.floor(share * 100)).padStart(3)}%)`
}
