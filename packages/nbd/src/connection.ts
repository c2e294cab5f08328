import { connectChannel, type Channel, type NbdAddress } from './channel.ts'
import type { NbdClock } from './clock.ts'
import { NbdError } from './error.ts'
import { greet, openExport, redact, startTls, type Greeting, type Negotiated, type Send } from './handshake.ts'
import type { Line, Outcome, Wish } from './line.ts'
import { roomFor } from './memory.ts'
import type { Parser } from './parser.ts'
import { encodeRequest, readReply, type Expected, type Reply, type StatusExtent } from './transmission.ts'
import { secureClient, type NbdTrust } from './trust.ts'
import { BASE_ALLOCATION, Command, errnoName, nameIn, Option, optionHead } from './wire.ts'

/** What a connection needs to know to open an export. */
export interface ConnectionOptions {
  /** Bound on connecting, greeting and TLS together. */
  readonly connectTimeoutMs: number
  /** Bound on opening the export, and on each request. */
  readonly requestTimeoutMs: number
  readonly contexts: readonly string[]
  readonly clock: NbdClock
}

/** Where an export is, and by what its server is trusted. Without `tls` everything goes in the clear. */
export interface NbdTarget {
  readonly address: NbdAddress
  readonly exportName: string
  readonly tls?: NbdTrust
}

interface Pending extends Expected {
  readonly deadline: number
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (reason: unknown) => void
  /** Parts of a READ that have arrived in chunks: pairs of first byte and length. */
  readonly parts: [offset: number, length: number][]
  status: readonly StatusExtent[] | undefined
  failure: NbdError | undefined
}

/** Chunks of one answer; 32 MiB in sectors of 512 bytes are no more. */
const PARTS_MAX = 65_536
/**
 * Cookies far from each other. A simple reply names its request by nothing else: with 1, 2, 3 … one wrong bit made it the answer
 * to another read of the same length.
 */
const COOKIE_STEP = 0x9e37_79b9_7f4a_7c15n
const NO_DATA = new Uint8Array()
const LINGER_MS = 5_000

/**
 * Connects, greets and, where asked for, changes to TLS. `use` gets the channel in the state where options may be sent.
 * @throws NbdError; the signal's reason when aborted
 */
export async function withHandshake<Result>(
  target: Omit<NbdTarget, 'exportName'>,
  options: Omit<ConnectionOptions, 'contexts'>,
  signal: AbortSignal | undefined,
  use: (channel: Channel, hello: Greeting) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted()
  const trust = target.tls
  const channel = connectChannel(target.address, { ownBuffer: trust === undefined })
  const send: Send = (parts) => channel.send(parts)
  const aborted = () => channel.fail(new NbdError('NBD_DISCONNECTED', 'aborted', { cause: signal?.reason }))
  signal?.addEventListener('abort', aborted, { once: true })
  try {
    const hello = await within(channel, options.clock, options.connectTimeoutMs, 'to connect and greet', async () => {
      const hello = await channel.run(greet(send))
      if (trust === undefined) return hello
      await channel.run(startTls(send, hello))
      await channel.upgrade((plain) => secureClient(plain, trust))
      return hello
    })
    return await within(channel, options.clock, options.requestTimeoutMs, 'to open the export', () =>
      use(channel, hello),
    )
  } catch (error) {
    channel.fail(error instanceof Error ? error : new Error('the handshake failed', { cause: error }))
    signal?.throwIfAborted()
    throw channel.received ? error : silentClose(error)
  } finally {
    signal?.removeEventListener('abort', aborted)
  }
}

/** Opens one connection to an export. @throws NbdError; the signal's reason when aborted */
export function connect(target: NbdTarget, options: ConnectionOptions, signal?: AbortSignal): Promise<Connection> {
  return withHandshake(target, options, signal, async (channel, hello) => {
    const wish = { exportName: target.exportName, contexts: options.contexts }
    let last: number | undefined
    const send: Send = (parts) => {
      last = parts[0] && optionHead.decode(parts[0]).option
      channel.send(parts)
    }
    const negotiated = await channel.run(openExport(send, hello, wish)).catch((error: unknown) => {
      // EXPORT_NAME has no refusal: the server can only hang up.
      const hungUp = last === Option.EXPORT_NAME && isEndOfStream(error)
      throw hungUp ? closedInsteadOfOpening(target.exportName, error) : error
    })
    return new Connection(channel, negotiated, options)
  })
}

