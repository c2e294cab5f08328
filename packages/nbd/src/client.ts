import { bytes, type Bytes } from '@tidemark/blocks'
import { systemClock, type NbdClock } from './clock.ts'
import type { NbdTarget } from './connection.ts'
import { Dispatch, type Order } from './dispatch.ts'
import { NbdError } from './error.ts'
import type { Negotiated } from './handshake.ts'
import type { Line } from './line.ts'
import { AnswerMemory, type Loan } from './memory.ts'
import { checkAligned, checkMaximum, checkRange, split, widen, type BlockSize } from './range.ts'
import type { StatusExtent } from './transmission.ts'
import { Way, type NbdPlaces } from './way.ts'
import { AllocationFlag, BASE_ALLOCATION, REQUEST_BYTES_MAX, TransmissionFlag } from './wire.ts'

export interface NbdOptions {
  /** Connections to open. An export that can be written and does not promise coherence over several gets one. */
  readonly connections: number
  /** Requests in flight on each connection. */
  readonly inFlight: number
  /** Bound on connecting, greeting and TLS. */
  readonly connectTimeoutMs: number
  /** Bound on opening the export, and on each try of a request. When it passes, that connection is given up. */
  readonly requestTimeoutMs: number
  /**
   * How often a read is made, over one connection after the other, before its failure is the caller's. Tries on connections
   * that answered something else before they were lost do not count.
   */
  readonly tries: number
  /** For how long opening is tried again, over all addresses, where a moment may help. 0: each address once. */
  readonly connectPatienceMs: number
  /** The same for the last connection that was lost. */
  readonly reconnectPatienceMs: number
  /** Between two rounds over all addresses. */
  readonly pauseMs: number
  /** Connections that this process makes to one address, over all its clients: xapi serves 16 on a host. */
  readonly hostConnections: number
  /** Metadata contexts to ask for. */
  readonly contexts: readonly string[]
  /** Bytes: the least block size to keep to, where the server knows more than it says: 512 for xapi. */
  readonly alignment: number
  /** Bytes: the longest request `readRuns` makes. */
  readonly requestBytes: number
  /**
   * Where a connection runs: on the calling thread, or each on one of its own. For TLS, whose cipher bounds a thread. `clock`
   * then counts for patience only.
   */
  readonly thread: 'caller' | 'own'
  readonly clock: NbdClock
}

export const nbdDefaults = {
  connections: 1,
  inFlight: 16,
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  tries: 4,
  connectPatienceMs: 0,
  reconnectPatienceMs: 0,
  pauseMs: 2000,
  hostConnections: 16,
  contexts: [BASE_ALLOCATION],
  alignment: 1,
  requestBytes: 1024 * 1024,
  thread: 'caller',
  clock: systemClock,
} as const satisfies NbdOptions

/** What `base:allocation` says of a stretch of the export. Neither hole nor zero: data. */
export interface BlockStatus {
  readonly offset: Bytes
  readonly length: Bytes
  /** Nothing is allocated there. */
  readonly hole: boolean
  /** Reads as zeros. */
  readonly zero: boolean
}

/** An open export, over one or more connections. Calls run concurrently; what is too much waits its turn. */
export interface NbdClient extends AsyncDisposable {
  readonly size: Bytes
  readonly readOnly: boolean
  readonly blockSize: BlockSize
  /** READ is answered in chunks, in which holes cost nothing. */
  readonly structured: boolean
  /** Metadata contexts the server granted. */
  readonly contexts: readonly string[]
  readonly stats: { readonly requests: number; readonly bytesRead: number; readonly bytesWritten: number }
  /** Connections that still work. */
  readonly connections: number
  /** How `readRuns` reads: requests at once, and bytes in each. */
  readonly depth: { readonly requests: number; readonly requestBytes: number }
  /**
   * Reads exactly `length` bytes; holes arrive as zeros. A read off the block size is widened and cut. When its
   * connection is lost, falls silent or talks nonsense, it is made again over another one, up to `tries` times.
   * @param length bytes, at most `blockSize.maximum`; `readRuns` splits longer ranges
   * @throws NbdError NBD_RANGE, NBD_IO, NBD_DISCONNECTED, NBD_TIMEOUT, NBD_PROTOCOL; the signal's reason when aborted
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
  /** As `read`, in memory that is used again after `release`: half as fast again where much is read. */
  borrow(offset: number, length: number, signal?: AbortSignal): Promise<Loan>
  /**
   * Writes `data`; durable only after `flush`. The range must be on the block size. Never repeated by itself, since the
   * lost one may still be carried out after a later one: after NBD_DISCONNECTED the bytes there are unknown. Once
   * something was written, lost connections are not replaced: a flush on a new one would hide what the old one lost.
   * @param data at most `blockSize.maximum` bytes; it must not change until the promise settles
   * @throws NbdError NBD_REFUSED (read-only), and as `read`
   */
  write(offset: number, data: Uint8Array, signal?: AbortSignal): Promise<void>
  /** Makes what was written durable. Does nothing where the server has no FLUSH. */
  flush(signal?: AbortSignal): Promise<void>
  /** Says that the range's content is not needed any more. @throws NbdError NBD_REFUSED (the server has no TRIM), and as `write` */
  trim(offset: number, length: number, signal?: AbortSignal): Promise<void>
  /** Makes the range read as zeros. @throws NbdError NBD_REFUSED (the server has no WRITE_ZEROES), and as `write` */
  writeZeroes(offset: number, length: number, signal?: AbortSignal): Promise<void>
  /**
   * Where the holes are: ascending, without gaps, covering exactly the range.
   * @throws NbdError NBD_REFUSED (`contexts` has no base:allocation), and as `read`
   */
  blockStatus(offset: number, length: number, signal?: AbortSignal): Promise<readonly BlockStatus[]>
}

