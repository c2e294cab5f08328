import { HEAD_ROOM, type BufferPool } from './buffers.ts'
import { fitExtents, type NbdExport, type NbdExtent } from './export.ts'
import { Refusal } from './refusal.ts'
import { ALLOCATION_CONTEXT, type Transmission } from './session.ts'
import {
  DATA_HEAD_BYTES,
  dataHead,
  encodeHole,
  encodeSimple,
  encodeStatus,
  putDataHead,
  putSimpleHead,
  SIMPLE_HEAD_BYTES,
} from './transmission.ts'
import { AllocationFlag, Command, CommandFlag, Errno, type Request } from './wire.ts'

/** An answer, ready to be sent. */
export interface Answer {
  readonly parts: readonly Uint8Array[]
  /** Where its first data begin, in bytes from its start. */
  readonly dataAt: number
  /** Of those data, in bytes; 0: it carries none. */
  readonly dataLength: number
  /** Back to the pool once the answer has left. */
  readonly buffers: readonly Uint8Array[]
}

export const plainAnswer = (parts: readonly Uint8Array[]): Answer => ({
  parts,
  dataAt: parts[0]?.length ?? 0,
  dataLength: 0,
  buffers: [],
})

/** Carries out a request that was checked, and puts the answer together. @throws Refusal, or what the export throws */
export async function perform(
  open: Transmission,
  pool: BufferPool,
  request: Request,
  payload: Uint8Array | undefined,
): Promise<Answer> {
  const { export: each } = open
  const { type, flags, cookie, offset, length } = request
  switch (type) {
    case Command.READ:
      return open.structured ? readChunks(open, pool, request) : readPlain(open, pool, request)
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
    case Command.CACHE:
      await each.cache?.(offset, length)
      return plainAnswer([encodeSimple(cookie, 0)])
    case Command.FLUSH:
      await each.flush?.()
      break
    default:
      throw new Refusal(Errno.EINVAL, 'unknown request')
  }
  if ((flags & CommandFlag.FUA) !== 0 && type !== Command.FLUSH) await each.flush?.()
  return plainAnswer([encodeSimple(cookie, 0)])
}

async function readPlain({ export: each }: Transmission, pool: BufferPool, request: Request): Promise<Answer> {
  const head = encodeSimple(request.cookie, 0)
  return answerOf([await readPart(each, pool, head, request.offset, request.length)])
}

async function readChunks({ export: each }: Transmission, pool: BufferPool, request: Request): Promise<Answer> {
  const { cookie, flags, offset, length } = request
  const whole = (flags & CommandFlag.DF) !== 0 || each.extents === undefined
  const stretches = stretchesToRead(whole ? [] : ((await each.extents?.(offset, length)) ?? []), length)
  const parts: Part[] = []
  let at = offset
  for (const [i, { length: size, zero }] of stretches.entries()) {
    const last = i === stretches.length - 1
    if (zero) parts.push({ bytes: encodeHole(cookie, at, size, last) })
    else parts.push(await readPart(each, pool, dataHead(cookie, at, size, last), at, size))
    at += size
  }
  return answerOf(parts)
}

/**
 * The answer to a READ that was checked, in a buffer of the pool, where nothing has to be waited for. Undefined: there is
 * something to wait for, or to leave out.
 */
export function readAtOnce(open: Transmission, pool: BufferPool, request: Request): ReadyAnswer | undefined {
  const { export: each, structured } = open
  const { cookie, flags, offset, length } = request
  if (each.readNow === undefined) return undefined
  const looksForHoles = structured && each.extents !== undefined && (flags & CommandFlag.DF) === 0
  if (looksForHoles && !isAllData(each, offset, length)) return undefined
  const buffer = pool.take(length)
  const end = HEAD_ROOM + length
  if (!each.readNow(buffer.subarray(HEAD_ROOM, end), offset)) {
    pool.give(buffer)
    return undefined
  }
  const start = HEAD_ROOM - (structured ? DATA_HEAD_BYTES : SIMPLE_HEAD_BYTES)
  if (structured) putDataHead(buffer, start, { cookie, offset, length, done: true })
  else putSimpleHead(buffer, start, cookie)
  return { bytes: buffer.subarray(start, end), buffer }
}

