import type { Channel } from './channel.ts'
import { NbdError } from './error.ts'
import { fitExtents, type NbdExport, type NbdExtent } from './export.ts'
import { outlet, type NbdFaults, type NbdReplyFault, type Outlet } from './faults.ts'
import type { Personality } from './personality.ts'
import { split } from './range.ts'
import { ALLOCATION_CONTEXT, asError, type Transmission } from './session.ts'
import {
  encodeChunkError,
  encodeData,
  encodeHole,
  encodeSimple,
  encodeStatus,
  readInto,
  readRequest,
  skip,
} from './transmission.ts'
import {
  AllocationFlag,
  Command,
  CommandFlag,
  Errno,
  nameIn,
  TransmissionFlag,
  type CommandName,
  type Request,
} from './wire.ts'

export interface ServingSettings {
  readonly connection: number
  /** Longest READ or WRITE, in bytes. */
  readonly requestBytes: number
  /** Requests worked on at once. */
  readonly inFlight: number
  /** Payload held at once, in bytes; a single request may always go. */
  readonly bytesInFlight: number
  readonly personality: Personality
  readonly faults: NbdFaults | undefined
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  readonly report: (error: Error) => void
}

/** An answer with an error. */
class Refusal extends Error {
  readonly errno: number
  constructor(errno: number, sentence: string) {
    super(sentence)
    this.errno = errno
  }
}

// proto.md allows a server to answer a long BLOCK_STATUS with less; this bounds the memory of one answer.
const STATUS_EXTENTS_MAX = 65_536

/**
 * Serves requests until the client says DISC, goes away or is thrown out. Holds at most `inFlight` requests and
 * `bytesInFlight` of payload: beyond that it stops reading, and TCP tells the client to wait.
 */
export async function serveRequests(channel: Channel, open: Transmission, settings: ServingSettings): Promise<void> {
  const room = new Room(settings.inFlight, settings.bytesInFlight)
  const end = { asked: false }
  try {
    for (let count = 1; ; count++) {
      const request = await channel.run(readRequest())
      if (request.type === Command.DISC) return
      const held = heldBytes(request, settings)
      await room.enter(held)
      if (end.asked) return
      const payload = await readPayload(channel, open, settings, request).catch((error: unknown) => {
        room.leave(held) // nobody else will: the request is never answered
        throw error
      })
      answer(channel, open, settings, request, payload, count)
        .then((goOn) => {
          if (!goOn) end.asked = true
        })
        .catch((error: unknown) => channel.fail(asError(error)))
        .finally(() => room.leave(held))
      // One at a time means that the next request is not even looked at.
      if (settings.inFlight === 1) await room.empty()
      if (end.asked) return
    }
  } finally {
    await room.empty()
  }
}

/** Answers one request. False: the connection is to end. Resolves when the answer has left. */
async function answer(
  channel: Channel,
  open: Transmission,
  settings: ServingSettings,
  request: Request,
  payload: Uint8Array | undefined,
  count: number,
): Promise<boolean> {
  const { personality } = settings
  let refused = false
  const refuse = (error: unknown) => {
    refused = true
    if (!(error instanceof Refusal)) settings.report(asError(error))
    return encodeRefusal(open, request, asError(error))
  }
  const promised = personality.answersFirst && request.type === Command.READ
  const work = promised ? promise : perform
  const parts = await work(open, settings, request, payload).catch(refuse)
  const fault = await faultOf(open, settings, request, count)
  if (fault === 'drop') return true
  if (fault === 'close') throw new NbdError('NBD_DISCONNECTED', 'a fault was asked for')
  if (typeof fault === 'object' && 'errno' in fault) {
    await sent(channel, encodeRefusal(open, request, new Refusal(Errno[fault.errno], 'a fault was asked for')))
    return true
  }
  const out =
    promised && !refused ? outlet(channel, fault, HEAD_BYTES, request.length) : outletOf(channel, fault, parts)
  await out.send(parts)
  if (promised && !refused) await sendPieces(out, open, request)
  return !(refused && personality.endsOnRefusal)
}

// The head of a simple reply.
const HEAD_BYTES = 16

/** For an answer that is all there: its longest part but the head are the data. */
function outletOf(channel: Channel, fault: NbdReplyFault, parts: readonly Uint8Array[]): Outlet {
  const data = parts.slice(1).reduce((a, b) => (b.length > a.length ? b : a), new Uint8Array())
  const before = parts.slice(0, data.length === 0 ? 1 : parts.indexOf(data))
  return outlet(
    channel,
    fault,
    before.reduce((sum, { length }) => sum + length, 0),
    data.length,
  )
}

async function faultOf(open: Transmission, settings: ServingSettings, request: Request, count: number) {
  const { faults, connection, signal } = settings
  const type = commandName(request.type)
  if (faults?.beforeReply === undefined || type === undefined) return 'pass'
  const { offset, length } = request
  return faults.beforeReply({ connection, request: count, type, exportName: open.name, offset, length, signal })
}

