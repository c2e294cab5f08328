import { Agent as HttpAgent, request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { RepositoryError } from '../error.ts'

/** What a server shows and what it is shown, over TLS. PEM texts. */
export interface TlsOptions {
  /** Authorities that vouch for the server, instead of the system's. */
  readonly ca?: string
  /** The client's own certificate and its key. */
  readonly certificate?: string
  readonly key?: string
}

export interface HttpOptions {
  readonly tls: TlsOptions
  /** Connections that are kept open at most. */
  readonly connections: number
  /** A request without a byte either way for so long is given up. */
  readonly idleMs: number
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** An answer whose body is still under way. Read it, or drop it: a connection waits for that. */
export interface HttpAnswer {
  readonly status: number
  header(name: string): string | undefined
  /** @throws RepositoryError BACKEND_UNAVAILABLE when the connection ends before the body does */
  chunks(): AsyncIterable<Uint8Array>
  /** The whole body. @throws RepositoryError BACKEND_UNAVAILABLE, BACKEND_IO (longer than any file of a repository) */
  bytes(): Promise<Uint8Array>
  drop(): void
}

export interface HttpClient {
  /** @throws RepositoryError BACKEND_UNAVAILABLE, BACKEND_DENIED (TLS); the signal's reason when aborted */
  send(request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer>
  close(): void
}

/** Larger than any pack that restic or we write; a length from outside never decides alone what is allocated. */
const BODY_MAX = 1 << 30

/** HTTP/1.1 over connections that are used again. Follows no redirects: credentials stay where they were meant for. */
export function httpClient({ tls, connections, idleMs }: HttpOptions): HttpClient {
  const keep = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections }
  const trust = tls.ca === undefined ? {} : { ca: tls.ca }
  const identity = tls.certificate === undefined || tls.key === undefined ? {} : { cert: tls.certificate, key: tls.key }
  const plain = new HttpAgent(keep)
  const secure = new HttpsAgent({ ...keep, ...trust, ...identity })
  return {
    async send(request, signal) {
      signal?.throwIfAborted()
      const isSecure = request.url.protocol === 'https:'
      const { method, url, headers = {}, body } = request
      const options = {
        method,
        agent: isSecure ? secure : plain,
        headers: body === undefined ? headers : { ...headers, 'content-length': String(body.length) },
      }
      return answerOf((isSecure ? requestHttps : requestHttp)(url, options), { request, body, idleMs }, signal)
    },
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

interface Sending {
  readonly request: HttpRequest
  readonly body: Uint8Array | undefined
  readonly idleMs: number
}

async function answerOf(sent: ClientRequest, sending: Sending, signal?: AbortSignal): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const stop = () => sent.destroy()
  signal?.addEventListener('abort', stop, { once: true })
  sent.on('close', () => signal?.removeEventListener('abort', stop))
  sent.setTimeout(sending.idleMs, () => sent.destroy(new Error(`nothing was heard for ${sending.idleMs / 1000} s`)))
  sent.on('response', resolve)
  sent.on('error', reject) // after the answer has begun: the body's reader meets it
  sent.end(sending.body)
  try {
    return readable(await promise, sending, signal)
  } catch (cause) {
    throw failureOf(sending, cause, signal)
  }
}

function readable(message: IncomingMessage, sending: Sending, signal?: AbortSignal): HttpAnswer {
  message.on('error', () => {}) // whoever reads the body meets it there
  const chunks = async function* (): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of message) yield chunk as Uint8Array
    } catch (cause) {
      throw failureOf(sending, cause, signal)
    }
  }
  return {
    status: message.statusCode ?? 0,
    header: (name) => message.headers[name]?.toString(),
    chunks,
    bytes: () => collected(chunks(), lengthOf(message), sending.request.url.pathname),
    drop: () => void message.resume(),
  }
}

function lengthOf({ headers }: IncomingMessage): number | undefined {
  const length = Number(headers['content-length'])
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined
}

/** @throws RepositoryError BACKEND_IO when it is longer than any file of a repository; what the stream throws */
export async function collected(
  chunks: AsyncIterable<Uint8Array>,
  announced: number | undefined,
  subject: string,
): Promise<Uint8Array> {
  if (announced !== undefined && announced > BODY_MAX) throw tooLarge(subject)
  let bytes = Buffer.allocUnsafeSlow(announced ?? 0)
  let length = 0
  for await (const chunk of chunks) {
    if (length + chunk.length > BODY_MAX) throw tooLarge(subject)
    if (length + chunk.length > bytes.length) bytes = grown(bytes, length + chunk.length)
    bytes.set(chunk, length)
    length += chunk.length
  }
  return bytes.subarray(0, length)
}

/** Room for `length` bytes and as many again: a length that was not announced is met seldom. */
function grown(bytes: Uint8Array, length: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(length * 2)
  larger.set(bytes)
  return larger
}

const tooLarge = (subject: string): RepositoryError =>
  new RepositoryError('BACKEND_IO', `${subject}: the answer is larger than any file of a repository`)

/** Trust that is missing does not come by waiting; everything else on the way to a server may. */
function failureOf({ request: { url, method } }: Sending, cause: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason
  if (cause instanceof RepositoryError) return cause
  const { message, code = '' } = cause as NodeJS.ErrnoException
  const isTrust = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER/.test(code) && code !== 'ERR_SSL_BAD_RECORD_TYPE'
  const what = `${method} ${url.host}${url.pathname}: ${message === '' ? code : message}`
  return new RepositoryError(isTrust ? 'BACKEND_DENIED' : 'BACKEND_UNAVAILABLE', what, { cause })
}
