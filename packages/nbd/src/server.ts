import net from 'node:net'
import { BufferPool } from './buffers.ts'
import { Channel, type NbdAddress } from './channel.ts'
import { NbdError } from './error.ts'
import type { ExportSource } from './export.ts'
import type { NbdFaults } from './faults.ts'
import { personality, type Personality, type PersonalityName } from './personality.ts'
import { Budget } from './room.ts'
import { checkServerTls, type ServerTls } from './secure.ts'
import { serveRequests } from './serving.ts'
import { asError, Session } from './session.ts'
import { REQUEST_BYTES_MAX } from './wire.ts'

/** What one server, or one of its connections, may use. */
export interface NbdServerLimits {
  /** Connections at once; more are closed without a greeting. xapi: 16. */
  readonly connections: number
  /** Of these, from one address: nobody takes all of them. Unix sockets have no address. */
  readonly connectionsPerAddress: number
  /** Bytes: the longest READ or WRITE. */
  readonly requestBytes: number
  /** Requests worked on at once, per connection. xapi: 1. */
  readonly inFlight: number
  /** Bytes of payload held at once, per connection. */
  readonly bytesInFlight: number
  /** Bytes of payload held at once by all connections together; whoever asks for more waits. At least `requestBytes`. */
  readonly bytesInFlightTotal: number
  /** Options in one handshake. */
  readonly options: number
  /** From the connection to an open export. */
  readonly handshakeTimeoutMs: number
  /** How long a client may take to send the data of a WRITE, or to take an answer. One that does neither is thrown out. */
  readonly transferTimeoutMs: number
  /** How long a client may take to close its end after the goodbye. */
  readonly lingerTimeoutMs: number
}

export const nbdServerLimits = {
  connections: 64,
  connectionsPerAddress: 48,
  requestBytes: REQUEST_BYTES_MAX,
  inFlight: 16,
  bytesInFlight: 2 * REQUEST_BYTES_MAX,
  bytesInFlightTotal: 8 * REQUEST_BYTES_MAX,
  options: 256,
  handshakeTimeoutMs: 10_000,
  transferTimeoutMs: 60_000,
  lingerTimeoutMs: 5_000,
} as const satisfies NbdServerLimits

export interface NbdServerOptions {
  /** Port 0: any free one; `NbdServer.address` tells. */
  readonly listen: NbdAddress
  readonly exports: ExportSource
  /** Absent: everything goes in the clear. */
  readonly tls?: ServerTls
  /** Default `standard`: the protocol as it is written. `xapi`: as XenServer's and XCP-ng's server behaves. */
  readonly personality?: PersonalityName
  /** For `xapi`: also answer GO, INFO, and LIST as unsupported, which qemu needs. Default true; false is xapi to the letter. */
  readonly xapiExtras?: boolean
  readonly limits?: Partial<NbdServerLimits>
  readonly faults?: NbdFaults
  /** Told what went wrong on a connection, be it an export's error or a client's. Default: nobody. */
  readonly onError?: (error: Error, connection: number) => void
}

// Of buffers that wait for their next use: enough for sixteen connections with requests of 256 KiB.
const POOL_BYTES = 64 * 1024 * 1024

type StopHow = 'drain' | 'now' | 'retire'

export interface NbdServer extends AsyncDisposable {
  /** With the real port. */
  readonly address: NbdAddress
  /** How many clients are connected. */
  readonly connections: number
  /**
   * Stops listening; resolves when every connection has ended and all exports are closed. `drain` first answers the
   * requests it has, `now` cuts, and `retire` lets clients that have an export go on until they leave: a later `now`
   * cuts them.
   */
  stop(how: StopHow): Promise<void>
}

interface Live {
  readonly channel: Channel
  /** Where the client is; undefined at a Unix socket. */
  readonly host: string | undefined
  /** Past the handshake. */
  transmitting: boolean
}

