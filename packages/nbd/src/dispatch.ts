import type { NbdClock } from './clock.ts'
import { NbdError } from './error.ts'
import type { Line, Outcome, Wish } from './line.ts'
import { Command, type CommandName } from './wire.ts'

/** A request, before it is known which connection carries it. */
export interface Order extends Omit<Wish, 'type'> {
  readonly command: CommandName
}

export interface DispatchOptions {
  /** Requests in flight on each connection. */
  readonly inFlight: number
  /** How often a request is made before its failure is the caller's. */
  readonly tries: number
  readonly clock: NbdClock
  /**
   * Opens a connection in the place of a lost one.
   * @param isOnly none is left: it is worth waiting for one
   */
  renew(isOnly: boolean, signal: AbortSignal): Promise<Line>
}

interface Attempt {
  line: Line | undefined
}

interface Waiting {
  readonly start: (line: Line) => void
  readonly fail: (reason: unknown) => void
}

// Only what changes nothing may be done twice: the server that fell silent may still carry out the first one, after a later write.
const repeatable: Readonly<Partial<Record<CommandName, true>>> = { READ: true, BLOCK_STATUS: true }
const changing: Readonly<Partial<Record<CommandName, true>>> = { WRITE: true, TRIM: true, WRITE_ZEROES: true }
/** What a connection that is not worth asking any more looks like. */
const LOST = new Set(['NBD_DISCONNECTED', 'NBD_TIMEOUT', 'NBD_TLS', 'NBD_PROTOCOL'])
/** How long the others go on alone when a lost connection could not be replaced. */
const RENEW_PAUSE_MS = 2000

/**
 * Spreads requests over connections: the least busy one takes the next, at most `inFlight` each. Lost connections are
 * replaced, and what they owed is asked for again.
 */
export class Dispatch {
  #lines: readonly Line[]
  readonly #wanted: number
  readonly #options: DispatchOptions
  readonly #waiting: Waiting[] = []
  readonly #stop = new AbortController()
  #renewing: Promise<void> | undefined
  #renewNotBefore = 0
  readonly #asked = new WeakSet<Line>()
  /** Connections in a row that were lost before they were asked anything: no request counts them against its tries. */
  #barren = 0
  #over: Error | undefined // no connection, and none to be had
  #hasChanged = false

  constructor(lines: readonly Line[], options: DispatchOptions) {
    this.#lines = lines
    this.#wanted = lines.length
    this.#options = options
  }

  /** Connections that still carry requests. */
  get alive(): number {
    return this.#lines.filter(({ over }) => over === undefined).length
  }