/** The bytes to be sent, and the buffer that they are in. */
interface ReadyAnswer {
  readonly bytes: Uint8Array
  readonly buffer: Uint8Array
}

function isAllData(each: NbdExport, offset: number, length: number): boolean {
  const extents = each.extents?.(offset, length)
  if (extents === undefined || !isList(extents)) return false
  const [only, ...more] = stretchesToRead(extents, length)
  return only?.zero === false && more.length === 0
}

const isList = (extents: Promise<unknown> | readonly NbdExtent[]): extents is readonly NbdExtent[] =>
  Array.isArray(extents)

/** Something with or without data of the export in it. */
interface Part {
  readonly bytes: readonly Uint8Array[]
  readonly data?: { readonly at: number; readonly length: number }
  readonly buffer?: Uint8Array
}

function answerOf(parts: readonly Part[]): Answer {
  let before = 0
  for (const { bytes, data } of parts) {
    if (data !== undefined) {
      const all = parts.length === 1 ? bytes : parts.flatMap((part) => part.bytes)
      const buffers = parts.flatMap(({ buffer }) => (buffer === undefined ? [] : [buffer]))
      return { parts: all, dataAt: before + data.at, dataLength: data.length, buffers }
    }
    for (const { length } of bytes) before += length
  }
  return plainAnswer(parts.flatMap((part) => part.bytes))
}

/** Reads a stretch of the export, with a head before it: in one piece where the export can fill a given place. */
export async function readPart(
  each: NbdExport,
  pool: BufferPool,
  head: Uint8Array,
  offset: number,
  length: number,
): Promise<Part> {
  const data = { at: head.length, length }
  if (each.readInto === undefined) return { bytes: [head, await readExactly(each, offset, length)], data }
  const buffer = pool.take(length) // never given back after a failure: part of the read may still be under way
  await each.readInto(buffer.subarray(HEAD_ROOM, HEAD_ROOM + length), offset)
  buffer.set(head, HEAD_ROOM - head.length)
  return { bytes: [buffer.subarray(HEAD_ROOM - head.length, HEAD_ROOM + length)], data, buffer }
}

async function readExactly(each: NbdExport, offset: number, length: number): Promise<Uint8Array> {
  const data = await each.read(offset, length)
  if (data.length === length) return data
  throw new Error(`the export gave ${data.length} bytes of ${length} at ${offset}`)
}

// A shorter hole costs more in calls and chunks than its zeros cost on the wire.
const HOLE_BYTES_MIN = 32 * 1024

/** For a READ it only matters whether there is anything but zeros, in holes worth leaving out. */
function stretchesToRead(extents: readonly NbdExtent[], length: number): readonly NbdExtent[] {
  if (extents.length === 0) return [{ length, hole: false, zero: false }]
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

// proto.md allows a server to answer a long BLOCK_STATUS with less; this bounds the memory of one answer.
const STATUS_EXTENTS_MAX = 65_536

async function blockStatus(open: Transmission, request: Request): Promise<Answer> {
  const { cookie, offset, length, flags } = request
  const found = fitExtents((await open.export.extents?.(offset, length)) ?? [], length)
  const most = (flags & CommandFlag.REQ_ONE) !== 0 ? 1 : STATUS_EXTENTS_MAX
  const extents = found.slice(0, most).map(({ length, hole, zero }) => ({
    length,
    flags: (hole ? AllocationFlag.HOLE : 0) | (zero ? AllocationFlag.ZERO : 0),
  }))
  return plainAnswer(encodeStatus(cookie, ALLOCATION_CONTEXT, extents))
}
