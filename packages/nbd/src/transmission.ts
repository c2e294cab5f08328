import { NbdError } from './error.ts'
import type { Parser } from './parser.ts'
import {
  blockStatusDescriptor,
  blockStatusHead,
  Chunk,
  CHUNK_DONE,
  CHUNK_ERROR_BIT,
  chunkError,
  Command,
  offsetData,
  offsetHole,
  request,
  REQUEST_MAGIC,
  simpleReply,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
  structuredReply,
  STRING_BYTES_MAX,
  type Request,
  type StructuredReply,
} from './wire.ts'

/** What the reader of replies must know of a request that is under way. */
export interface Expected {
  /** Command */
  readonly type: number
  /** Bytes from the start of the export. */
  readonly offset: number
  readonly length: number
  /** READ: takes the data; as long as the request. Behind it the buffer has `SPARE_BYTES` more. */
  readonly into: Uint8Array
}

/** Room behind a READ's buffer, in bytes: the next reply's head is often read along with the end of the data. */
export const SPARE_BYTES = structuredReply.size + offsetData.size

/** A stretch of a block status, with the flags of its context. */
export interface StatusExtent {
  readonly length: number
  readonly flags: number
}

/** A simple reply, or one chunk of a structured one. Offsets count from the start of the export. */
export type Reply = { readonly cookie: bigint; readonly done: boolean } & (
  | { readonly kind: 'none' }
  /** These bytes are now in the request's `into`. */
  | { readonly kind: 'data'; readonly offset: number; readonly length: number }
  | { readonly kind: 'hole'; readonly offset: number; readonly length: number }
  | { readonly kind: 'status'; readonly context: number; readonly extents: readonly StatusExtent[] }
  | { readonly kind: 'error'; readonly error: number; readonly message: string }
)

// A status of 2^20 stretches, which is what the servers that limit themselves stop at.
const STATUS_BYTES_MAX = blockStatusHead.size + blockStatusDescriptor.size * (1 << 20)
const ERROR_BYTES_MAX = chunkError.size + STRING_BYTES_MAX + 8

/**
 * Reads one simple reply or one chunk. Data of a READ go into the buffer of the request that `find` names.
 * @throws NbdError NBD_PROTOCOL
 */
export function* readReply(find: (cookie: bigint) => Expected | undefined): Parser<Reply> {
  // The two heads differ in length, so the shorter one is read first.
  const head = yield simpleReply.size
  const { magic } = simpleReply.decode(head)
  if (magic === SIMPLE_REPLY_MAGIC) return yield* readSimple(simpleReply.decode(head), find)
  if (magic !== STRUCTURED_REPLY_MAGIC) {
    throw new NbdError('NBD_PROTOCOL', `a reply begins with 0x${magic.toString(16)}, which is no reply's magic`)
  }
  const whole = new Uint8Array(structuredReply.size)
  whole.set(head)
  whole.set(yield structuredReply.size - simpleReply.size, simpleReply.size)
  return yield* readChunk(structuredReply.decode(whole), find)
}

function* readSimple(
  { cookie, error }: { cookie: bigint; error: number },
  find: (cookie: bigint) => Expected | undefined,
): Parser<Reply> {
  const expected = expect(cookie, find)
  if (error !== 0) return { kind: 'error', cookie, done: true, error, message: '' }
  if (expected.type !== Command.READ) return { kind: 'none', cookie, done: true }
  yield { into: expected.into, spare: SPARE_BYTES }
  return { kind: 'data', cookie, done: true, offset: expected.offset, length: expected.length }
}

function* readChunk(head: StructuredReply, find: (cookie: bigint) => Expected | undefined): Parser<Reply> {
  const { cookie, type, length } = head
  const expected = expect(cookie, find)
  const done = (head.flags & CHUNK_DONE) !== 0
  if ((type & CHUNK_ERROR_BIT) !== 0) return { cookie, done, ...(yield* readChunkError(length)) }
  switch (type) {
    case Chunk.NONE:
      if (length !== 0 || !done)
        throw malformed(`an empty chunk of ${length} bytes${done ? '' : ' that is not the last'}`)
      return { kind: 'none', cookie, done }
    case Chunk.OFFSET_DATA:
      return { cookie, done, ...(yield* readData(length, expected)) }
    case Chunk.OFFSET_HOLE: {
      if (length !== offsetHole.size) throw malformed(`a hole chunk of ${length} bytes`)
      const hole = offsetHole.decode(yield offsetHole.size)
      expected.into.fill(0, ...placeIn(expected, hole.offset, hole.length))
      return { kind: 'hole', cookie, done, ...hole }
    }
    case Chunk.BLOCK_STATUS:
      return { cookie, done, ...(yield* readStatus(length, expected)) }
    default:
      throw malformed(`a chunk of the unknown type ${type}`)
  }
}

function* readData(length: number, expected: Expected): Parser<{ kind: 'data'; offset: number; length: number }> {
  if (length <= offsetData.size) throw malformed(`a data chunk of ${length} bytes`)
  const size = length - offsetData.size
  const { offset } = offsetData.decode(yield offsetData.size)
  const [from, to] = placeIn(expected, offset, size)
  // Only behind the end of the buffer may more be read along; in the middle it could overwrite another chunk.
  yield { into: expected.into.subarray(from, to), spare: to === expected.into.length ? SPARE_BYTES : 0 }
  return { kind: 'data', offset, length: size }
}