const SECTOR = 512
// Memory that `readRuns` and `borrowRuns` may hold in answers, whatever the number of connections.
const BYTES_IN_FLIGHT_MAX = 64 * 1024 * 1024
// Length of one BLOCK_STATUS, TRIM or WRITE_ZEROES: a multiple of every block size that fits 32 bits.
const LONG_REQUEST_BYTES = 1024 * 1024 * 1024

/**
 * Opens an export. The first connection is opened alone; when it stands, the others follow together: xapi attaches the
 * disk to its host at the first one. It closes what is too much without a word, so fewer connections than asked for are
 * no error: `connections` tells. A connection that is lost later is replaced, and what it owed is read again.
 * @throws NbdError NBD_CONNECT, NBD_TLS, NBD_CERTIFICATE, NBD_EXPORT, NBD_REFUSED, NBD_DISCONNECTED, NBD_TIMEOUT,
 * NBD_PROTOCOL; what `places` throws; the signal's reason when aborted
 */
export async function openNbd(
  places: NbdTarget | NbdPlaces,
  options: Partial<NbdOptions> = {},
  signal?: AbortSignal,
): Promise<NbdClient> {
  const complete: NbdOptions = { ...nbdDefaults, ...options }
  const way = new Way(places, complete)
  const first = await way.open(signal)
  try {
    const more = isShareable(first.negotiated) ? complete.connections - 1 : 0
    return client([first, ...(await way.openMore(more, signal))], way, complete)
  } catch (error) {
    await first.close()
    throw error
  }
}

/** Several connections see the same bytes: nobody writes, or the server promises it. */
const isShareable = ({ flags }: Negotiated): boolean =>
  (flags & (TransmissionFlag.READ_ONLY | TransmissionFlag.CAN_MULTI_CONN)) !== 0

