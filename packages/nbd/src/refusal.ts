import type { NbdExport } from './export.ts'
import type { Personality } from './personality.ts'
import type { Transmission } from './session.ts'
import { encodeChunkError, encodeSimple } from './transmission.ts'
import { Command, CommandFlag, Errno, nameIn, TransmissionFlag, type Request } from './wire.ts'

/** An answer with an error. */
export class Refusal extends Error {
  readonly errno: number
  constructor(errno: number, sentence: string) {
    super(sentence)
    this.errno = errno
  }
}

const flagsAllowed: Readonly<Partial<Record<number, number>>> = {
  [Command.READ]: CommandFlag.DF | CommandFlag.FUA,
  [Command.WRITE]: CommandFlag.FUA,
  [Command.FLUSH]: CommandFlag.FUA,
  [Command.TRIM]: CommandFlag.FUA,
  [Command.CACHE]: CommandFlag.FUA,
  [Command.WRITE_ZEROES]: CommandFlag.FUA | CommandFlag.NO_HOLE | CommandFlag.FAST_ZERO,
  [Command.BLOCK_STATUS]: CommandFlag.REQ_ONE | CommandFlag.FUA,
}

interface Rules {
  readonly personality: Personality
  /** Longest READ or WRITE, in bytes. */
  readonly requestBytes: number
}

/** @throws Refusal when the export, the protocol or the server's limits do not allow it */
export function checkRequest(open: Transmission, rules: Rules, request: Request): void {
  const refusal = refusalOf(open, rules, request)
  if (refusal !== undefined) throw refusal
}

/** Why a request is not carried out; undefined: it may be. */
export function refusalOf(
  open: Transmission,
  { personality, requestBytes }: Rules,
  request: Request,
): Refusal | undefined {
  const { type, flags, offset, length } = request
  const allowed = flagsAllowed[type]
  if (allowed === undefined) return new Refusal(Errno.EINVAL, `request of the unknown type ${type}`)
  if ((flags & ~allowed) !== 0) return new Refusal(Errno.EINVAL, `flags 0x${flags.toString(16)} are not known here`)
  if (!offers(open, type)) return notOffered(open, personality, type)
  if (type === Command.FLUSH) return undefined
  const { minimum } = personality.blockSize
  if (offset % minimum !== 0 || length % minimum !== 0) return new Refusal(Errno.EINVAL, `not on blocks of ${minimum}`)
  if (personality.answersFirst) return undefined
  if (length === 0) return new Refusal(Errno.EINVAL, 'an empty range')
  if (isPastEnd(open.export, request)) return new Refusal(changes(type) ? Errno.ENOSPC : Errno.EINVAL, 'past the end')
  if (carriesData(type) && length > requestBytes) {
    return new Refusal(Errno.EINVAL, `${length} bytes are more than ${requestBytes} at once`)
  }
  if ((flags & CommandFlag.FAST_ZERO) !== 0 && !has(open, TransmissionFlag.SEND_FAST_ZERO)) {
    // Not ENOTSUP, which is for those who were told of the flag: proto.md, "NBD_CMD_WRITE_ZEROES".
    return new Refusal(Errno.EINVAL, 'fast zeroes were not offered')
  }
  return undefined
}

/** READ and BLOCK_STATUS are refused in chunks where chunks were agreed; everything else simply. */
export function encodeRefusal({ structured }: Transmission, { cookie, type }: Request, error: Error): Uint8Array[] {
  const errno = error instanceof Refusal ? error.errno : errnoOf(error)
  const inChunks = structured && (type === Command.READ || type === Command.BLOCK_STATUS)
  // What an export throws may name paths and sessions; only our own sentences go out.
  const sentence = error instanceof Refusal ? error.message : ''
  return inChunks ? encodeChunkError(cookie, errno, sentence) : [encodeSimple(cookie, errno)]
}

export const carriesData = (type: number): boolean => type === Command.READ || type === Command.WRITE

export const isPastEnd = (each: NbdExport, { offset, length }: Request): boolean => offset + length > each.size

export const isReadOnly = (open: Transmission): boolean => has(open, TransmissionFlag.READ_ONLY)

const has = ({ flags }: Transmission, flag: number): boolean => (flags & flag) !== 0

const changes = (type: number): boolean =>
  type === Command.WRITE || type === Command.TRIM || type === Command.WRITE_ZEROES

function offers(open: Transmission, type: number): boolean {
  switch (type) {
    case Command.FLUSH:
      return has(open, TransmissionFlag.SEND_FLUSH)
    case Command.TRIM:
      return has(open, TransmissionFlag.SEND_TRIM)
    case Command.WRITE_ZEROES:
      return has(open, TransmissionFlag.SEND_WRITE_ZEROES)
    case Command.CACHE:
      return has(open, TransmissionFlag.SEND_CACHE)
    case Command.WRITE:
      return !isReadOnly(open)
    default:
      return type !== Command.BLOCK_STATUS || open.allocation
  }
}

/** proto.md wants EPERM for every change of a read-only export; xapi has it for WRITE alone. */
function notOffered(open: Transmission, { endsOnRefusal }: Personality, type: number): Refusal {
  const forbidden = isReadOnly(open) && (endsOnRefusal ? type === Command.WRITE : changes(type))
  if (forbidden) return new Refusal(Errno.EPERM, 'the export is read-only')
  return new Refusal(Errno.EINVAL, `${nameIn(Command, type)} was not offered`)
}

function errnoOf(error: Error): number {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return Object.entries(Errno).find(([name]) => name === code)?.[1] ?? Errno.EIO
}
