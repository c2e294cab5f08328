import { NbdError } from './error.ts'
import type { Parser } from './parser.ts'
import { encodeOne, u16, u32, viewOf } from './struct.ts'
import {
  clientFlags,
  EXPORT_NAME_ZEROES,
  exportReply,
  greeting,
  GREETING_MAGIC,
  Info,
  infoBlockSize,
  infoExport,
  OPTION_BYTES_MAX,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  optionHead,
  optionReply,
  Rep,
  STRING_BYTES_MAX,
} from './wire.ts'

// The server's half of the fixed newstyle handshake: options parsed, answers put together. No I/O.

/** An option as it came, its data not looked at yet. */
export interface ReceivedOption {
  /** Option */
  readonly option: number
  readonly data: Uint8Array
}

export const encodeGreeting = (flags: number): Uint8Array =>
  greeting.encode({ magic: GREETING_MAGIC, style: OPTION_MAGIC, flags })

/** Reads the client's flags. */
export function* readClientFlags(): Parser<number> {
  return clientFlags.decode(yield clientFlags.size).flags
}

/** Reads one option with its data. @throws NbdError NBD_PROTOCOL (no option, or longer than any real one) */
export function* readOption(): Parser<ReceivedOption> {
  const { magic, option, length } = optionHead.decode(yield optionHead.size)
  if (magic !== OPTION_MAGIC) throw new NbdError('NBD_PROTOCOL', 'the client sent something else than an option')
  if (length > OPTION_BYTES_MAX) throw new NbdError('NBD_PROTOCOL', `the client sent an option of ${length} bytes`)
  return { option, data: (yield length).slice() }
}

/** The answer to an option. */
export const encodeReply = (option: number, type: number, ...data: readonly Uint8Array[]): Uint8Array[] => {
  const length = data.reduce((sum, part) => sum + part.length, 0)
  return [optionReply.encode({ magic: OPTION_REPLY_MAGIC, option, type, length }), ...data]
}

/** A refusal, with a sentence for the log of the client. */
export const encodeRefusal = (option: number, type: number, sentence = ''): Uint8Array[] =>
  encodeReply(option, type, new TextEncoder().encode(sentence))

/** One export's name, as answer to LIST. */
export function encodeListed(option: number, name: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(name)
  return encodeReply(option, Rep.SERVER, encodeOne(u32, bytes.length), bytes)
}

/** A granted metadata context. */
export const encodeContext = (option: number, id: number, name: string): Uint8Array[] =>
  encodeReply(option, Rep.META_CONTEXT, encodeOne(u32, id), new TextEncoder().encode(name))

/** What INFO and GO tell of an export, before the ACK. */
export function encodeInfo(
  option: number,
  described: {
    readonly name: string
    readonly description: string | undefined
    readonly size: number
    readonly flags: number
    readonly blockSize: { readonly minimum: number; readonly preferred: number; readonly maximum: number }
  },
  wanted: readonly number[],
): Uint8Array[] {
  const { name, description, size, flags, blockSize } = described
  const told = (info: number, text: string) =>
    wanted.includes(info) ? encodeReply(option, Rep.INFO, encodeOne(u16, info), new TextEncoder().encode(text)) : []
  return [
    ...encodeReply(option, Rep.INFO, infoExport.encode({ info: Info.EXPORT, size, flags })),
    ...told(Info.NAME, name),
    ...(description === undefined ? [] : told(Info.DESCRIPTION, description)),
    ...encodeReply(option, Rep.INFO, infoBlockSize.encode({ info: Info.BLOCK_SIZE, ...blockSize })),
  ]
}

/** The answer to EXPORT_NAME, in one piece: XenServer's Python samples read its tail with a single `recv`. */
export function encodeExport(size: number, flags: number, zeroes: boolean): Uint8Array {
  const bytes = new Uint8Array(exportReply.size + (zeroes ? EXPORT_NAME_ZEROES : 0))
  bytes.set(exportReply.encode({ size, flags }))
  return bytes
}

/** Data of INFO and GO: a name and the kinds of information wanted. Undefined when malformed. */
export function parseInfoRequest(data: Uint8Array): { name: string; wanted: number[] } | undefined {
  const name = countedAt(data, 0)
  if (name === undefined || data.length < name.end + 2) return undefined
  const view = viewOf(data)
  const count = view.getUint16(name.end)
  if (data.length !== name.end + 2 + 2 * count) return undefined
  return { name: name.text, wanted: Array.from({ length: count }, (_, i) => view.getUint16(name.end + 2 + 2 * i)) }
}

/** Data of LIST_META_CONTEXT and SET_META_CONTEXT: a name and queries. Undefined when malformed. */
export function parseMetaRequest(data: Uint8Array): { name: string; queries: string[] } | undefined {
  const name = countedAt(data, 0)
  if (name === undefined || data.length < name.end + 4) return undefined
  const count = viewOf(data).getUint32(name.end)
  const queries: string[] = []
  let at = name.end + 4
  for (let i = 0; i < count; i++) {
    const query = countedAt(data, at)
    if (query === undefined) return undefined
    queries.push(query.text)
    at = query.end
  }
  return at === data.length ? { name: name.text, queries } : undefined
}

/** The name in an EXPORT_NAME, which is all of its data. Undefined when malformed. */
export function parseName(data: Uint8Array): string | undefined {
  return data.length > STRING_BYTES_MAX ? undefined : utf8(data)
}

function countedAt(data: Uint8Array, at: number): { text: string; end: number } | undefined {
  if (data.length < at + 4) return undefined
  const length = viewOf(data).getUint32(at)
  if (length > STRING_BYTES_MAX || data.length < at + 4 + length) return undefined
  const text = utf8(data.subarray(at + 4, at + 4 + length))
  return text === undefined ? undefined : { text, end: at + 4 + length }
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined // not UTF-8: malformed, which the caller answers
  }
}
