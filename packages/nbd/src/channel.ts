import net from 'node:net'
import type { TLSSocket } from 'node:tls'
import { NbdError, reasonOf } from './error.ts'
import { ParserRun, type Parser } from './parser.ts'

/** Where an NBD server listens: TCP, or a Unix socket. */
export type NbdAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** An address as people write it. */
export const addressText = (address: NbdAddress): string =>
  'path' in address ? address.path : `${address.host}:${address.port}`

// Own buffer for what is not payload. Payload of at least half of it goes straight to its destination instead.
const SCRATCH_BYTES = 64 * 1024
const DIRECT_BYTES_MIN = 16 * 1024

interface Running {
  readonly run: ParserRun<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: Error) => void
}

/**
 * Joins parsers to a socket: runs one parser after the other over the incoming bytes, and stops reading while none
 * runs. The first error, be it the parser's, the network's or the peer's end of stream, ends the channel for good.
 */
export class Channel {
  #socket: net.Socket
  #detach: () => void
  readonly #peer: string
  #connected: boolean
  #running: Running | undefined
  #waiting: Uint8Array[] = [] // bytes that arrived while no parser ran
  #failure: NbdError | undefined
  #ended = false
  #received = false
  #interrupted: NbdError | undefined
  #lingering = false // what arrives is thrown away
  readonly #closed = Promise.withResolvers<void>()