  /**
   * Carries out a request. One that changes nothing is made again when its connection is lost. A try counts against
   * `tries` when that connection never answered anything, or the request itself was not answered in time.
   * @throws NbdError; what asking for places threw; the signal's reason when aborted
   */
  async request(order: Order, signal?: AbortSignal): Promise<Outcome> {
    let wish: Wish = { ...order, type: Command[order.command] }
    if (changing[order.command] !== undefined) this.#hasChanged = true
    for (let tried = 1; ;) {
      const attempt: Attempt = { line: undefined }
      try {
        return await this.#once(wish, attempt, signal)
      } catch (error) {
        const isFinal = repeatable[order.command] === undefined || tried >= this.#options.tries
        if (isFinal || !isLost(error) || this.#over !== undefined) throw error
        if (isFruitless(error, attempt)) tried++
        wish = { ...wish, into: undefined } // the next answer must not meet what is left of this one
      }
    }
  }

  /** Ends every connection properly. What is still under way fails. */
  async close(): Promise<void> {
    this.#over ??= new NbdError('NBD_DISCONNECTED', 'the client was closed', { retryable: false })
    this.#stop.abort(this.#over)
    this.#failWaiting(this.#over)
    await this.#renewing
    await Promise.all(this.#lines.map((line) => line.close()))
  }

  async #once(wish: Wish, attempt: Attempt, signal: AbortSignal | undefined): Promise<Outcome> {
    signal?.throwIfAborted()
    this.#renew()
    if (this.#over !== undefined) throw this.#over
    const free = this.#waiting.length === 0 ? this.#free() : undefined
    return free === undefined ? this.#queue(wish, attempt, signal) : this.#start(free, wish, attempt, signal)
  }

  #start(line: Line, wish: Wish, attempt: Attempt, signal: AbortSignal | undefined): Promise<Outcome> {
    attempt.line = line
    this.#asked.add(line)
    return line.request(wish, signal, () => this.#next())
  }

  #queue(wish: Wish, attempt: Attempt, signal: AbortSignal | undefined): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    const waiting: Waiting = {
      start: (line) => {
        signal?.removeEventListener('abort', aborted)
        this.#start(line, wish, attempt, signal).then(resolve, reject)
      },
      fail: (reason) => {
        signal?.removeEventListener('abort', aborted)
        reject(reason)
      },
    }
    const aborted = () => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      reject(signal?.reason)
    }
    this.#waiting.push(waiting)
    signal?.addEventListener('abort', aborted, { once: true })
    return promise
  }

  /** Hands free room to those who wait, first come first served. */
  #next(): void {
    this.#renew()
    for (let free = this.#free(); free !== undefined && this.#waiting.length > 0; free = this.#free()) {
      this.#waiting.shift()?.start(free)
    }
  }

  #free(): Line | undefined {
    let best: Line | undefined
    for (const line of this.#lines) {
      if (line.over !== undefined || line.inFlight >= this.#options.inFlight) continue
      if (best === undefined || line.inFlight < best.inFlight) best = line
    }
    return best
  }

  /** Begins to replace what was lost, unless that is under way. */
  #renew(): void {
    const { alive } = this
    if (this.#renewing !== undefined || this.#over !== undefined || alive === this.#wanted) return
    if (this.#hasChanged) {
      // What was written and not flushed may be lost with the connection, and a flush on another one would hide that.
      if (alive === 0) this.#giveUp(this.#lines.at(-1)?.over)
      return
    }
    if (alive > 0 && this.#options.clock.now() < this.#renewNotBefore) return
    this.#renewing = this.#replaceAll().finally(() => {
      this.#renewing = undefined
      if (this.alive === 0) this.#renew()
    })
  }

  async #replaceAll(): Promise<void> {
    while (this.#over === undefined && this.alive < this.#wanted) {
      const isOnly = this.alive === 0
      const lost = this.#countBarren()
      if (this.#barren >= this.#options.tries && isOnly) return this.#giveUp(lost)
      try {
        const line = await this.#options.renew(isOnly, this.#stop.signal)
        this.#lines = [...this.#lines.filter(({ over }) => over === undefined), line]
        this.#next()
      } catch (error) {
        this.#renewNotBefore = this.#options.clock.now() + RENEW_PAUSE_MS
        if (!isOnly) return
        this.#giveUp(error)
      }
    }
  }

  /** A server that shakes hands and hangs up is no way to the export, however often it does so. Answers the newest loss. */
  #countBarren(): unknown {
    if (this.#lines.some((line) => this.#asked.has(line))) this.#barren = 0
    else if (this.#lines.some(({ over }) => over !== undefined)) this.#barren++
    return this.#lines.at(-1)?.over
  }

  #giveUp(reason: unknown): void {
    this.#over ??= reason instanceof Error ? reason : lostForGood(reason)
    this.#failWaiting(this.#over)
  }

  #failWaiting(reason: Error): void {
    for (const { fail } of this.#waiting.splice(0)) fail(reason)
  }
}

const isLost = (error: unknown): boolean =>
  error instanceof NbdError && (LOST.has(error.code) || error.errno === 'ESHUTDOWN')

/** A connection that answered others may have been lost by chance, and each such loss has brought something. */
const isFruitless = (error: unknown, { line }: Attempt): boolean =>
  (error instanceof NbdError && error.code === 'NBD_TIMEOUT') || line === undefined || line.answers === 0

const lostForGood = (cause: unknown): NbdError =>
  new NbdError('NBD_DISCONNECTED', 'the connection was lost, and asking where to make another one failed', { cause })
