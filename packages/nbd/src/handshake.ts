import { NbdError } from './error.ts'
import type { Parser } from './parser.ts'
import { encodeOne, u16, u32, viewOf } from './struct.ts'
import {
  clientFlags,
  ClientFlag,
  EXPORT_NAME_ZEROES,
  exportReply,
  greeting,
  GREETING_MAGIC,
  HandshakeFlag,
  Info,
  infoBlockSize,
  infoExport,
  nameIn,
  OLDSTYLE_MAGIC,
  Option,
  OPTION_BYTES_MAX,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  optionHead,
  optionReply,
  Rep,
  REP_ERROR_BIT,
  STRING_BYTES_MAX,
} from './wire.ts'

// The client's half of the fixed newstyle handshake: one function per option. None of them does I/O: they yield what
// they need, and hand what they say to `send`.

export type Send = (parts: readonly Uint8Array[]) => void

/** What the server's first words say. */
export interface Greeting {
  /** False: the server knows no option but EXPORT_NAME. */
  readonly fixed: boolean
  /** True: both sides waive the zeroes after EXPORT_NAME. */
  readonly noZeroes: boolean
}

/** An export as the handshake describes it. */
export interface ExportInfo {
  /** Bytes. */
  readonly size: number
  /** TransmissionFlag bits. */
  readonly flags: number
  /** Bytes; absent when the server did not say. */
  readonly blockSize?: { readonly minimum: number; readonly preferred: number; readonly maximum: number }
}

/** An export that is open for transmission. */
export interface Negotiated extends ExportInfo {
  /** READ is answered in chunks. */
  readonly structured: boolean
  /** Metadata contexts by the number the server gave them. */
  readonly contexts: ReadonlyMap<number, string>
}

type Answer =
  | { readonly accepted: true; readonly replies: readonly { readonly type: number; readonly data: Uint8Array }[] }
  | { readonly accepted: false; readonly type: number; readonly message: string }

// More than any server lists, and a bound on what a hostile one can make us hold.
const ANSWER_BYTES_MAX = 8 * 1024 * 1024

/** Reads the greeting and answers it. @throws NbdError NBD_PROTOCOL (no NBD, or the oldstyle) */
export function* greet(send: Send): Parser<Greeting> {
  const { magic, style, flags } = greeting.decode(yield greeting.size)
  if (magic !== GREETING_MAGIC) throw new NbdError('NBD_PROTOCOL', 'the server does not speak NBD')
  if (style === OLDSTYLE_MAGIC) throw new NbdError('NBD_PROTOCOL', 'the server speaks oldstyle NBD; newstyle is needed')
  if (style !== OPTION_MAGIC) throw new NbdError('NBD_PROTOCOL', 'the server speaks a style of NBD that is not known')
  const fixed = (flags & HandshakeFlag.FIXED_NEWSTYLE) !== 0
  const noZeroes = (flags & HandshakeFlag.NO_ZEROES) !== 0
  const own = (fixed ? ClientFlag.FIXED_NEWSTYLE : 0) | (noZeroes ? ClientFlag.NO_ZEROES : 0)
  send([clientFlags.encode({ flags: own })])
  return { fixed, noZeroes }
}

/** Asks for TLS; after it the channel must be upgraded. @throws NbdError NBD_TLS (the server refused) */
export function* startTls(send: Send, { fixed }: Greeting): Parser<void> {
  if (!fixed) throw new NbdError('NBD_TLS', 'the server is too old for TLS; nothing was sent in the clear')
  const answer = yield* ask(send, Option.STARTTLS, [])
  if (answer.accepted) return
  throw new NbdError(
    'NBD_TLS',
    `the server offers no TLS (${refusal(answer)}); nothing was sent in the clear. On XenServer and XCP-ng the network ` +
      'needs the purpose "nbd" instead of "insecure_nbd"',
  )
}

/**
 * Opens an export for transmission: structured replies and metadata contexts where the server has them, GO, and
 * EXPORT_NAME where it knows no GO, as xapi.
 * @throws NbdError NBD_EXPORT (no such export), NBD_TLS (the server insists on TLS), NBD_REFUSED, NBD_PROTOCOL
 */
