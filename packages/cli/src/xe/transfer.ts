import { createReadStream } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { CliError } from '../error.ts'
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

const BAR_WIDTH = 54
const REFRESH_MS = 200
const SPINNER = '-\\|/'

/** With `progress=true`: how far a transfer is, on one line that is written over. */
export async function* withProgress(
  body: AsyncIterable<Uint8Array>,
  total: number | undefined,
  { warn }: Terminal,
): AsyncGenerator<Uint8Array> {
  const begun = Date.now()
  let [seen, shown, turn] = [0, 0, 0]
  const show = () => warn(`\r[${SPINNER[turn++ % SPINNER.length] ?? ''}] ${bar(seen, total, Date.now() - begun)}`)
  for await (const chunk of body) {
    yield chunk
    seen += chunk.length
    if (Date.now() - shown < REFRESH_MS) continue
    shown = Date.now()
    show()
  }
  show()
  warn(`\nTotal time: ${clock(Date.now() - begun)}\n`)
}

/** A bar with the share and the time that is left, or how much there was when nobody knows how much there is. */
function bar(seen: number, total: number | undefined, elapsedMs: number): string {
  if (total === undefined || total === 0) return `${Math.floor(seen / (1 << 20))} MiB`
  const share = Math.min(1, seen / total)
  const filled = Math.round(share * BAR_WIDTH)
  const line = `${'#'.repeat(Math.max(0, filled - 1))}${filled > 0 ? '>' : ''}`.padEnd(BAR_WIDTH)
  const left = share === 0 ? 0 : elapsedMs / share - elapsedMs
  return `${line}  (${String(Math.floor(share * 100)).padStart(3)}% ETA ${clock(left)})`
}

/** `01:02:03`, without an end of days. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}
