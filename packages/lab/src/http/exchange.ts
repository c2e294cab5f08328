import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { HostRef } from '@tidemark/xenapi'
import type { XenApiError } from '@tidemark/xenapi/codec'
import { apiFailure } from '../calls/failure.ts'
import { firstOf } from './wait.ts'

/** One request to a host, with its socket: handlers of transfers write their answers byte for byte as xapi does. */
export interface Exchange {
  /** The host that was asked. */
  readonly host: HostRef
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly path: string
  readonly query: URLSearchParams
  readonly cookies: ReadonlyMap<string, string>
}

export function exchangeOf(host: HostRef, request: IncomingMessage): Exchange {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
  return {
    host,
    request,
    socket: request.socket,
    path,
    query: new URLSearchParams(query),
    cookies: cookiesOf(request.headers.cookie ?? ''),
  }
}

/** `a=b; c=d`, and as xapi allows also `a=b&c=d`. */
function cookiesOf(header: string): Map<string, string> {
  const pairs = header.split(/[;&]/).map((pair) => pair.trim().split('='))
  return new Map(pairs.map(([name = '', ...value]) => [name, decoded(value.join('='))]))
}

/** A cookie of somebody else's need not be percent-encoded. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

export interface Head {
  readonly version?: '1.0' | '1.1'
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/** xapi's own words. */
const REASONS: Readonly<Record<number, string>> = { 500: 'Internal Error', 501: 'Method not implemented' }

/** The head of an answer after which the connection ends. */
export function writeHead({ socket }: Exchange, { version = '1.1', status, headers = {} }: Head): void {
  const lines = Object.entries({ Connection: 'close', 'Cache-Control': 'no-cache, no-store', ...headers })
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`HTTP/${version} ${status} ${REASONS[status] ?? STATUS_CODES[status] ?? ''}\r\n${text}\r\n`)
}

/** Sends a piece of a body, and waits while the client is slow. @throws when the client is gone; the signal's reason */
export async function send({ socket }: Exchange, data: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (socket.destroyed) throw clientGone()
  if (socket.write(data)) return
  await firstOf(socket, ['drain', 'close'], signal)
  if (socket.destroyed) throw clientGone()
}

/** What a host notes when it can write no more. */
export const clientGone = (): XenApiError => apiFailure('CLIENT_ERROR', 'the client closed the connection')

/** How long a client may go on sending after the answer is known, and how long one that does not read may keep it. */
const DRAIN_MS = 2_000

/** Ends the answer. A client that still sends is heard out for a moment, so that it gets to read it. */
export async function finish({ request, socket }: Exchange): Promise<void> {
  socket.end()
  if (request.complete) return
  request.resume()
  await firstOf(request, ['end', 'close'], AbortSignal.timeout(DRAIN_MS)).catch(() => socket.destroy())
}

/** Ends the connection after a failure: a client that reads nothing for a moment loses what it has not read. */
export async function abandon(exchange: Exchange): Promise<void> {
  await finish(exchange)
  exchange.socket.setTimeout(DRAIN_MS, () => exchange.socket.destroy())
}

/** A short answer with a text. */
export function answer(exchange: Exchange, status: number, headers: Record<string, string> = {}, body = ''): void {
  const content = { 'Content-Type': 'text/html', 'Content-Length': String(Buffer.byteLength(body)) }
  writeHead(exchange, { status, headers: { ...content, ...headers } })
  exchange.socket.write(body)
}
