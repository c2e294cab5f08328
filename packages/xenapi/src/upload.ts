import { once } from 'node:events'
import type { Socket } from 'node:net'
import { deadline } from './deadline.ts'
import { XenApiError } from './error.ts'

/** What a server says to an upload: before, during or after it was sent. */
export interface UploadAnswer {
  readonly status: number
  readonly location: string | undefined
}

/** An upload that has begun: the head of the request is out. */
export interface Upload {
  /** The answer if it comes within that time; undefined if the server wants to see the body first. */
  answerWithin(ms: number): Promise<UploadAnswer | undefined>
  /**
   * Sends exactly `length` bytes, no faster than the server takes them.
   * @throws XenApiError XENAPI_HTTP (refused meanwhile), XENAPI_UNREACHABLE (connection lost), XENAPI_TIMEOUT (it takes nothing
   *   any more), XENAPI_PROTOCOL (wrong length)
   */
  send(body: AsyncIterable<Uint8Array>, length: number): Promise<void>
  close(): void
}

/** Characters of a response head that are read at most. */
const HEAD_MAX = 64 * 1024

/**
 * A PUT over a connection of its own, written by hand: the handlers answer 200 before they read the body, and HTTP clients
 * take an answer that is complete for the end of the exchange and cut the upload. Never chunked: xapi refuses that.
 */
export function beginUpload(socket: Socket, url: URL, length: number, stallMs: number): Upload {
  const answer = readHead(socket, url)
  answer.catch(() => {}) // looked at by whoever waits for it; a socket that dies later must not count as unhandled
  socket.write(
    `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: tidemark\r\n` +
      `Content-Type: application/octet-stream\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`,
  )
  return {
    answerWithin: (ms) => within(answer, ms),
    send: (body, expected) => sendBody({ socket, url, stallMs }, answer, body, expected),
    close: () => void socket.destroy(),
  }
}

async function within<Value>(promise: Promise<Value>, ms: number): Promise<Value | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

interface Line {
  readonly socket: Socket
  readonly url: URL
  /** The longest time in which the server takes nothing. */
  readonly stallMs: number
}

async function sendBody(
  line: Line,
  answer: Promise<UploadAnswer>,
  body: AsyncIterable<Uint8Array>,
  length: number,
): Promise<void> {
  const { socket, url } = line
  let sent = 0
  const stop = new AbortController()
  // A server that has read all may close before the body's end is seen here: then the task tells how it went
  const lost = () => {
    if (sent < length)
      stop.abort(new XenApiError('XENAPI_UNREACHABLE', `${url.host} closed the connection during the upload`))
  }
  socket.once('close', lost)
  answer.then(
    ({ status }) => {
      if (status !== 200) stop.abort(refused(status))
    },
    () => lost(),
  )
  try {
    for await (const chunk of body) {
      stop.signal.throwIfAborted()
      sent += chunk.length
      if (sent > length) break
      if (chunk.length > 0 && !socket.write(chunk) && sent < length) await drained(line, stop.signal)
    }
    stop.signal.throwIfAborted()
  } finally {
    socket.off('close', lost)
  }
  if (sent === length) return
  const what = sent > length ? 'more' : `only ${sent}`
  throw new XenApiError('XENAPI_PROTOCOL', `an upload of ${length} bytes was announced, but there are ${what}`)
}

const refused = (status: number): XenApiError =>
  new XenApiError('XENAPI_HTTP', `the server refused the upload with HTTP status ${status}`, { status })

async function drained({ socket, url, stallMs }: Line, stop: AbortSignal): Promise<void> {
  using stall = deadline(stallMs, (seconds) => `${url.host} took nothing of the upload for ${seconds} s`)
  const signal = AbortSignal.any([stop, stall.signal])
  try {
    await once(socket, 'drain', { signal })
  } catch (cause) {
    signal.throwIfAborted()
    throw new XenApiError('XENAPI_UNREACHABLE', `the connection to ${url.host} broke during the upload`, { cause })
  }
}

/** Reads the status line and the headers; what comes after is of no use. */
function readHead(socket: Socket, url: URL): Promise<UploadAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UploadAnswer>()
  let head = ''
  let isOver = false
  socket.on('data', (chunk: Buffer) => {
    if (isOver) return // keep reading, or the server's close would not be seen
    head += chunk.toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end < 0 && head.length < HEAD_MAX) return
    isOver = true
    const parsed = end < 0 ? undefined : parseHead(head.slice(0, end))
    if (parsed === undefined) reject(new XenApiError('XENAPI_PROTOCOL', `${url.host} does not answer in HTTP`))
    else resolve(parsed)
  })
  const closed = () =>
    reject(new XenApiError('XENAPI_UNREACHABLE', `${url.host} closed the connection without an answer`))
  socket.once('close', closed)
  socket.once('end', closed)
  socket.once('error', (cause) =>
    reject(new XenApiError('XENAPI_UNREACHABLE', `the connection to ${url.host} broke: ${cause.message}`, { cause })),
  )
  return promise
}

function parseHead(head: string): UploadAnswer | undefined {
  const [statusLine = '', ...headers] = head.split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]
  if (status === undefined) return undefined
  const location = headers
    .map((header) => /^location:\s*(.*?)\s*$/i.exec(header)?.[1])
    .find((value) => value !== undefined)
  return { status: Number(status), location }
}
