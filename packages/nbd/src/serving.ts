import { perform, plainAnswer, readAtOnce, readPart, type Answer } from './answer.ts'
import { HEAD_ROOM, type BufferPool } from './buffers.ts'
import type { Channel } from './channel.ts'
import { NbdError } from './error.ts'
import { outlet, type NbdFaults, type NbdReplyFault } from './faults.ts'
import type { Parser } from './parser.ts'
import type { Personality } from './personality.ts'
import { split } from './range.ts'
import { carriesData, checkRequest, encodeRefusal, refusalOf, isPastEnd, isReadOnly, Refusal } from './refusal.ts'
import { Room, type Budget } from './room.ts'
import { asError, type Transmission } from './session.ts'
import { encodeSimple, putSimpleHead, readInto, readRequest, SIMPLE_HEAD_BYTES, skip } from './transmission.ts'
import { Command, Errno, type CommandName, type Request } from './wire.ts'

export interface ServingSettings {
  readonly connection: number
  /** Longest READ or WRITE, in bytes. */
  readonly requestBytes: number
  /** Requests worked on at once. */
  readonly inFlight: number
  /** Payload held at once, in bytes; a single request may always go. */
  readonly bytesInFlight: number
  /** How long a client may take to send the data of a WRITE, or to take an answer. */
  readonly transferTimeoutMs: number
  readonly personality: Personality
  readonly faults: NbdFaults | undefined
  /** All connections share these. */
  readonly budget: Budget
  readonly pool: BufferPool
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  readonly report: (error: Error) => void
}

/**
 * Serves requests until the client says DISC, goes away or is thrown out. Holds at most `inFlight` requests and
 * `bytesInFlight` of payload: beyond that it stops reading, and TCP tells the client to wait.
 */
export async function serveRequests(channel: Channel, open: Transmission, settings: ServingSettings): Promise<void> {
  await using serving = new Serving(channel, open, settings)
  await serving.run()
}

/** Why requests are not taken any more: no room for this one yet, the client's goodbye, or only one at a time. */
type Pause = { readonly waiting: Request } | 'over' | 'full'

class Serving {
  readonly #channel: Channel
  readonly #open: Transmission
  readonly #settings: ServingSettings
  readonly #room: Room
  readonly #patience: Patience
  #count = 0
  /** An answer was the last one. */
  #over = false
  /** Bytes of the WRITE whose data are arriving. */
  #receiving: number | undefined