/** The head of an answer whose data are still to be read. */
async function promise(
  open: Transmission,
  settings: ServingSettings,
  request: Request,
): Promise<readonly Uint8Array[]> {
  checkRequest(open, settings, request)
  return [encodeSimple(request.cookie, 0)]
}

// xapi passes data on in pieces of this size.
const PIECE_BYTES = 512 * 1024

/** The data that a head has promised. An error can only cut the connection. */
async function sendPieces(out: Outlet, { export: each }: Transmission, request: Request): Promise<void> {
  if (isPastEnd(each, request)) throw new NbdError('NBD_DISCONNECTED', 'the client read past the end')
  for (const { offset, length } of split(request.offset, request.length, PIECE_BYTES)) {
    await out.send([await readExactly(each, offset, length)])
  }
}

/** Carries out a request and puts the answer together. @throws Refusal, or what the export throws */
async function perform(
  open: Transmission,
  settings: ServingSettings,
  request: Request,
  payload: Uint8Array | undefined,
): Promise<readonly Uint8Array[]> {
  const { export: each } = open
  const { type, flags, cookie, offset, length } = request
  checkRequest(open, settings, request)
  switch (type) {
    case Command.READ:
      return read(open, request)
    case Command.BLOCK_STATUS:
      return blockStatus(open, request)
    case Command.WRITE:
      await each.write?.(offset, payload ?? new Uint8Array())
      break
    case Command.TRIM:
      await each.trim?.(offset, length)
      break
    case Command.WRITE_ZEROES:
      await each.writeZeroes?.(offset, length)
      break
    case Command.FLUSH:
      await each.flush?.()
      break
    default:
      throw new Refusal(Errno.EINVAL, 'unknown request')
  }
  if ((flags & CommandFlag.FUA) !== 0 && type !== Command.FLUSH) await each.flush?.()
  return [encodeSimple(cookie, 0)]
}

async function read(open: Transmission, { cookie, flags, offset, length }: Request): Promise<readonly Uint8Array[]> {
  const { export: each, structured } = open
  if (!structured) return [encodeSimple(cookie, 0), await readExactly(each, offset, length)]
  const whole = (flags & CommandFlag.DF) !== 0 || each.extents === undefined
  const extents = whole ? [] : ((await each.extents?.(offset, length)) ?? [])
  const stretches = stretchesToRead(extents, length)
  if (stretches.length === 1 && stretches[0]?.zero !== true) {
    return encodeData(cookie, offset, await readExactly(each, offset, length), true)
  }
  const parts: Uint8Array[] = []
  let at = offset
  for (const [i, { length: size, zero }] of stretches.entries()) {
    const last = i === stretches.length - 1
    const chunk = zero
      ? encodeHole(cookie, at, size, last)
      : encodeData(cookie, at, await readExactly(each, at, size), last)
    parts.push(...chunk)
    at += size
  }
  return parts
}

// A shorter hole costs more in calls and chunks than its zeros cost on the wire.
const HOLE_BYTES_MIN = 32 * 1024

/** For a READ it only matters whether there is anything but zeros, in holes worth leaving out. */
function stretchesToRead(extents: readonly NbdExtent[], length: number): NbdExtent[] {
  const alike = fitExtents(
    extents.map(({ length, zero }) => ({ length, zero, hole: zero })),
    length,
  )
  const worth = alike.map(({ length, zero }) => {
    const hole = zero && length >= HOLE_BYTES_MIN
    return { length, zero: hole, hole }
  })
  return fitExtents(worth, length)
}

async function blockStatus(open: Transmission, request: Request): Promise<readonly Uint8Array[]> {
  const { cookie, offset, length, flags } = request
  const found = fitExtents((await open.export.extents?.(offset, length)) ?? [], length)
  const most = (flags & CommandFlag.REQ_ONE) !== 0 ? 1 : STATUS_EXTENTS_MAX
  const extents = found.slice(0, most).map(({ length, hole, zero }) => ({
    length,
    flags: (hole ? AllocationFlag.HOLE : 0) | (zero ? AllocationFlag.ZERO : 0),
  }))
  return encodeStatus(cookie, ALLOCATION_CONTEXT, extents)
}

async function readExactly(each: NbdExport, offset: number, length: number): Promise<Uint8Array> {
  const data = await each.read(offset, length)
  if (data.length === length) return data
  throw new Error(`the export gave ${data.length} bytes of ${length} at ${offset}`)
}

const flagsAllowed: Readonly<Partial<Record<number, number>>> = {
  [Command.READ]: CommandFlag.DF | CommandFlag.FUA,
  [Command.WRITE]: CommandFlag.FUA,
  [Command.FLUSH]: CommandFlag.FUA,
  [Command.TRIM]: CommandFlag.FUA,
  [Command.WRITE_ZEROES]: CommandFlag.FUA | CommandFlag.NO_HOLE,
  [Command.BLOCK_STATUS]: CommandFlag.REQ_ONE | CommandFlag.FUA,
}

