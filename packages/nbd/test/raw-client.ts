import { once } from 'node:events'
import net from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { NbdAddress } from '../src/index.ts'
import { hex } from './drive.ts'

/** A client that sends and expects bytes, for what no well-behaved client would say. */
export class RawClient implements AsyncDisposable {
  #socket: net.Socket
  #held = Buffer.alloc(0)
  #ended = false
  #wake = () => {}

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.#attach()
  }

  static async to(address: NbdAddress): Promise<RawClient> {
    const socket = net.connect({ ...address, allowHalfOpen: true })
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === 'string' ? hex(bytes) : bytes)
  }

  /** The next bytes, as hexadecimal. */
  async read(length: number): Promise<string> {
    while (this.#held.length < length) {
      if (this.#ended) throw new Error(`the server closed after ${this.#held.length} of ${length} bytes`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const bytes = this.#held.subarray(0, length)
    this.#held = this.#held.subarray(length)
    return bytes.toString('hex')
  }

  /** Waits for the end of the stream. Answers what came before it, as hexadecimal. */
  async rest(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#held.toString('hex')
  }

  async startTls(): Promise<TLSSocket> {
    this.#socket.removeAllListeners()
    const secured = connectTls({ socket: this.#socket, rejectUnauthorized: false })
    this.#socket = secured
    this.#attach()
    await once(secured, 'secureConnect')
    return secured
  }

  /** Takes nothing more from the server. */
  pause(): void {
    this.#socket.pause()
  }

  /** Closes our half of the stream. */
  end(): void {
    this.#socket.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return
    const closed = once(this.#socket, 'close')
    this.#socket.destroy()
    await closed
  }

  #attach(): void {
    const over = () => {
      this.#ended = true
      this.#wake()
    }
    this.#socket.on('data', (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk])
      this.#wake()
    })
    this.#socket.on('end', over).on('close', over).on('error', over)
  }
}

/** An option as a client sends it: its number and its data in hexadecimal. */
export function option(type: number, data = ''): Uint8Array {
  const length = hex(data).length
  return hex(`49484156454f5054 ${u32(type)} ${u32(length)} ${data}`)
}

/** An answer to an option as hexadecimal. */
export const answer = (type: number, rep: number, data = ''): string =>
  `0003e889045565a9${u32(type)}${u32(rep)}${u32(hex(data).length)}${data.replace(/\s/g, '')}`

/** A request as a client sends it. */
export const request = (type: number, cookie: number, offset: number, length: number, flags = 0): Uint8Array =>
  hex(`25609513 ${u32(flags * 65_536 + type)} 00000000${u32(cookie)} 00000000${u32(offset)} ${u32(length)}`)

/** Text as hexadecimal. */
export const textHex = (text: string): string => Buffer.from(text).toString('hex')

const u32 = (value: number): string => value.toString(16).padStart(8, '0')