  constructor(channel: Channel, open: Transmission, settings: ServingSettings) {
    this.#channel = channel
    this.#open = open
    this.#settings = settings
    // What is read at once is read when it can leave, while the processor still has it in its cache.
    const bytesMax = open.export.readNow === undefined ? settings.bytesInFlight : BYTES_AT_ONCE
    this.#room = new Room(settings.inFlight, bytesMax, settings.budget)
    this.#patience = new Patience(settings.transferTimeoutMs, () =>
      channel.fail(new NbdError('NBD_TIMEOUT', 'the client neither sent its data nor took its answers in time')),
    )
  }

  async run(): Promise<void> {
    const { signal, inFlight } = this.#settings
    for (let waiting: Request | undefined; ;) {
      const pause = await this.#channel.run(this.#take(waiting))
      waiting = undefined
      if (pause === 'over') return
      if (pause !== 'full') {
        waiting = pause.waiting
        await this.#room.enter(this.#held(waiting), signal)
      }
      // One at a time means that the next request is not even looked at.
      if (inFlight === 1 && waiting === undefined) await this.#room.empty()
      if (this.#over) {
        if (waiting !== undefined) this.#room.leave(this.#held(waiting))
        return
      }
    }
  }

  /** Resolves when every answer has left, or never will. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#receiving !== undefined) this.#room.leave(this.#receiving) // nobody else will: it is never answered
    await this.#room.empty()
    this.#patience.end()
  }

  /** Takes requests while there is room for them. @param first a request that has its room already */
  *#take(first: Request | undefined): Parser<Pause> {
    const isSerial = this.#settings.inFlight === 1
    if (first !== undefined) {
      yield* this.#begin(first)
      if (isSerial) return 'full'
    }
    for (;;) {
      const request = yield* readRequest()
      if (request.type === Command.DISC) return 'over'
      if (!this.#room.tryEnter(this.#held(request))) return { waiting: request }
      if (this.#over) {
        this.#room.leave(this.#held(request))
        return 'over'
      }
      yield* this.#begin(request)
      if (isSerial) return 'full'
    }
  }

  /** Whether an answer may be made on the spot, without a promise: nothing is wrong with the request, and nobody meddles. */
  #mayAnswerAtOnce(request: Request): boolean {
    const { faults, personality } = this.#settings
    if (faults !== undefined || personality.answersFirst) return false
    return refusalOf(this.#open, this.#settings, request) === undefined
  }

  /** Answers a READ on the spot where that can be done. */
  #readsAtOnce(request: Request, held: number): boolean {
    if (request.type !== Command.READ || this.#open.export.readNow === undefined) return false
    const answer = this.#mayAnswerAtOnce(request) ? readAtOnce(this.#open, this.#settings.pool, request) : undefined
    if (answer === undefined) return false
    this.#sendAtOnce(answer.bytes, answer.buffer, held)
    return true
  }

  /** Carries out a WRITE on the spot where that can be done. */
  #writesAtOnce(request: Request, buffer: Uint8Array | undefined, held: number): boolean {
    const { export: each } = this.#open
    const { type, flags, offset, length, cookie } = request
    if (type !== Command.WRITE || each.writeNow === undefined || buffer === undefined || flags !== 0) return false
    if (!this.#mayAnswerAtOnce(request)) return false
    if (!each.writeNow(offset, buffer.subarray(HEAD_ROOM, HEAD_ROOM + length))) return false
    // The payload has gone its way; its place takes the answer.
    putSimpleHead(buffer, 0, cookie)
    this.#sendAtOnce(buffer.subarray(0, SIMPLE_HEAD_BYTES), buffer, held)
    return true
  }

  #sendAtOnce(bytes: Uint8Array, buffer: Uint8Array, held: number): void {
    this.#count++
    this.#patience.begin()
    this.#channel.sendOne(bytes, () => {
      this.#patience.done()
      if (this.#channel.failure === undefined) this.#settings.pool.give(buffer)
      this.#room.leave(held)
    })
  }

  *#begin(request: Request): Parser<void> {
    const held = this.#held(request)
    if (this.#readsAtOnce(request, held)) return
    this.#receiving = held
    const isSlow = request.type === Command.WRITE
    if (isSlow) this.#patience.begin()
    const payload = yield* this.#readPayload(request)
    if (isSlow) this.#patience.done()
    this.#receiving = undefined
    if (this.#writesAtOnce(request, payload, held)) return
    this.#answer(request, payload, ++this.#count)
      .then((goOn) => {
        if (!goOn) this.#over = true
      })
      .catch((error: unknown) => this.#channel.fail(asError(error)))
      .finally(() => this.#room.leave(held))
  }

  /** Takes the data of a WRITE off the stream; data that no one will take are dropped without being held. */
  *#readPayload({ type, length }: Request): Parser<Uint8Array | undefined> {
    if (type !== Command.WRITE || length === 0) return undefined
    const { requestBytes, personality, pool } = this.#settings
    if (length <= requestBytes && !isReadOnly(this.#open)) {
      const buffer = pool.take(length)
      yield* readInto(buffer.subarray(HEAD_ROOM, HEAD_ROOM + length))
      return buffer
    }
    if (!personality.endsOnRefusal) yield* skip(length)
    return undefined
  }

  /** Answers one request. False: the connection is to end. Resolves when the answer has left. */
  async #answer(request: Request, payload: Uint8Array | undefined, count: number): Promise<boolean> {
    const { personality, pool, report } = this.#settings
    let refused = false
    const refuse = (error: unknown): Answer => {
      refused = true
      if (!(error instanceof Refusal)) report(asError(error))
      return plainAnswer(encodeRefusal(this.#open, request, asError(error)))
    }
    const promised = personality.answersFirst && request.type === Command.READ
    const work = promised ? this.#promise(request) : this.#perform(request, payload)
    const answer = await work.catch(refuse)
    const fault = this.#settings.faults === undefined ? 'pass' : await this.#faultOf(request, count)
    if (fault === 'drop') return true
    if (fault === 'close') {
      this.#channel.fail(new NbdError('NBD_DISCONNECTED', 'a fault was asked for')) // at once: no later answer overtakes it
      return true
    }
    if (typeof fault === 'object' && 'errno' in fault) {
      const error = new Refusal(Errno[fault.errno], 'a fault was asked for')
      await this.#send('pass', plainAnswer(encodeRefusal(this.#open, request, error)))
      return true
    }
    if (promised && !refused) await this.#sendPieces(fault, request)
    else await this.#send(fault, answer)
    // Nobody reads a buffer any more once its bytes have left; those of a broken connection are left to the collector.
    if (this.#channel.failure === undefined) for (const buffer of answer.buffers) pool.give(buffer)
    return !(refused && personality.endsOnRefusal)
  }

  async #perform(request: Request, buffer: Uint8Array | undefined): Promise<Answer> {
    const { pool } = this.#settings
    checkRequest(this.#open, this.#settings, request)
    const payload = buffer?.subarray(HEAD_ROOM, HEAD_ROOM + request.length)
    const answer = await perform(this.#open, pool, request, payload)
    if (buffer !== undefined) pool.give(buffer) // not after a failure: part of the write may still be under way
    return answer
  }

  /** Checks a request whose answer begins before anything is read. */
  async #promise(request: Request): Promise<Answer> {
    checkRequest(this.#open, this.#settings, request)
    return plainAnswer([])
  }

  /** The answer to a READ in pieces, the first of them behind the head. What fails after the head can only cut the connection. */
  async #sendPieces(fault: NbdReplyFault, request: Request): Promise<void> {
    const { offset, length, cookie } = request
    const { pool } = this.#settings
    const out = outlet(this.#channel, fault, SIMPLE_HEAD_BYTES, length)
    let head: Uint8Array = encodeSimple(cookie, 0)
    const cut = async (error: Error): Promise<never> => {
      if (head.length > 0) await out.send([head])
      throw error
    }
    if (isPastEnd(this.#open.export, request)) {
      return cut(new NbdError('NBD_DISCONNECTED', 'the client read past the end'))
    }
    if (length === 0) return out.send([head])
    for (const piece of split(offset, length, PIECE_BYTES)) {
      const read = readPart(this.#open.export, pool, head, piece.offset, piece.length)
      const { bytes, buffer } = await read.catch((error: unknown) => cut(asError(error)))
      head = new Uint8Array()
      await this.#patiently(out.send(bytes))
      if (buffer !== undefined && this.#channel.failure === undefined) pool.give(buffer)
    }
  }

  #send(fault: NbdReplyFault, { parts, dataAt, dataLength }: Answer): Promise<void> {
    if (fault !== 'pass') return this.#patiently(outlet(this.#channel, fault, dataAt, dataLength).send(parts))
    return this.#patiently(new Promise((resolve) => this.#channel.send(parts, resolve)))
  }

  async #patiently(sending: Promise<void>): Promise<void> {
    this.#patience.begin()
    await sending.finally(() => this.#patience.done())
  }

  async #faultOf({ type, offset, length }: Request, count: number): Promise<NbdReplyFault> {
    const { faults, connection, signal } = this.#settings
    const name = commandName(type)
    if (faults?.beforeReply === undefined || name === undefined) return 'pass'
    const exportName = this.#open.name
    return faults.beforeReply({ connection, request: count, type: name, exportName, offset, length, signal })
  }

  #held({ type, length }: Request): number {
    return carriesData(type) ? Math.min(length, this.#settings.requestBytes) : 0
  }
}

const BYTES_AT_ONCE = 1024 * 1024

// xapi passes data on in pieces of this size.
const PIECE_BYTES = 512 * 1024

function commandName(type: number): CommandName | undefined {
  return (Object.keys(Command) as CommandName[]).find((name) => Command[name] === type)
}

/** Calls when nothing got done for too long although something was under way. */
class Patience {
  #underWay = 0
  #done = 0
  #seen = 0
  readonly #timer: NodeJS.Timeout

  constructor(timeoutMs: number, onEnd: () => void) {
    let quiet = 0
    this.#timer = setInterval(() => {
      quiet = this.#underWay > 0 && this.#done === this.#seen ? quiet + 1 : 0
      this.#seen = this.#done
      if (quiet === TICKS) onEnd()
    }, timeoutMs / TICKS).unref()
  }

  begin(): void {
    // What begins after a pause has all the time there is.
    if (this.#underWay++ === 0) this.#done++
  }

  done(): void {
    this.#underWay--
    this.#done++
  }

  end(): void {
    clearInterval(this.#timer)
  }
}

const TICKS = 4