  /** @param socket connected, or connecting; with `ownBuffer` when made by `connectChannel` */
  constructor(socket: net.Socket, options: { readonly ownBuffer: boolean; readonly peer: string }) {
    this.#socket = socket
    this.#peer = options.peer
    this.#connected = !socket.connecting
    socket.once('connect', () => (this.#connected = true))
    this.#detach = this.#attach(!options.ownBuffer)
  }

  /** True when at least one byte has come from the peer. */
  get received(): boolean {
    return this.#received
  }

  /** Why the channel is over, if it is. */
  get failure(): NbdError | undefined {
    return this.#failure
  }

  /** Resolves when the socket is closed for good. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Runs a parser to its end. One at a time. @throws what the parser throws; NbdError NBD_DISCONNECTED, NBD_TLS */
  run<Result>(parser: Parser<Result>): Promise<Result> {
    if (this.#running !== undefined) throw new Error('a channel runs one parser at a time')
    if (this.#interrupted !== undefined) return Promise.reject(this.#interrupted)
    return new Promise<Result>((resolve, reject) => {
      let run: ParserRun<Result>
      try {
        run = new ParserRun(parser)
      } catch (error) {
        this.fail(asError(error))
        reject(asError(error))
        return
      }
      this.#running = { run, resolve: resolve as (value: unknown) => void, reject }
      const waiting = this.#waiting
      this.#waiting = []
      for (const chunk of waiting) this.#take(chunk, false)
      this.#finishRun()
      if (this.#running === undefined) return
      if (this.#failure !== undefined) this.#reject(this.#failure)
      else if (this.#ended) this.fail(endOfStream())
      else this.#socket.resume()
    })
  }

  /** Writes all parts in one go. `done` is called when they have left, or never will. */
  send(parts: readonly Uint8Array[], done?: () => void): void {
    const socket = this.#socket
    if (!socket.writable) {
      if (done !== undefined) queueMicrotask(done)
      return
    }
    if (parts.length > 1) socket.cork()
    for (const [i, part] of parts.entries()) {
      if (i === parts.length - 1 && done !== undefined) socket.write(part, () => done())
      else socket.write(part)
    }
    if (parts.length > 1) socket.uncork()
  }

  /** Writes one part, as `send`. */
  sendOne(part: Uint8Array, done: () => void): void {
    if (this.#socket.writable) this.#socket.write(part, done)
    else queueMicrotask(done)
  }

  /** Resolves when the peer has taken most of what was sent, or never will. */
  async drained(): Promise<void> {
    const socket = this.#socket
    if (!socket.writableNeedDrain || socket.destroyed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const over = () => resolve()
    socket.once('drain', over).once('close', over)
    await promise
    socket.off('drain', over).off('close', over)
  }

  /** Writes something after which nothing more leaves. Resolves when it has left, or never will. */
  sendLast(part: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.send([part], resolve)
      this.#socket.end()
    })
  }

  /** Puts TLS between the two ends. Nothing may have arrived that TLS would not protect. */
  async upgrade(secure: (plain: net.Socket) => Promise<TLSSocket>): Promise<TLSSocket> {
    if (this.#waiting.length > 0) {
      const error = new NbdError('NBD_PROTOCOL', 'the peer sent bytes in the clear where TLS should begin')
      this.fail(error)
      throw error
    }
    const plain = this.#socket
    this.#detach()
    const secured = await secure(plain).catch((error: unknown) => {
      if (plain.closed) this.#closed.resolve()
      else this.#detach = this.#attach(false)
      this.fail(asError(error))
      throw error
    })
    this.#socket = secured
    this.#detach = this.#attach(true)
    return secured
  }

  /** Ends our half of the stream after what was sent, and throws away what still arrives until the peer ends its half. */
  async linger(timeoutMs: number): Promise<void> {
    this.#lingering = true
    this.#waiting = []
    this.#reject(new NbdError('NBD_DISCONNECTED', 'the connection was closed on this side'))
    const timer = setTimeout(() => this.#socket.destroy(), timeoutMs)
    this.#socket.end()
    this.#socket.resume()
    await this.closed
    clearTimeout(timer)
  }

  /** Ends reading, not writing: the running parser and every later one reject. What was sent still leaves. */
  interrupt(reason: NbdError): void {
    this.#interrupted = reason
    this.#socket.pause()
    this.#reject(reason)
  }

  /** Ends the channel with an error: the running parser rejects with it, and the socket is destroyed. */
  fail(error: Error): void {
    this.#failure ??=
      error instanceof NbdError ? error : new NbdError('NBD_DISCONNECTED', error.message, { cause: error })
    this.#reject(this.#failure)
    this.#socket.destroy()
  }

  /** For sockets with their own buffer: where the next bytes go. */
  nextBuffer(scratch: Uint8Array): Uint8Array {
    return this.#running?.run.window(DIRECT_BYTES_MIN) ?? scratch
  }

  /** For sockets with their own buffer: `count` bytes are in `buffer`. Answers whether to go on reading. */
  receivedInto(buffer: Uint8Array, count: number, scratch: Uint8Array): boolean {
    this.#received = true
    if (this.#lingering) return true
    const running = this.#running
    if (buffer === scratch) {
      this.#take(buffer.subarray(0, count), true)
    } else if (running !== undefined) {
      this.#guard(() => {
        const used = running.run.wrote(buffer, count)
        if (used < count) this.#waiting.push(buffer.slice(used, count))
      })
    }
    this.#finishRun()
    return this.#running !== undefined
  }

  /** Listens to the socket in use now. Answers what stops listening. */
  #attach(onData: boolean): () => void {
    const socket = this.#socket
    const end = () => {
      this.#ended = true
      if (this.#running !== undefined && !this.#lingering) this.fail(endOfStream())
    }
    const close = () => {
      this.#ended = true
      if (this.#running !== undefined) this.fail(endOfStream())
      this.#failure ??= endOfStream()
      this.#closed.resolve()
    }
    const data = (chunk: Uint8Array) => {
      this.#received = true
      if (this.#lingering) return
      const used = this.#take(chunk, false)
      this.#finishRun()
      if (this.#running === undefined) socket.pause()
      if (used) free(chunk)
    }
    // Stays for good: a socket without a listener for errors ends the process.
    socket.on('error', (error: Error) =>
      this.fail(socketError(error, { connected: this.#connected, peer: this.#peer })),
    )
    socket.on('end', end).on('close', close)
    if (onData) socket.on('data', data)
    return () => socket.off('end', end).off('close', close).off('data', data)
  }

  /**
   * @param reused true when the chunk's memory will be written again, so that what stays must be copied
   * @returns whether all of it was used, so that nothing refers to it any more
   */
  #take(chunk: Uint8Array, reused: boolean): boolean {
    const running = this.#running
    let used = 0
    this.#guard(() => {
      used = running === undefined || running.run.result !== undefined ? 0 : running.run.feed(chunk)
      if (used < chunk.length) this.#waiting.push(reused ? chunk.slice(used) : chunk.subarray(used))
    })
    return used === chunk.length
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.fail(asError(error))
    }
  }

  #finishRun(): void {
    const running = this.#running
    if (running?.run.result === undefined) return
    this.#running = undefined
    running.resolve(running.run.result.value)
  }

  #reject(error: Error): void {
    const running = this.#running
    this.#running = undefined
    running?.reject(error)
  }
}

/**
 * Starts connecting to a server; the first `run` waits for it. With `ownBuffer` payload is read straight into the place
 * its parser names, without a copy, but such a channel cannot be upgraded to TLS.
 */
export function connectChannel(address: NbdAddress, options: { readonly ownBuffer: boolean }): Channel {
  const where = 'path' in address ? { path: address.path } : { host: address.host, port: address.port, noDelay: true }
  if (!options.ownBuffer) return new Channel(net.connect(where), { ownBuffer: false, peer: addressText(address) })
  const scratch = new Uint8Array(SCRATCH_BYTES)
  let channel: Channel | undefined // the first buffer is asked for before there is a channel
  const onread = {
    buffer: () => channel?.nextBuffer(scratch) ?? scratch,
    callback: (count: number, buffer: Uint8Array) => channel?.receivedInto(buffer, count, scratch) ?? false,
  }
  channel = new Channel(net.connect({ ...where, onread }), { ownBuffer: true, peer: addressText(address) })
  return channel
}

// Below this the collector has less work with a chunk than we have.
const FREED_BYTES_MIN = 4096

/**
 * Gives a chunk's memory back at once. Left to the collector, a GiB of chunks makes it run 16 times, 15 ms each. Node gives
 * every chunk of a socket memory of its own; what shares memory with others is left alone.
 */
function free({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const isAlone = byteOffset === 0 && byteLength === buffer.byteLength
  if (isAlone && byteLength >= FREED_BYTES_MIN && buffer instanceof ArrayBuffer) buffer.transfer?.(0) // Node 20 has none
}

const endOfStream = (): NbdError => new NbdError('NBD_DISCONNECTED', 'the peer closed the connection')

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error('the channel was ended', { cause: reason })

/** Says at which stage the network gave up. */
function socketError(
  error: NodeJS.ErrnoException,
  stage: { readonly connected: boolean; readonly peer: string },
): NbdError {
  const what = error.code ?? error.message
  if (!stage.connected) return new NbdError('NBD_CONNECT', `cannot connect to ${stage.peer}: ${what}`, { cause: error })
  if (/^ERR_(SSL|TLS)|^EPROTO$/.test(what)) {
    return new NbdError('NBD_TLS', `TLS with ${stage.peer} failed: ${reasonOf(error)}`, { cause: error })
  }
  return new NbdError('NBD_DISCONNECTED', `the connection to ${stage.peer} broke: ${what}`, { cause: error })
}
