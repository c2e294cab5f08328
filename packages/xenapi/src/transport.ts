import type { Socket } from 'node:net'
import { callbackify } from 'node:util'
import { Agent, type Dispatcher } from 'undici'
import { connectTo } from './connect.ts'
import { deadline } from './deadline.ts'
import { XenApiError } from './error.ts'
import { originOf, type PoolTrust } from './trust.ts'

/** Bounds of the connection to a pool. */
export interface TransportOptions {
  readonly connectTimeoutMs: number
  /** The longest silence in the middle of an answer or a transfer. */
  readonly stallTimeoutMs: number
  /** The longest answer to a call, in bytes. */
  readonly maxAnswerBytes: number
}

export interface Response {
  readonly status: number
  /** In lower case, without parameters. */
  readonly contentType: string
  readonly location: string | undefined
  /** Pulled: the server is read no faster than this is. Leaving it early closes the connection. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Connections to the hosts of one pool, kept alive between calls; each proves itself before it gets a byte. */
export interface Transport extends AsyncDisposable {
  /** Sends a body and reads the whole answer. @throws XenApiError XENAPI_UNREACHABLE, _CERTIFICATE, _TIMEOUT, _PROTOCOL (too long) */
  post(url: URL, body: string, contentType: string, limits: PostLimits): Promise<Response & { readonly text: string }>
  /** Starts a transfer from the pool. @throws XenApiError XENAPI_UNREACHABLE, XENAPI_CERTIFICATE */
  get(url: URL, signal?: AbortSignal): Promise<Response>
  /** A proven connection of its own, for an upload. @throws XenApiError XENAPI_UNREACHABLE, XENAPI_CERTIFICATE */
  connect(origin: URL, signal?: AbortSignal): Promise<Socket>
}

export interface PostLimits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** @param trustOf how the host at an address must prove itself */
export function openTransport(trustOf: (target: URL) => PoolTrust, options: TransportOptions): Transport {
  const connect = async (target: URL, signal?: AbortSignal) => {
    const trust = trustOf(target)
    return connectTo(originOf({ url: target.href, trust }), trust, options.connectTimeoutMs, signal)
  }
  const dial = callbackify((target: URL) => connect(target))
  const agent = new Agent({
    connect: ({ protocol, hostname, port }, callback) =>
      dial(new URL(`${protocol}//${bracketed(hostname)}${port === '' ? '' : `:${port}`}`), (error, socket) =>
        error === null ? callback(null, socket) : callback(error, null),
      ),
    allowH2: false,
    headersTimeout: 0, // a call may block for hours inside the server; the caller's limit counts
    bodyTimeout: options.stallTimeoutMs,
  })
  return {
    connect,
    post: (url, body, contentType, limits) => post(agent, url, body, contentType, limits, options),
    get: (url, signal) => request(agent, url, { method: 'GET', signal: signal ?? null }),
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

const bracketed = (hostname: string): string =>
  hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname

async function post(
  agent: Agent,
  url: URL,
  body: string,
  contentType: string,
  { timeoutMs, signal }: PostLimits,
  { maxAnswerBytes }: TransportOptions,
): Promise<Response & { readonly text: string }> {
  using limit = deadline(timeoutMs, (seconds) => `${url.host} did not answer within ${seconds} s`)
  const both = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal])
  const headers = { 'content-type': contentType, accept: contentType, 'user-agent': 'tidemark' }
  const response = await request(agent, url, { method: 'POST', headers, body, signal: both })
  const bytes = await collect(response.body, maxAnswerBytes)
  return { ...response, text: new TextDecoder().decode(bytes) }
}

async function request(
  agent: Agent,
  url: URL,
  options: Pick<Dispatcher.RequestOptions, 'method' | 'body'> & {
    readonly headers?: Record<string, string>
    readonly signal: AbortSignal | null
  },
): Promise<Response> {
  options.signal?.throwIfAborted()
  try {
    const { statusCode, headers, body } = await agent.request({
      ...options,
      origin: url.origin,
      path: url.pathname + url.search,
    })
    return {
      status: statusCode,
      contentType: (one(headers['content-type']) ?? '').split(';', 1).join('').trim().toLowerCase(),
      location: one(headers['location']),
      body: readable(body, url, options.signal),
    }
  } catch (error) {
    throw translated(error, url, options.signal)
  }
}

const one = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header[0] : header)

async function* readable(
  body: AsyncIterable<Uint8Array>,
  url: URL,
  signal: AbortSignal | null,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* body
  } catch (error) {
    throw translated(error, url, signal)
  }
}

/** All of a body. @throws XenApiError XENAPI_PROTOCOL when it is longer than `most` bytes */
export async function collect(body: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > most) throw new XenApiError('XENAPI_PROTOCOL', `an answer of more than ${most} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Errors of the HTTP client become ours; an abort keeps its reason. */
function translated(error: unknown, url: URL, signal: AbortSignal | null): unknown {
  if (signal?.aborted === true) return signal.reason
  if (error instanceof XenApiError) return error
  const { message, code } = error as { message?: string; code?: string }
  if (code === 'UND_ERR_BODY_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new XenApiError('XENAPI_TIMEOUT', `${url.host} stopped in the middle of an answer`, { cause: error })
  }
  const why = code?.startsWith('HPE_') === true ? 'what it sends is no HTTP' : (message ?? 'unknown')
  return new XenApiError('XENAPI_UNREACHABLE', `the connection to ${url.host} broke: ${why}`, { cause: error })
}
