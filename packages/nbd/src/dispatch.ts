import type { Connection, Outcome } from './connection.ts'
import { NbdError } from './error.ts'
import type { CommandName } from './wire.ts'
import { Command } from './wire.ts'

/** A request, before it is known which connection carries it. */
export interface Order {
  readonly command: CommandName
  readonly flags?: number
  readonly offset: number
  readonly length: number
  readonly payload?: Uint8Array
  /** READ: where the data go, when the first try succeeds; as `Expected.into`. */
  readonly into?: Uint8Array
}

interface Waiting {
  readonly start: (connection: Connection) => void
  readonly fail: (reason: unknown) => void
}

type Wish = Parameters<Connection['request']>[0]

// Only what changes nothing may be done twice without asking.
const repeatable: Readonly<Partial<Record<CommandName, true>>> = { READ: true, BLOCK_STATUS: true }

/** Spreads requests over connections: the least busy one takes the next, at most `inFlight` each. */
export class Dispatch {
  readonly #connections: readonly Connection[]
  readonly #inFlight: number
  readonly #waiting: Waiting[] = []
  #closed = false

  constructor(connections: readonly Connection[], inFlight: number) {
    this.#connections = connections
    this.#inFlight = inFlight
  }

  /** Connections that still carry requests. */
  get alive(): number {
    return this.#connections.filter(({ over }) => over === undefined).length
  }

  /**
   * Carries out a request. One that changes nothing is done again on another connection when its own breaks.
   * @throws NbdError; the signal's reason when aborted
   */
  async request(order: Order, signal?: AbortSignal): Promise<Outcome> {
    let wish: Wish = { ...order, type: Command[order.command] }
    for (;;) {
      try {
        return await this.#once(wish, signal)
      } catch (error) {
        const lost = error instanceof NbdError && error.code === 'NBD_DISCONNECTED'
        if (!lost || this.#closed || repeatable[order.command] === undefined || this.alive === 0) throw error
        wish = { ...wish, into: undefined } // the next answer must not meet what is left of this one
      }
    }
  }

  /** Ends every connection properly. What is still under way fails. */
  async close(): Promise<void> {
    this.#closed = true
    this.#failWaiting(new NbdError('NBD_DISCONNECTED', 'the client was closed', { retryable: false }))
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  async #once(wish: Wish, signal: AbortSignal | undefined): Promise<Outcome> {
    signal?.throwIfAborted()
    const free = this.#waiting.length === 0 ? this.#free() : undefined
    if (free !== undefined) return this.#start(free, wish, signal)
    const lost = this.#lost()
    if (lost !== undefined) throw lost
    return this.#queue(wish, signal)
  }

  #start(connection: Connection, wish: Wish, signal: AbortSignal | undefined): Promise<Outcome> {
    return connection.request(wish, signal, () => this.#next())
  }

  #queue(wish: Wish, signal: AbortSignal | undefined): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    const waiting: Waiting = {
      start: (connection) => {
        signal?.removeEventListener('abort', aborted)
        this.#start(connection, wish, signal).then(resolve, reject)
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
    const lost = this.#lost()
    if (lost !== undefined) return this.#failWaiting(lost)
    for (let free = this.#free(); free !== undefined && this.#waiting.length > 0; free = this.#free()) {
      this.#waiting.shift()?.start(free)
    }
  }

  #free(): Connection | undefined {
    let best: Connection | undefined
    for (const connection of this.#connections) {
      if (connection.over !== undefined || connection.inFlight >= this.#inFlight) continue
      if (best === undefined || connection.inFlight < best.inFlight) best = connection
    }
    return best
  }

  /** Why no connection is left, if none is. */
  #lost(): NbdError | undefined {
    if (this.#closed) return new NbdError('NBD_DISCONNECTED', 'the client was closed', { retryable: false })
    return this.alive > 0 ? undefined : this.#connections.at(-1)?.over
  }

  #failWaiting(reason: NbdError): void {
    for (const { fail } of this.#waiting.splice(0)) fail(reason)
  }
}