export function* openExport(
  send: Send,
  hello: Greeting,
  wish: { readonly exportName: string; readonly contexts: readonly string[] },
): Parser<Negotiated> {
  if (!hello.fixed)
    return { ...(yield* exportName(send, hello, wish.exportName)), structured: false, contexts: new Map() }
  const structured = yield* structuredReplies(send)
  const contexts =
    structured && wish.contexts.length > 0 ? yield* setMetaContext(send, wish.exportName, wish.contexts) : new Map()
  const info = (yield* go(send, wish.exportName)) ?? (yield* exportName(send, hello, wish.exportName))
  return { ...info, structured, contexts }
}

/** Asks for replies in chunks. A refusal of any kind only means plain replies. */
export function* structuredReplies(send: Send): Parser<boolean> {
  const answer = yield* ask(send, Option.STRUCTURED_REPLY, [])
  if (!answer.accepted) refuseIfTls(answer)
  return answer.accepted
}

/** Selects metadata contexts. Those the server does not have are left out; without any the map is empty. */
function* setMetaContext(send: Send, name: string, contexts: readonly string[]): Parser<Map<number, string>> {
  const answer = yield* ask(send, Option.SET_META_CONTEXT, metaQuery(name, contexts))
  if (!answer.accepted) return new Map()
  return new Map(metaContexts(answer.replies))
}

/** Which metadata contexts the server has for an export. @throws NbdError NBD_REFUSED */
export function* listMetaContexts(send: Send, name: string, queries: readonly string[]): Parser<string[]> {
  const answer = yield* ask(send, Option.LIST_META_CONTEXT, metaQuery(name, queries))
  if (!answer.accepted) throw refused(answer, name)
  return [...metaContexts(answer.replies)].map(([, context]) => context)
}

/** Opens the export. Undefined when the server knows no GO. @throws NbdError NBD_EXPORT, NBD_REFUSED */
export const go = (send: Send, name: string): Parser<ExportInfo | undefined> => describe(send, Option.GO, name)

/** Describes an export without opening it. Undefined when the server knows no INFO. @throws NbdError NBD_EXPORT, NBD_REFUSED */
export const info = (send: Send, name: string): Parser<ExportInfo | undefined> => describe(send, Option.INFO, name)

function* describe(send: Send, option: number, name: string): Parser<ExportInfo | undefined> {
  const answer = yield* ask(send, option, [...counted(name), encodeOne(u16, 1), encodeOne(u16, Info.BLOCK_SIZE)])
  if (!answer.accepted) {
    if (answer.type === Rep.ERR_UNSUP) return undefined
    throw refused(answer, name)
  }
  let found: { size: number; flags: number } | undefined
  let blockSize: ExportInfo['blockSize']
  for (const { type, data } of answer.replies) {
    if (type !== Rep.INFO || data.length < 2) continue
    const kind = viewOf(data).getUint16(0)
    if (kind === Info.EXPORT) found = infoExport.decode(data)
    if (kind === Info.BLOCK_SIZE) blockSize = checkBlockSize(infoBlockSize.decode(data))
  }
  if (found === undefined) throw new NbdError('NBD_PROTOCOL', 'the server opened an export without telling its size')
  return { size: found.size, flags: found.flags, ...(blockSize && { blockSize }) }
}

/** Opens the export the old way: there is no refusal, the server closes the connection instead. */
export function* exportName(send: Send, { noZeroes }: Greeting, name: string): Parser<ExportInfo> {
  const data = utf8(name)
  send([optionHead.encode({ magic: OPTION_MAGIC, option: Option.EXPORT_NAME, length: data.length }), data])
  const { size, flags } = exportReply.decode(yield exportReply.size)
  if (!noZeroes) yield EXPORT_NAME_ZEROES
  return { size, flags }
}

/** The names of the exports. @throws NbdError NBD_REFUSED (the server does not tell), NBD_TLS */
export function* list(send: Send): Parser<string[]> {
  const answer = yield* ask(send, Option.LIST, [])
  if (!answer.accepted) {
    refuseIfTls(answer)
    throw new NbdError('NBD_REFUSED', `the server does not list its exports (${refusal(answer)})`)
  }
  const names: string[] = []
  for (const { type, data } of answer.replies) {
    if (type !== Rep.SERVER || data.length < 4) continue
    const length = viewOf(data).getUint32(0)
    if (length > data.length - 4)
      throw new NbdError('NBD_PROTOCOL', `an export's name of ${length} bytes in ${data.length}`)
    names.push(new TextDecoder().decode(data.subarray(4, 4 + length)))
  }
  return names
}