function* readStatus(
  length: number,
  expected: Expected,
): Parser<{ kind: 'status'; context: number; extents: readonly StatusExtent[] }> {
  const ends = (length - blockStatusHead.size) % blockStatusDescriptor.size === 0
  const fits = length >= blockStatusHead.size + blockStatusDescriptor.size && length <= STATUS_BYTES_MAX
  if (expected.type !== Command.BLOCK_STATUS || !ends || !fits)
    throw malformed(`a block status chunk of ${length} bytes`)
  const { context } = blockStatusHead.decode(yield blockStatusHead.size)
  const bytes = yield length - blockStatusHead.size
  const extents: StatusExtent[] = []
  for (let at = 0; at < bytes.length; at += blockStatusDescriptor.size) {
    extents.push(blockStatusDescriptor.decode(bytes.subarray(at)))
  }
  return { kind: 'status', context, extents }
}

function* readChunkError(length: number): Parser<{ kind: 'error'; error: number; message: string }> {
  if (length < chunkError.size || length > ERROR_BYTES_MAX) throw malformed(`an error chunk of ${length} bytes`)
  const bytes = (yield length).slice()
  const { error, messageLength } = chunkError.decode(bytes)
  if (chunkError.size + messageLength > length)
    throw malformed(`an error message of ${messageLength} bytes in ${length}`)
  return { kind: 'error', error, message: text(bytes.subarray(chunkError.size, chunkError.size + messageLength)) }
}

function expect(cookie: bigint, find: (cookie: bigint) => Expected | undefined): Expected {
  const expected = find(cookie)
  if (expected === undefined) throw malformed(`a reply to the request ${cookie}, which nobody made`)
  return expected
}

/** Where a chunk belongs in the buffer of its READ. */
function placeIn(expected: Expected, offset: number, length: number): [from: number, to: number] {
  const from = offset - expected.offset
  if (expected.type !== Command.READ || length === 0 || from < 0 || from + length > expected.length) {
    throw malformed(`${length} bytes at ${offset} for a request of ${expected.length} bytes at ${expected.offset}`)
  }
  return [from, from + length]
}

const malformed = (what: string): NbdError => new NbdError('NBD_PROTOCOL', `the server sent ${what}`)
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** A request, without the data of a WRITE. */
export const encodeRequest = (fields: Omit<Request, 'magic'>): Uint8Array =>
  request.encode({ magic: REQUEST_MAGIC, ...fields })

/** Reads the head of one request; the data of a WRITE come after it. @throws NbdError NBD_PROTOCOL */
export function* readRequest(): Parser<Request> {
  const head = request.decode(yield request.size)
  if (head.magic !== REQUEST_MAGIC) throw new NbdError('NBD_PROTOCOL', `request magic 0x${head.magic.toString(16)}`)
  return head
}

/** Reads exactly the bytes that fit. */
export function* readInto(into: Uint8Array): Parser<Uint8Array> {
  return yield { into, spare: 0 }
}

/** Reads and drops so many bytes, without holding them. */
export function* skip(length: number): Parser<void> {
  for (let left = length; left > 0; left -= 65_536) yield Math.min(left, 65_536)
}

export const encodeSimple = (cookie: bigint, error: number): Uint8Array =>
  simpleReply.encode({ magic: SIMPLE_REPLY_MAGIC, error, cookie })

/** The head of a chunk whose payload has `length` bytes. */
const chunkHead = (cookie: bigint, type: number, length: number, done: boolean): Uint8Array =>
  structuredReply.encode({ magic: STRUCTURED_REPLY_MAGIC, flags: done ? CHUNK_DONE : 0, type, cookie, length })

/** Bytes of a data chunk before its data. */
export const DATA_HEAD_BYTES = structuredReply.size + offsetData.size

/** Writes all of a data chunk but the data. */
export function putDataHead(
  bytes: Uint8Array,
  at: number,
  { cookie, offset, length, done }: { cookie: bigint; offset: number; length: number; done: boolean },
): void {
  const flags = done ? CHUNK_DONE : 0
  const head = {
    magic: STRUCTURED_REPLY_MAGIC,
    flags,
    type: Chunk.OFFSET_DATA,
    cookie,
    length: offsetData.size + length,
  }
  structuredReply.put(bytes, at, head)
  offsetData.put(bytes, at + structuredReply.size, { offset })
}

/** All of a data chunk but the data. */
export function dataHead(cookie: bigint, offset: number, length: number, done: boolean): Uint8Array {
  const bytes = new Uint8Array(DATA_HEAD_BYTES)
  putDataHead(bytes, 0, { cookie, offset, length, done })
  return bytes
}

/** Bytes of the head of a simple reply. */
export const SIMPLE_HEAD_BYTES = simpleReply.size

/** Writes the head of a simple reply without error. */
export const putSimpleHead = (bytes: Uint8Array, at: number, cookie: bigint): void =>
  simpleReply.put(bytes, at, { magic: SIMPLE_REPLY_MAGIC, error: 0, cookie })

export const encodeHole = (cookie: bigint, offset: number, length: number, done: boolean): Uint8Array[] => [
  chunkHead(cookie, Chunk.OFFSET_HOLE, offsetHole.size, done),
  offsetHole.encode({ offset, length }),
]

export function encodeStatus(cookie: bigint, context: number, extents: readonly StatusExtent[]): Uint8Array[] {
  const { size } = blockStatusDescriptor
  const list = new Uint8Array(extents.length * size)
  for (const [i, extent] of extents.entries()) list.set(blockStatusDescriptor.encode(extent), i * size)
  const head = chunkHead(cookie, Chunk.BLOCK_STATUS, blockStatusHead.size + list.length, true)
  return [head, blockStatusHead.encode({ context }), list]
}

export function encodeChunkError(cookie: bigint, error: number, message: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(message)
  return [
    chunkHead(cookie, Chunk.ERROR, chunkError.size + bytes.length, true),
    chunkError.encode({ error, messageLength: bytes.length }),
    bytes,
  ]
}