/** Starts a server. @throws NbdError NBD_CONNECT (cannot listen there), NBD_TLS (key or certificate unusable) */
export async function serveNbd(options: NbdServerOptions): Promise<NbdServer> {
  if (options.tls !== undefined) checkServerTls(options.tls)
  const traits = personality(options.personality ?? 'standard', options.xapiExtras ?? true)
  const limits = limitsOf(traits, options.limits)
  const live = new Map<Live, Promise<void>>() // until the export is closed
  const shared = {
    budget: new Budget(Math.max(limits.bytesInFlightTotal, limits.requestBytes)),
    pool: new BufferPool(POOL_BYTES),
  }
  let count = 0
  const listener = net.createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
    const host = socket.remoteAddress
    const isCrowded = host !== undefined && countOf(live.keys(), host) >= limits.connectionsPerAddress
    if (live.size >= limits.connections || isCrowded) return turnAway(socket)
    const connection = ++count
    const channel = new Channel(socket, { ownBuffer: false, peer: `client ${connection}` })
    const entry: Live = { channel, host, transmitting: false }
    const serving = serveConnection({ options, traits, limits, shared }, connection, entry)
    live.set(
      entry,
      serving.finally(() => live.delete(entry)),
    )
  })
  await listen(listener, options.listen)

  const stop = async (how: StopHow): Promise<void> => {
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
    const leaving = [...live]
    for (const [{ channel, transmitting }] of leaving) {
      if (how === 'retire' && transmitting) continue
      const reason = new NbdError('NBD_DISCONNECTED', 'the server stops')
      if (how === 'drain' && transmitting) channel.interrupt(reason)
      else channel.fail(reason)
    }
    await Promise.all(leaving.map(([, served]) => served))
    await closed
  }
  return {
    address: addressOf(listener, options.listen),
    get connections() {
      return live.size
    },
    stop,
    [Symbol.asyncDispose]: () => stop('now'),
  }
}

/** What the connections of a server have in common. */
interface Common {
  readonly options: NbdServerOptions
  readonly traits: Personality
  readonly limits: NbdServerLimits
  readonly shared: { readonly budget: Budget; readonly pool: BufferPool }
}

/** One connection from greeting to the closing of its export. Never rejects. */
async function serveConnection(
  { options, traits, limits, shared }: Common,
  connection: number,
  entry: Live,
): Promise<void> {
  const { channel, host } = entry
  const report = (error: Error) => options.onError?.(error, connection)
  const gone = new AbortController()
  void channel.closed.then(() => gone.abort(new NbdError('NBD_DISCONNECTED', 'the client is gone')))
  const { exports, tls, faults } = options
  const late = () => channel.fail(new NbdError('NBD_TIMEOUT', 'the client did not finish its handshake in time'))
  const timer = setTimeout(late, limits.handshakeTimeoutMs)
  const onStall = () => clearTimeout(timer)
  const settings = { ...limits, exports, tls, personality: traits, connection, host, faults, onStall, report }
  const session = new Session(channel, settings, gone.signal)
  try {
    const open = await session.negotiate()
    clearTimeout(timer)
    if (open !== undefined) {
      entry.transmitting = true
      await serveRequests(channel, open, {
        ...limits,
        ...shared,
        personality: traits,
        connection,
        faults,
        signal: gone.signal,
        report,
      })
    }
  } catch (error) {
    if (!isGoodbye(error)) report(asError(error))
  } finally {
    clearTimeout(timer)
    // A reset while the client still sends would look like a broken network to it: read until it has closed its end.
    await channel.linger(limits.lingerTimeoutMs)
    await session.close().catch((error: unknown) => report(asError(error)))
  }
}

const isGoodbye = (error: unknown): boolean => error instanceof NbdError && error.code === 'NBD_DISCONNECTED'

function countOf(connections: Iterable<Live>, host: string): number {
  let count = 0
  for (const each of connections) if (each.host === host) count++
  return count
}

/** xapi says nothing to a client too many. */
function turnAway(socket: net.Socket): void {
  socket.on('error', () => socket.destroy())
  socket.destroy()
}

function limitsOf(traits: Personality, chosen: Partial<NbdServerLimits> = {}): NbdServerLimits {
  return {
    ...nbdServerLimits,
    ...(traits.connections !== undefined && { connections: traits.connections }),
    ...(traits.inFlight !== undefined && { inFlight: traits.inFlight }),
    ...chosen,
  }
}

function listen(listener: net.Server, address: NbdAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (error: Error) =>
    reject(new NbdError('NBD_CONNECT', `cannot listen: ${error.message}`, { cause: error }))
  listener.once('error', failed)
  listener.listen('path' in address ? { path: address.path } : { host: address.host, port: address.port }, () => {
    listener.off('error', failed)
    resolve()
  })
  return promise
}

function addressOf(listener: net.Server, asked: NbdAddress): NbdAddress {
  const bound = listener.address()
  return bound !== null && typeof bound === 'object' && 'host' in asked ? { host: asked.host, port: bound.port } : asked
}