/** Says goodbye within the handshake. The answer need not be awaited: some servers give none. */
export const abort = (send: Send): void =>
  send([optionHead.encode({ magic: OPTION_MAGIC, option: Option.ABORT, length: 0 })])

function* ask(send: Send, option: number, data: readonly Uint8Array[]): Parser<Answer> {
  const length = data.reduce((sum, part) => sum + part.length, 0)
  send([optionHead.encode({ magic: OPTION_MAGIC, option, length }), ...data])
  const replies: { type: number; data: Uint8Array }[] = []
  for (let held = 0; ;) {
    const head = optionReply.decode(yield optionReply.size)
    if (head.magic !== OPTION_REPLY_MAGIC || head.option !== option) {
      throw new NbdError('NBD_PROTOCOL', `the server answered something else than option ${nameIn(Option, option)}`)
    }
    held += head.length + optionReply.size
    if (head.length > OPTION_BYTES_MAX || held > ANSWER_BYTES_MAX) {
      throw new NbdError('NBD_PROTOCOL', `an answer of ${held} bytes to option ${nameIn(Option, option)} is too long`)
    }
    const content = (yield head.length).slice()
    if (head.type === Rep.ACK) return { accepted: true, replies }
    if (head.type >= REP_ERROR_BIT) {
      return { accepted: false, type: head.type, message: new TextDecoder().decode(content) }
    }
    replies.push({ type: head.type, data: content })
  }
}

function* metaContexts(replies: readonly { type: number; data: Uint8Array }[]): Generator<[number, string]> {
  for (const { type, data } of replies) {
    if (type !== Rep.META_CONTEXT || data.length < 4) continue
    yield [viewOf(data).getUint32(0), new TextDecoder().decode(data.subarray(4))]
  }
}

const metaQuery = (name: string, queries: readonly string[]): Uint8Array[] => [
  ...counted(name),
  encodeOne(u32, queries.length),
  ...queries.flatMap(counted),
]

/** proto.md, "Size constraints": a server that breaks these rules would make us send what it cannot take. */
function checkBlockSize(size: { minimum: number; preferred: number; maximum: number }): ExportInfo['blockSize'] {
  const { minimum, preferred, maximum } = size
  const powerOfTwo = minimum > 0 && (minimum & (minimum - 1)) === 0
  if (!powerOfTwo || minimum > 65_536 || maximum < minimum) {
    throw new NbdError('NBD_PROTOCOL', `the server names impossible block sizes: ${minimum}, ${preferred}, ${maximum}`)
  }
  return { minimum, preferred: Math.max(preferred, minimum), maximum }
}

function refused(answer: Extract<Answer, { accepted: false }>, name: string): NbdError {
  refuseIfTls(answer)
  if (answer.type === Rep.ERR_UNKNOWN) {
    return new NbdError('NBD_EXPORT', `the server has no export ${JSON.stringify(redact(name))} (${refusal(answer)})`)
  }
  const retryable = answer.type === Rep.ERR_SHUTDOWN
  return new NbdError('NBD_REFUSED', `the server does not open the export (${refusal(answer)})`, { retryable })
}

function refuseIfTls(answer: Extract<Answer, { accepted: false }>): void {
  if (answer.type !== Rep.ERR_TLS_REQD) return
  throw new NbdError('NBD_TLS', 'the server insists on TLS; give the certificate to trust')
}

const refusal = ({ type, message }: { type: number; message: string }): string =>
  message === '' ? nameIn(Rep, type) : `${nameIn(Rep, type)}: ${redact(message)}`

/** xapi's export names carry the caller's session, which must reach no log. */
export const redact = (name: string): string => name.replace(/(session_id=)[^&]+/, '$1…')

/** @throws NbdError NBD_RANGE (longer than the protocol allows) */
function utf8(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > STRING_BYTES_MAX) {
    throw new NbdError('NBD_RANGE', `a name of ${bytes.length} bytes; NBD allows ${STRING_BYTES_MAX}`)
  }
  return bytes
}

function counted(text: string): Uint8Array[] {
  const bytes = utf8(text)
  return [encodeOne(u32, bytes.length), bytes]
}