/** @throws Refusal */
function checkRequest(open: Transmission, settings: ServingSettings, request: Request): void {
  const { personality, requestBytes } = settings
  const { type, flags, offset, length } = request
  const allowed = flagsAllowed[type]
  if (allowed === undefined) throw new Refusal(Errno.EINVAL, `request of the unknown type ${type}`)
  if ((flags & ~allowed) !== 0) throw new Refusal(Errno.EINVAL, `flags 0x${flags.toString(16)} are not known here`)
  if (!offers(open, type)) throw notOffered(open, personality, type)
  if (type === Command.FLUSH) return
  const { minimum } = personality.blockSize
  if (offset % minimum !== 0 || length % minimum !== 0) throw new Refusal(Errno.EINVAL, `not on blocks of ${minimum}`)
  if (personality.answersFirst) return
  if (length === 0) throw new Refusal(Errno.EINVAL, 'an empty range')
  if (isPastEnd(open.export, request)) throw new Refusal(changes(type) ? Errno.ENOSPC : Errno.EINVAL, 'past the end')
  if (carriesData(type) && length > requestBytes) {
    throw new Refusal(Errno.EINVAL, `${length} bytes are more than ${requestBytes} at once`)
  }
}

const changes = (type: number): boolean =>
  type === Command.WRITE || type === Command.TRIM || type === Command.WRITE_ZEROES

const carriesData = (type: number): boolean => type === Command.READ || type === Command.WRITE

const isPastEnd = (each: NbdExport, { offset, length }: Request): boolean => offset + length > each.size

const isReadOnly = ({ flags }: Transmission): boolean => (flags & TransmissionFlag.READ_ONLY) !== 0

function offers(open: Transmission, type: number): boolean {
  const has = (flag: number) => (open.flags & flag) !== 0
  if (type === Command.FLUSH) return has(TransmissionFlag.SEND_FLUSH)
  if (type === Command.TRIM) return has(TransmissionFlag.SEND_TRIM)
  if (type === Command.WRITE_ZEROES) return has(TransmissionFlag.SEND_WRITE_ZEROES)
  if (type === Command.WRITE) return !isReadOnly(open)
  return type !== Command.BLOCK_STATUS || open.allocation
}

/** proto.md wants EPERM for every change of a read-only export; xapi has it for WRITE alone. */
function notOffered(open: Transmission, { endsOnRefusal }: Personality, type: number): Refusal {
  const forbidden = isReadOnly(open) && (endsOnRefusal ? type === Command.WRITE : changes(type))
  if (forbidden) return new Refusal(Errno.EPERM, 'the export is read-only')
  return new Refusal(Errno.EINVAL, `${nameIn(Command, type)} was not offered`)
}

/** READ and BLOCK_STATUS are refused in chunks where chunks were agreed; everything else simply. */
function encodeRefusal({ structured }: Transmission, { cookie, type }: Request, error: Error): Uint8Array[] {
  const errno = error instanceof Refusal ? error.errno : errnoOf(error)
  const inChunks = structured && (type === Command.READ || type === Command.BLOCK_STATUS)
  // What an export throws may name paths and sessions; only our own sentences go out.
  const sentence = error instanceof Refusal ? error.message : ''
  return inChunks ? encodeChunkError(cookie, errno, sentence) : [encodeSimple(cookie, errno)]
}

function errnoOf(error: Error): number {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return Object.entries(Errno).find(([name]) => name === code)?.[1] ?? Errno.EIO
}

/** Takes the data of a WRITE off the stream; data that no one will take are dropped without being held. */
async function readPayload(
  channel: Channel,
  open: Transmission,
  { requestBytes, personality }: ServingSettings,
  { type, length }: Request,
): Promise<Uint8Array | undefined> {
  if (type !== Command.WRITE || length === 0) return undefined
  if (length <= requestBytes && !isReadOnly(open)) return channel.run(readInto(Buffer.allocUnsafeSlow(length)))
  if (!personality.endsOnRefusal) await channel.run(skip(length))
  return undefined
}

const heldBytes = ({ type, length }: Request, { requestBytes }: ServingSettings): number =>
  carriesData(type) ? Math.min(length, requestBytes) : 0

const sent = (channel: Channel, parts: readonly Uint8Array[]): Promise<void> =>
  new Promise((resolve) => channel.send(parts, resolve))

function commandName(type: number): CommandName | undefined {
  return (Object.keys(Command) as CommandName[]).find((name) => Command[name] === type)
}

/** Counts what is under way, and lets the next one in when there is room. */
class Room {
  readonly #requestsMax: number
  readonly #bytesMax: number
  #requests = 0
  #bytes = 0
  #wake: (() => void) | undefined

  constructor(requestsMax: number, bytesMax: number) {
    this.#requestsMax = requestsMax
    this.#bytesMax = bytesMax
  }

  async enter(bytes: number): Promise<void> {
    while (this.#requests >= this.#requestsMax || (this.#requests > 0 && this.#bytes + bytes > this.#bytesMax)) {
      await this.#change()
    }
    this.#requests++
    this.#bytes += bytes
  }

  leave(bytes: number): void {
    this.#requests--
    this.#bytes -= bytes
    this.#wake?.()
    this.#wake = undefined
  }

  async empty(): Promise<void> {
    while (this.#requests > 0) await this.#change()
  }

  /** Only the connection's own loop waits, so there is one to wake. */
  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}