/** One open connection: requests go out as they come, replies find their request by its cookie. */
export class Connection implements Line {
  readonly negotiated: Negotiated
  readonly #channel: Channel
  readonly #timeoutMs: number
  readonly #clock: NbdClock
  readonly #pending = new Map<bigint, Pending>() // in the order they were sent, so the first has the earliest deadline
  #cookie = 1n - COOKIE_STEP // the next one is one step further
  #answers = 0
  #cancelTimer: (() => void) | undefined
  #over: NbdError | undefined

  constructor(channel: Channel, negotiated: Negotiated, options: Omit<ConnectionOptions, 'contexts'>) {
    this.#channel = channel
    this.negotiated = negotiated
    this.#timeoutMs = options.requestTimeoutMs
    this.#clock = options.clock
    channel.run(this.#replies()).catch((error: unknown) => this.#end(error))
  }

  get over(): NbdError | undefined {
    return this.#over
  }

  get inFlight(): number {
    return this.#pending.size
  }

  get answers(): number {
    return this.#answers
  }

  get closed(): Promise<void> {
    return this.#channel.closed
  }

  request(wish: Wish, signal: AbortSignal | undefined, settled: () => void): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    if (this.#over !== undefined) {
      reject(this.#over)
      return promise
    }
    const aborted = () => reject(signal?.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    const finish = () => {
      signal?.removeEventListener('abort', aborted)
      settled()
    }
    const cookie = this.#nextCookie()
    this.#pending.set(cookie, {
      type: wish.type,
      offset: wish.offset,
      length: wish.length,
      into: wish.type === Command.READ ? (wish.into ?? roomFor(wish.length)) : NO_DATA,
      deadline: this.#clock.now() + this.#timeoutMs,
      parts: [],
      status: undefined,
      failure: undefined,
      resolve: (outcome) => {
        finish()
        resolve(outcome)
      },
      reject: (reason) => {
        finish()
        reject(reason)
      },
    })
    const { type, flags = 0, offset, length, payload } = wish
    const head = encodeRequest({ flags, type, cookie, offset, length })
    this.#channel.send(payload === undefined ? [head] : [head, payload])
    this.#watch()
    return promise
  }

  async close(): Promise<void> {
    if (this.#over === undefined) {
      const cookie = this.#nextCookie()
      this.#channel.send([encodeRequest({ flags: 0, type: Command.DISC, cookie, offset: 0, length: 0 })])
      const lingering = this.#channel.linger(LINGER_MS)
      this.#end(new NbdError('NBD_DISCONNECTED', 'the client was closed', { retryable: false }))
      await lingering
    }
    await this.#channel.closed
  }

