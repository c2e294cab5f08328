import type { Channel } from './channel.ts'
import { NbdError } from './error.ts'
import type { ServerTls } from './secure.ts'
import type { CommandName, ErrnoName } from './wire.ts'

/**
 * What becomes of an answer. `drop`: it is never sent. `close`: the connection is cut instead. `cutAfter`: so many bytes
 * of it leave, then the connection is cut. `corrupt`: one bit of its head (magic, error, cookie) or of its data is
 * flipped, the `bit`-th, counted round and round; an answer without data is hit in its head. `errno`: that error is answered.
 */
export type NbdReplyFault =
  | 'pass'
  | 'drop'
  | 'close'
  | { readonly cutAfter: number }
  | { readonly corrupt: 'head' | 'data'; readonly bit: number }
  | { readonly errno: ErrnoName }

/** What becomes of a TLS handshake; `ServerTls`: that key and certificate are shown instead of the server's. */
type NbdTlsFault = 'pass' | 'close' | 'stall' | ServerTls

/** An answer that is about to leave. */
export interface NbdReplyInfo {
  /** Counts the server's connections from 1. */
  readonly connection: number
  /** Counts the connection's requests from 1. */
  readonly request: number
  readonly type: CommandName
  readonly exportName: string
  readonly offset: number
  readonly length: number
  /** Aborts when the client is gone: whoever delays an answer stops waiting. */
  readonly signal: AbortSignal
}

/** Faults for tests, injected where a server's answers leave it. */
export interface NbdFaults {
  /** `close`: the client is turned away as by a full server. `stall`: it never gets a greeting. */
  beforeGreeting?(info: { readonly connection: number }): 'pass' | 'close' | 'stall'
  /** At the client's ClientHello. */
  beforeTls?(info: { readonly connection: number }): NbdTlsFault | Promise<NbdTlsFault>
  beforeReply?(info: NbdReplyInfo): NbdReplyFault | Promise<NbdReplyFault>
}

/** Sends an answer part by part, true or spoiled. */
export interface Outlet {
  /** Resolves when the parts have left. @throws NbdError NBD_DISCONNECTED when the connection is to be cut here */
  send(parts: readonly Uint8Array[]): Promise<void>
}

/**
 * @param fault of the answer that goes out here
 * @param dataAt where the answer's data begin, in bytes from its start
 * @param dataLength bytes; 0: it carries none
 */
export function outlet(channel: Channel, fault: NbdReplyFault, dataAt: number, dataLength: number): Outlet {
  if (typeof fault === 'object' && 'cutAfter' in fault) return cuttingOutlet(channel, fault.cutAfter)
  if (typeof fault !== 'object' || !('corrupt' in fault)) return { send: (parts) => sent(channel, parts) }
  const inData = fault.corrupt === 'data' && dataLength > 0
  const bit = fault.bit % (8 * (inData ? dataLength : dataAt))
  return flippingOutlet(channel, (inData ? 8 * dataAt : 0) + bit)
}

function cuttingOutlet(channel: Channel, after: number): Outlet {
  let left = after
  return {
    async send(parts) {
      const whole = Buffer.concat(parts)
      const part = whole.subarray(0, left)
      left -= part.length
      if (left > 0) return sent(channel, [part])
      await channel.sendLast(part) // at once: no later answer may take the place of the rest
      throw new NbdError('NBD_DISCONNECTED', 'a fault was asked for')
    },
  }
}

function flippingOutlet(channel: Channel, bit: number): Outlet {
  let left = bit
  return {
    async send(parts) {
      const whole = Buffer.concat(parts)
      const at = left >> 3
      if (left >= 0 && at < whole.length) whole[at] = (whole[at] ?? 0) ^ (1 << (left & 7))
      left -= 8 * whole.length
      await sent(channel, [whole])
    },
  }
}

const sent = (channel: Channel, parts: readonly Uint8Array[]): Promise<void> =>
  new Promise((resolve) => channel.send(parts, resolve))