function client(connections: readonly [Line, ...Line[]], way: Way, options: NbdOptions): NbdClient {
  const { size, flags, blockSize: said, structured, contexts } = connections[0].negotiated
  const can = (flag: keyof typeof TransmissionFlag) => (flags & TransmissionFlag[flag]) !== 0
  const blockSize = usableBlockSize(said, options.alignment)
  // A server that says nothing may be xapi, which hangs up on a read that is not on sectors.
  const readBlock = said === undefined ? { minimum: Math.max(blockSize.minimum, SECTOR) } : blockSize
  const { inFlight, tries, clock } = options
  const dispatch = new Dispatch(connections, { inFlight, tries, clock, renew: (...how) => way.renew(...how) })
  const stats = { requests: 0, bytesRead: 0, bytesWritten: 0 }
  const requestBytes = Math.min(options.requestBytes, blockSize.maximum)
  const requests = Math.min(connections.length * options.inFlight, Math.floor(BYTES_IN_FLIGHT_MAX / requestBytes))
  const depth = { requests: Math.max(1, requests), requestBytes }
  const memory = new AnswerMemory(requestBytes + 2 * readBlock.minimum, depth.requests + 1)
  const request = (order: Order, signal?: AbortSignal) => {
    stats.requests++
    return dispatch.request(order, signal)
  }
  const readWide = async (
    offset: number,
    length: number,
    room: (wide: number) => Uint8Array<ArrayBuffer> | undefined,
    signal?: AbortSignal,
  ) => {
    checkRange(offset, length, size)
    checkMaximum(offset, length, blockSize)
    const wide = widen(offset, length, size, readBlock)
    const into = room(wide.length)
    const { data } = await request({ command: 'READ', ...wide, ...(into && { into }) }, signal)
    stats.bytesRead += length
    return wide.length === length ? data : data.subarray(offset - wide.offset, offset - wide.offset + length)
  }
  const changeLong = async (command: 'TRIM' | 'WRITE_ZEROES', offset: number, length: number, signal?: AbortSignal) => {
    checkWritable()
    if (!can(command === 'TRIM' ? 'SEND_TRIM' : 'SEND_WRITE_ZEROES')) throw lacks(command)
    checkRange(offset, length, size)
    checkAligned(offset, length, size, blockSize)
    for (const piece of split(offset, length, LONG_REQUEST_BYTES)) await request({ command, ...piece }, signal)
  }
  const checkWritable = () => {
    if (can('READ_ONLY')) throw new NbdError('NBD_REFUSED', 'the export is read-only')
  }

  return {
    size: bytes(size),
    readOnly: can('READ_ONLY'),
    blockSize,
    structured,
    contexts: [...contexts.values()],
    stats,
    depth,
    get connections() {
      return dispatch.alive
    },
    read: (offset, length, signal) => readWide(offset, length, () => undefined, signal),
    async borrow(offset, length, signal) {
      const data = await readWide(offset, length, (wide) => memory.take(wide), signal)
      return { data, release: once(() => memory.give(data)) }
    },
    async write(offset, data, signal) {
      checkWritable()
      checkRange(offset, data.length, size)
      checkMaximum(offset, data.length, blockSize)
      checkAligned(offset, data.length, size, blockSize)
      await request({ command: 'WRITE', offset, length: data.length, payload: data }, signal)
      stats.bytesWritten += data.length
    },
    async flush(signal) {
      if (can('SEND_FLUSH')) await request({ command: 'FLUSH', offset: 0, length: 0 }, signal)
    },
    trim: (offset, length, signal) => changeLong('TRIM', offset, length, signal),
    writeZeroes: (offset, length, signal) => changeLong('WRITE_ZEROES', offset, length, signal),
    async blockStatus(offset, length, signal) {
      if (![...contexts.values()].includes(BASE_ALLOCATION)) throw lacks('BLOCK_STATUS of base:allocation')
      checkRange(offset, length, size)
      const found: BlockStatus[] = []
      const wide = widen(offset, length, size, blockSize)
      const end = wide.offset + wide.length
      for (let at = wide.offset; at < end;) {
        // Not split at a grid: an answer may cover less than was asked.
        const ask = { command: 'BLOCK_STATUS', offset: at, length: Math.min(end - at, LONG_REQUEST_BYTES) } as const
        const { status } = await request(ask, signal)
        at = collect(found, status, { at, from: offset, to: offset + length })
      }
      return found
    },
    [Symbol.asyncDispose]: () => dispatch.close(),
  }
}

/** What a server that says nothing must take is in proto.md, "Size constraints". */
function usableBlockSize(said: BlockSize | undefined, alignment: number): BlockSize {
  const { minimum, preferred, maximum } = said ?? { minimum: 1, preferred: 4096, maximum: REQUEST_BYTES_MAX }
  const least = Math.max(minimum, alignment)
  const most = Math.min(maximum, REQUEST_BYTES_MAX)
  return { minimum: least, preferred: Math.max(preferred, least), maximum: Math.max(most - (most % least), least) }
}

/** Adds what lies within the range, joins equal neighbours, and answers where the status ends. */
function collect(
  found: BlockStatus[],
  status: readonly StatusExtent[],
  range: { readonly at: number; readonly from: number; readonly to: number },
): number {
  let at = range.at
  for (const { length, flags } of status) {
    if (length === 0) throw new NbdError('NBD_PROTOCOL', 'the server sent a block status of no bytes')
    const from = Math.max(at, range.from)
    const to = Math.min(at + length, range.to)
    at += length
    if (from >= to) continue
    const hole = (flags & AllocationFlag.HOLE) !== 0
    const zero = (flags & AllocationFlag.ZERO) !== 0
    const last = found.at(-1)
    if (last?.hole === hole && last.zero === zero) found.pop()
    const start = last?.hole === hole && last.zero === zero ? last.offset : from
    found.push({ offset: bytes(start), length: bytes(to - start), hole, zero })
  }
  return at
}

/** Memory that was given back twice would be lent to two. */
function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}

const lacks = (what: string): NbdError => new NbdError('NBD_REFUSED', `the server has no ${what}`)