  #nextCookie(): bigint {
    this.#cookie = BigInt.asUintN(64, this.#cookie + COOKIE_STEP)
    return this.#cookie
  }

  *#replies(): Parser<never> {
    const find = (cookie: bigint) => this.#pending.get(cookie)
    for (;;) this.#deliver(yield* readReply(find))
  }

  #deliver(reply: Reply): void {
    const pending = this.#pending.get(reply.cookie)
    if (pending === undefined) return
    if (reply.kind === 'data' || reply.kind === 'hole') pending.parts.push([reply.offset, reply.length])
    if (pending.parts.length > PARTS_MAX) {
      throw new NbdError('NBD_PROTOCOL', `more than ${PARTS_MAX} chunks for ${describe(pending)}`, place(pending))
    }
    if (reply.kind === 'status' && this.#isAllocation(reply.context)) pending.status = reply.extents
    if (reply.kind === 'error') pending.failure ??= refusal(pending, reply)
    if (!reply.done) return
    this.#pending.delete(reply.cookie)
    this.#watch()
    if (pending.failure !== undefined) return pending.reject(pending.failure)
    const gap = pending.type === Command.READ && !isCovered(pending)
    const lack = pending.type === Command.BLOCK_STATUS && pending.status === undefined
    if (gap || lack) {
      const error = new NbdError('NBD_PROTOCOL', `an incomplete answer to ${describe(pending)}`, place(pending))
      pending.reject(error)
      throw error
    }
    this.#answers++
    pending.resolve({ data: pending.into, status: pending.status ?? [] })
  }

  #isAllocation(context: number): boolean {
    return this.negotiated.contexts.get(context) === BASE_ALLOCATION
  }

  /** Arms one timer for the oldest request. */
  #watch(): void {
    const oldest = this.#pending.values().next().value
    if (oldest === undefined) {
      this.#cancelTimer?.()
      this.#cancelTimer = undefined
      return
    }
    this.#cancelTimer ??= this.#clock.after(Math.max(oldest.deadline - this.#clock.now(), 1), () => {
      this.#cancelTimer = undefined
      this.#expire()
    })
  }

  #expire(): void {
    const now = this.#clock.now()
    const late = [...this.#pending].filter(([, { deadline }]) => deadline <= now)
    for (const [cookie, pending] of late) {
      this.#pending.delete(cookie)
      const what = `no answer to ${describe(pending)} in ${this.#timeoutMs} ms`
      pending.reject(new NbdError('NBD_TIMEOUT', what, place(pending)))
    }
    if (late.length === 0) return this.#watch()
    // A server that is late with one answer cannot be trusted with the order of the others.
    const error = new NbdError('NBD_DISCONNECTED', 'the connection was given up: an answer did not come in time')
    this.#channel.fail(error)
    this.#end(error)
  }

  #end(reason: unknown): void {
    if (this.#over !== undefined) return
    this.#over = reason instanceof NbdError ? reason : new NbdError('NBD_PROTOCOL', String(reason), { cause: reason })
    this.#cancelTimer?.()
    const abandoned = [...this.#pending.values()]
    this.#pending.clear()
    for (const pending of abandoned) {
      const { code, message, retryable } = this.#over
      pending.reject(
        new NbdError(code, `${describe(pending)}: ${message}`, { cause: this.#over, retryable, ...place(pending) }),
      )
    }
  }
}

/** Whether the chunks of a READ cover all of it, each byte once. */
function isCovered({ parts, offset, length }: Pending): boolean {
  let at = offset
  if (parts.length > 1) parts.sort(([a], [b]) => a - b)
  for (const [from, size] of parts) {
    if (from !== at) return false
    at += size
  }
  return at === offset + length
}

function refusal(pending: Pending, { error, message }: { error: number; message: string }): NbdError {
  const errno = errnoName(error)
  const why = message === '' ? errno : `${errno}: ${redact(message)}`
  return new NbdError('NBD_IO', `the server refused ${describe(pending)} (${why})`, {
    errno,
    retryable: errno === 'ESHUTDOWN' || errno === 'ENOMEM',
    ...place(pending),
  })
}

const describe = ({ type, offset, length }: Expected): string =>
  `${nameIn(Command, type)} of ${length} bytes at ${offset}`

const place = ({ offset, length }: Expected) => ({ offset, length })

/** Runs a stage of the handshake with a deadline; what is late ends the channel. */
async function within<Result>(
  channel: Channel,
  clock: NbdClock,
  ms: number,
  what: string,
  stage: () => Promise<Result>,
): Promise<Result> {
  const late = () => channel.fail(new NbdError('NBD_TIMEOUT', `the server took more than ${ms} ms ${what}`))
  const cancel = clock.after(ms, late)
  try {
    return await stage()
  } catch (error) {
    throw channel.failure?.code === 'NBD_TIMEOUT' ? channel.failure : error
  } finally {
    cancel()
  }
}

const isEndOfStream = (error: unknown): error is NbdError =>
  error instanceof NbdError && error.code === 'NBD_DISCONNECTED'

/** xapi says nothing at all when it is full or the network has no purpose. */
function silentClose(error: unknown): unknown {
  if (!isEndOfStream(error)) return error
  return new NbdError(
    'NBD_DISCONNECTED',
    'the server closed the connection without a greeting. XenServer and XCP-ng do so when all 16 NBD connections of ' +
      'the host are in use, or when the network has no NBD purpose',
    { cause: error, retryable: true },
  )
}

const closedInsteadOfOpening = (name: string, cause: NbdError): NbdError =>
  new NbdError(
    'NBD_EXPORT',
    `the server closed the connection instead of opening the export ${JSON.stringify(redact(name))}: it has none of ` +
      'that name, or its XenAPI session has ended',
    { cause },
  )
