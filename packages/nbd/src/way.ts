import { sleep, type NbdClock } from './clock.ts'
import { addressText } from './channel.ts'
import { connect, type ConnectionOptions, type NbdTarget } from './connection.ts'
import { NbdError } from './error.ts'
import type { Negotiated } from './handshake.ts'
import type { Line } from './line.ts'
import { slotFreed, takeSlot } from './slots.ts'
import { connectOnThread } from './thread-line.ts'

/** Where an export can be found by now, the best place first. Asked anew for each round of tries. */
export type NbdPlaces = (signal: AbortSignal | undefined) => Promise<readonly NbdTarget[]>

interface WayOptions extends ConnectionOptions {
  readonly connectPatienceMs: number
  readonly reconnectPatienceMs: number
  readonly pauseMs: number
  readonly hostConnections: number
  readonly thread: 'caller' | 'own'
  readonly clock: NbdClock
}

/** What a firewall that is still closed, a host that restarts, or one with all 16 connections taken looks like. */
const MOMENTARY: ReadonlySet<string> = new Set(['NBD_CONNECT', 'NBD_DISCONNECTED', 'NBD_TIMEOUT'])
/** Where it was open before, nonsense passes as well. */
const STRANGE: ReadonlySet<string> = new Set([...MOMENTARY, 'NBD_TLS', 'NBD_PROTOCOL'])

/** The way to an export: opens connections to it, over one address or another, and knows where they were lost. */
export class Way {
  readonly #places: NbdPlaces
  readonly #options: WayOptions
  /** Connections lost, by address. */
  readonly #lost = new Map<string, number>()
  readonly #opened = new Map<Line, string>()
  #first: Negotiated | undefined
  #target: NbdTarget | undefined

  constructor(places: NbdTarget | NbdPlaces, options: WayOptions) {
    this.#places = typeof places === 'function' ? places : async () => [places]
    this.#options = options
  }

  /** Opens the first connection. @throws as `openNbd` */
  async open(signal: AbortSignal | undefined): Promise<Line> {
    const line = await this.#search(this.#options.connectPatienceMs, MOMENTARY, signal)
    this.#first = line.negotiated
    return line
  }

  /**
   * Opens others beside the first, at the same place, as many as the server lets.
   * @throws NbdError when a moment cannot help; the signal's reason when aborted
   */
  async openMore(count: number, signal: AbortSignal | undefined): Promise<Line[]> {
    const target = this.#target
    if (target === undefined) return []
    const attempts = Array.from({ length: Math.max(count, 0) }, () => this.#try(target, signal))
    const settled = await Promise.allSettled(attempts)
    const opened = settled.flatMap((each) => (each.status === 'fulfilled' && each.value) || [])
    const failures: unknown[] = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    const failure = failures.find((reason) => !mayBeLeftOut(reason))
    if (failure === undefined) return opened
    await Promise.all(opened.map((line) => line.close()))
    throw failure
  }

  /** Opens one in the place of a lost one. @throws as `openNbd` */
  renew(isOnly: boolean, signal: AbortSignal): Promise<Line> {
    return this.#search(isOnly ? this.#options.reconnectPatienceMs : 0, STRANGE, signal)
  }

  /**
   * Tries one address after the other, and all of them again until patience ends. An export's name on xapi holds the
   * session, so one that ended meanwhile is refused, once by each host under each name.
   */
  async #search(patienceMs: number, momentary: ReadonlySet<string>, signal: AbortSignal | undefined): Promise<Line> {
    const { clock, pauseMs } = this.#options
    let until = clock.now() + patienceMs
    const refused = new Set<string>()
    for (;;) {
      let failure: unknown
      const targets = this.#bestFirst(await this.#places(signal))
      if (targets.length === 0) throw new NbdError('NBD_CONNECT', 'there is no address to connect to')
      for (const target of targets) {
        try {
          const line = await this.#try(target, signal)
          if (line !== undefined) return line
        } catch (error) {
          signal?.throwIfAborted()
          const isRefused = error instanceof NbdError && error.code === 'NBD_EXPORT'
          const key = JSON.stringify([target.address, target.exportName])
          const mayPass = error instanceof NbdError && momentary.has(error.code)
          if (isRefused ? refused.has(key) : !mayPass) throw error
          if (isRefused) refused.add(key)
          failure = error
        }
      }
      if (failure === undefined) {
        const waitedFrom = clock.now()
        await slotFreed(
          targets.map(({ address }) => address),
          signal,
        ) // our own connections: they end, so no patience is spent
        until += clock.now() - waitedFrom
      } else if (clock.now() >= until) throw failure
      else await sleep(clock, pauseMs, signal)
    }
  }

  /** Those that lost us less often first; else in the order given. */
  #bestFirst(targets: readonly NbdTarget[]): NbdTarget[] {
    for (const [line, key] of this.#opened) {
      if (line.over === undefined) continue
      this.#lost.set(key, (this.#lost.get(key) ?? 0) + 1)
      this.#opened.delete(line)
    }
    const losses = ({ address }: NbdTarget) => this.#lost.get(addressText(address)) ?? 0
    return targets.toSorted((a, b) => losses(a) - losses(b))
  }

  /** Undefined when this process has as many connections there as it may have. */
  async #try(target: NbdTarget, signal: AbortSignal | undefined): Promise<Line | undefined> {
    const giveBack = takeSlot(target.address, this.#options.hostConnections)
    if (giveBack === undefined) return undefined
    let line: Line
    try {
      const open = this.#options.thread === 'own' ? connectOnThread : connect
      line = await open(target, this.#options, signal)
    } catch (error) {
      giveBack()
      throw error
    }
    void line.closed.then(giveBack)
    if (this.#first !== undefined && !isSameExport(this.#first, line.negotiated)) {
      await line.close()
      throw changedExport(this.#first, line.negotiated)
    }
    this.#target = target
    this.#opened.set(line, addressText(target.address))
    return line
  }
}

const isSameExport = (a: Negotiated, b: Negotiated): boolean =>
  a.size === b.size && a.flags === b.flags && a.structured === b.structured && a.contexts.size === b.contexts.size

const changedExport = (before: Negotiated, now: Negotiated): NbdError =>
  new NbdError(
    'NBD_REFUSED',
    `the server describes the export differently on another connection: it had ${before.size} bytes and now has ` +
      `${now.size}, flags ${before.flags} and now ${now.flags}`,
  )

/** More connections are a gain, not a need: the export is there, since the first one has it, and what refuses its name now is xapi, whose session ended. */
const mayBeLeftOut = (error: unknown): boolean =>
  error instanceof NbdError && (error.retryable || error.code === 'NBD_EXPORT')
