import type { Duplex } from 'node:stream'
import { LabError } from '../error.ts'

/** What qemu says by itself: `SHUTDOWN`, `RESET`, `POWERDOWN` … */
export type QmpEvent = string

export interface Qmp {
  /** Resolves when qemu has taken the command. @throws LabError LAB_MACHINE when it refuses, or is gone */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<void>
}

interface Message {
  readonly QMP?: object
  readonly return?: object
  readonly error?: { readonly desc: string }
  readonly event?: string
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * The QEMU Machine Protocol: JSON objects, a line each, answers in the order of the commands.
 * @see QEMU, docs/interop/qmp-spec
 */
export async function openQmp(stream: Duplex, onEvent: (event: QmpEvent) => void): Promise<Qmp> {
  const waiting: Waiting[] = []
  let ended = false
  const expect = (): Promise<void> => new Promise((resolve, reject) => waiting.push({ resolve, reject }))
  const end = () => {
    ended = true
    for (const { reject } of waiting.splice(0)) reject(gone())
  }
  readLines(stream, (line) => {
    const message = JSON.parse(line) as Message
    if (message.event !== undefined) return onEvent(message.event)
    const next = waiting.shift()
    if (message.error === undefined) next?.resolve()
    else next?.reject(new LabError('LAB_MACHINE', `qemu refuses: ${message.error.desc}`))
  })
  stream.once('error', end)
  stream.once('close', end)
  const execute: Qmp['execute'] = async (command, args = {}) => {
    if (ended) throw gone()
    const answer = expect()
    stream.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    await answer
  }
  await expect() // its greeting
  await execute('qmp_capabilities')
  return { execute }
}

const gone = (): LabError => new LabError('LAB_MACHINE', 'qemu has ended')

/** A guest may send whatever it likes. */
const LINE_MAX = 65_536

/** Calls `onLine` for each line of a stream, without its end. What is longer than 64 KiB is dropped. */
export function readLines(stream: Duplex, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = `${rest}${text}`.split(/\r?\n/)
    rest = (lines.pop() ?? '').slice(-LINE_MAX)
    for (const line of lines) if (line !== '' && line.length <= LINE_MAX) onLine(line)
  })
}
