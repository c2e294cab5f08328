import type { TLSSocket } from 'node:tls'
import type { Channel } from './channel.ts'
import { NbdError } from './error.ts'
import { isWritable, type ExportSource, type NbdExport, type NbdPeer } from './export.ts'
import {
  encodeContext,
  encodeExport,
  encodeGreeting,
  encodeInfo,
  encodeListed,
  encodeRefusal,
  encodeReply,
  parseInfoRequest,
  parseMetaRequest,
  parseName,
  readClientFlags,
  readOption,
  type ReceivedOption,
} from './options.ts'
import type { NbdFaults } from './faults.ts'
import type { Personality } from './personality.ts'
import { secureServer, type ServerTls } from './secure.ts'
import { skip } from './transmission.ts'
import { BASE_ALLOCATION, ClientFlag, Option, Rep, TransmissionFlag } from './wire.ts'

/** What a session needs of its server. */
export interface SessionSettings {
  readonly exports: ExportSource
  readonly personality: Personality
  readonly tls: ServerTls | undefined
  readonly handshakeTimeoutMs: number
  readonly requestBytes: number
  readonly connection: number
  /** Where the client is; undefined at a Unix socket. */
  readonly host: string | undefined
  /** How many options a client may send. */
  readonly options: number
  readonly faults: NbdFaults | undefined
  /** From now on the client waits on purpose: no timeout shall end it. */
  readonly onStall: () => void
  readonly report: (error: Error) => void
}

/** An export that a client may now send requests to. */
export interface Transmission {
  readonly export: NbdExport
  /** By which the client asked for it. */
  readonly name: string
  /** TransmissionFlag bits the client was told: what is not among them is not served. */
  readonly flags: number
  readonly structured: boolean
  /** BLOCK_STATUS of `base:allocation` was granted. */
  readonly allocation: boolean
}

/** The number under which `base:allocation` is granted. */
export const ALLOCATION_CONTEXT = 1

const OK = 'next' as const
type Step = typeof OK | 'close' | Transmission

/** One client's handshake: options in, answers out, until an export is open or the client leaves. */
export class Session {
  readonly #channel: Channel
  readonly #settings: SessionSettings
  readonly #signal: AbortSignal
  #secure = false
  #peer: NbdPeer
  #noZeroes = false
  #structured = false
  #allocationOf: string | undefined // the export for which base:allocation was granted
  #opened: { readonly name: string; readonly export: NbdExport } | undefined

  /** @param signal aborts when the client is gone */
  constructor(channel: Channel, settings: SessionSettings, signal: AbortSignal) {
    this.#channel = channel
    this.#settings = settings
    this.#signal = signal
    this.#peer = { host: settings.host, tls: false }
  }

  /** Runs the handshake. Undefined: the connection is to be closed. @throws NbdError NBD_PROTOCOL, NBD_TLS, NBD_TIMEOUT, NBD_DISCONNECTED */
  async negotiate(): Promise<Transmission | undefined> {
    const { personality, tls, faults, connection, options } = this.#settings
    const fault = faults?.beforeGreeting?.({ connection }) ?? 'pass'
    if (fault === 'stall') await this.#stall()
    if (fault !== 'pass') return undefined
    this.#channel.send([encodeGreeting(personality.handshakeFlags)])
    const flags = await this.#channel.run(readClientFlags())
    const fixed = (flags & ClientFlag.FIXED_NEWSTYLE) !== 0
    if (!fixed && (personality.checksClientFlags || tls !== undefined)) return undefined
    if (personality.checksClientFlags && (flags & ~(ClientFlag.FIXED_NEWSTYLE | ClientFlag.NO_ZEROES)) !== 0)
      return undefined
    this.#noZeroes = personality.honoursNoZeroes && (flags & ClientFlag.NO_ZEROES) !== 0
    for (let count = 0; count < options; count++) {
      const step = await this.#answer(await this.#channel.run(readOption()))
      if (step === 'close') return undefined
      if (step !== OK) return step
      await this.#channel.drained() // whoever does not take its answers is not asked for more
    }
    throw new NbdError('NBD_PROTOCOL', `the client sent ${options} options and asked for no export`)
  }

  /** Closes what the client had open. Once, when it is gone. */
  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.export.close?.()
  }

  #answer(received: ReceivedOption): Promise<Step> | Step {
    const { option } = received
    const { personality, tls } = this.#settings
    if (option === Option.STARTTLS) return this.#startTls(received)
    if (tls?.mode === 'required' && !this.#secure) return this.#insistOnTls(option)
    if (option === Option.EXPORT_NAME) return this.#exportName(received)
    if (option === Option.ABORT) return this.#acknowledge(option, 'close')
    if (option === Option.LIST && personality.listRefusal !== undefined)
      return this.#refuse(option, personality.listRefusal)
    if (!personality.options.has(option)) return this.#refuse(option, Rep.ERR_UNSUP)
    switch (option) {
      case Option.LIST:
        return this.#list(received)
      case Option.INFO:
      case Option.GO:
        return this.#describe(received)
      case Option.STRUCTURED_REPLY:
        if (received.data.length > 0) return this.#refuse(option, Rep.ERR_INVALID)
        this.#structured = true
        return this.#acknowledge(option, OK)
      case Option.LIST_META_CONTEXT:
      case Option.SET_META_CONTEXT:
        return this.#metaContext(received)
      default:
        return this.#refuse(option, Rep.ERR_UNSUP)
    }
  }

  #insistOnTls(option: number): Step {
    if (option === Option.EXPORT_NAME) return 'close'
    if (option !== Option.ABORT) return this.#refuse(option, Rep.ERR_TLS_REQD, 'this server only serves over TLS')
    return this.#settings.personality.acknowledgesEarlyAbort ? this.#acknowledge(option, 'close') : 'close'
  }

  async #startTls({ option, data }: ReceivedOption): Promise<Step> {
    const { tls, personality, handshakeTimeoutMs, faults, connection } = this.#settings
    if (tls === undefined) return this.#refuse(option, personality.startTlsRefusal)
    if (this.#secure || data.length > 0) return this.#refuse(option, Rep.ERR_INVALID)
    // What was agreed in the clear may have been forged: proto.md, "NBD_OPT_STARTTLS".
    this.#structured = false
    this.#allocationOf = undefined
    await this.close()
    const fault = (await faults?.beforeTls?.({ connection })) ?? 'pass'
    if (fault === 'close' || fault === 'stall') {
      this.#acknowledge(option, OK)
      if (fault === 'stall') await this.#stall()
      await this.#channel.run(skip(1))
      return 'close'
    }
    const secured = await this.#channel.upgrade((plain) => {
      this.#acknowledge(option, OK)
      return secureServer(plain, fault === 'pass' ? tls : fault, personality.tls, handshakeTimeoutMs)
    })
    this.#secure = true
    this.#peer = { host: this.#settings.host, tls: true, ...certificateOf(secured) }
    return OK
  }

  /** Says nothing more, until the client has had enough. @throws NbdError NBD_DISCONNECTED */
  async #stall(): Promise<void> {
    this.#settings.onStall()
    await this.#channel.run(skip(Number.MAX_SAFE_INTEGER))
  }

  async #list({ option, data }: ReceivedOption): Promise<Step> {
    const { exports, report } = this.#settings
    if (data.length > 0) return this.#refuse(option, Rep.ERR_INVALID)
    if (exports.list === undefined) return this.#refuse(option, Rep.ERR_POLICY, 'this server does not list its exports')
    try {
      const names = await exports.list(this.#peer)
      this.#channel.send(names.flatMap((name) => encodeListed(option, name)))
    } catch (error) {
      report(asError(error))
      return this.#refuse(option, Rep.ERR_PLATFORM)
    }
    return this.#acknowledge(option, OK)
  }

  async #describe({ option, data }: ReceivedOption): Promise<Step> {
    const { personality, requestBytes } = this.#settings
    const parsed = parseInfoRequest(data)
    if (parsed === undefined) return this.#refuse(option, Rep.ERR_INVALID)
    const found = await this.#open(parsed.name)
    if (found === undefined) return this.#refuse(option, Rep.ERR_UNKNOWN, 'no such export')
    const blockSize = { ...personality.blockSize, maximum: requestBytes }
    const { size, description } = found
    const described = { name: parsed.name, description, size, flags: this.#flags(found), blockSize }
    this.#channel.send(encodeInfo(option, described, parsed.wanted))
    this.#acknowledge(option, OK)
    return option === Option.GO ? this.#transmission(parsed.name, found) : OK
  }

  async #exportName({ data }: ReceivedOption): Promise<Step> {
    const name = parseName(data)
    const found = name === undefined ? undefined : await this.#open(name)
    if (name === undefined || found === undefined) return 'close' // EXPORT_NAME knows no refusal
    this.#channel.send([encodeExport(found.size, this.#flags(found), !this.#noZeroes)])
    return this.#transmission(name, found)
  }

  async #metaContext({ option, data }: ReceivedOption): Promise<Step> {
    const set = option === Option.SET_META_CONTEXT
    const parsed = parseMetaRequest(data)
    if (parsed === undefined || (set && !this.#structured)) return this.#refuse(option, Rep.ERR_INVALID)
    const found = await this.#open(parsed.name)
    if (found === undefined) return this.#refuse(option, Rep.ERR_UNKNOWN, 'no such export')
    const granted = found.extents !== undefined && asksForAllocation(parsed.queries, set)
    if (set) this.#allocationOf = granted ? parsed.name : undefined
    if (granted) this.#channel.send(encodeContext(option, set ? ALLOCATION_CONTEXT : 0, BASE_ALLOCATION))
    return this.#acknowledge(option, OK)
  }

  /** Opens an export once and keeps it for the options that follow. */
  async #open(name: string): Promise<NbdExport | undefined> {
    if (this.#opened?.name === name) return this.#opened.export
    await this.close()
    try {
      const found = await this.#settings.exports.open(name, this.#signal, this.#peer)
      if (found !== undefined) this.#opened = { name, export: found }
      return found
    } catch (error) {
      this.#settings.report(asError(error))
      return undefined
    }
  }

  #transmission(name: string, found: NbdExport): Transmission {
    return {
      export: found,
      name,
      flags: this.#flags(found),
      structured: this.#structured,
      allocation: this.#allocationOf === name,
    }
  }

  #flags(found: NbdExport): number {
    const flag = TransmissionFlag
    if (this.#settings.personality.readOnly) return flag.HAS_FLAGS | flag.READ_ONLY
    let flags: number = flag.HAS_FLAGS | (this.#structured ? flag.SEND_DF : 0)
    if (found.cache !== undefined) flags |= flag.SEND_CACHE
    if (!isWritable(found)) return flags | flag.READ_ONLY | flag.CAN_MULTI_CONN
    if (found.coherent === true) flags |= flag.CAN_MULTI_CONN
    if (found.flush !== undefined) flags |= flag.SEND_FLUSH | flag.SEND_FUA
    if (found.trim !== undefined) flags |= flag.SEND_TRIM
    if (found.writeZeroes !== undefined) flags |= flag.SEND_WRITE_ZEROES
    if (found.writeZeroes !== undefined && found.zeroesFast === true) flags |= flag.SEND_FAST_ZERO
    return flags
  }

  #acknowledge<Next extends Step>(option: number, next: Next): Next {
    this.#channel.send(encodeReply(option, Rep.ACK))
    return next
  }

  #refuse(option: number, type: number, sentence?: string): Step {
    this.#channel.send(encodeRefusal(option, type, this.#settings.personality.explains ? sentence : ''))
    return OK
  }
}

function certificateOf(socket: TLSSocket): Pick<NbdPeer, 'certificate'> {
  if (!socket.authorized) return {}
  const { subject, fingerprint256 } = socket.getPeerCertificate()
  const name = subject.CN
  return { certificate: { subject: typeof name === 'string' ? name : (name?.[0] ?? ''), fingerprint256 } }
}

/** A query may name the context or, in a listing, its namespace; no query at all lists everything. */
function asksForAllocation(queries: readonly string[], set: boolean): boolean {
  if (queries.includes(BASE_ALLOCATION)) return true
  return !set && (queries.length === 0 || queries.includes('base:'))
}

export const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new NbdError('NBD_IO', String(reason), { cause: reason })
