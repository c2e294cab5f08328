import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { firstOf } from './wait.ts'

/** Connections whose request has a body of unknown length. */
const unsized = new WeakSet<Socket>()

/** Bytes of the body as announced; undefined when nothing was. */
export function lengthOf({ socket, headers }: IncomingMessage): number | undefined {
  const given = headers['content-length']
  return given === undefined || unsized.has(socket) ? undefined : Number(given)
}

/**
 * Lets a client leave out the length of what it sends to the handlers of imports: xapi reads as much as there is to read. To
 * Node a PUT without a length has no body, so that the head of the first request of each connection is read here, and
 * such a request gets a length that it never reaches. To be called on a server before anything else listens to it.
 */
export function acceptUnsized(server: HttpServer | HttpsServer): void {
  const event = server instanceof HttpsServer ? 'secureConnection' : 'connection'
  const serve = server.listeners(event)
  server.removeAllListeners(event)
  server.on(event, (socket: Socket) => {
    admit(socket).then(
      () => {
        for (const listener of serve) listener.call(server, socket)
        // a listener for data keeps Node from reading past what was put back: without TLS its parser reads the socket itself
        socket.on('data', () => undefined)
      },
      () => socket.destroy(), // gone, or silent for too long
    )
  })
}

/** As `headersTimeout` of the servers. */
const HEAD_MS = 60_000
const HEAD_MAX = 16 * 1024
const LENGTH = `Content-Length: ${2 ** 50}\r\n`
const START = 'PUT /import'

/** Reads ahead no further than it takes to see that a request is none of these. */
async function admit(socket: Socket): Promise<void> {
  const signal = AbortSignal.timeout(HEAD_MS)
  let seen = Buffer.alloc(0)
  for (;;) {
    const chunk = socket.read() as Buffer | null
    if (chunk !== null) seen = Buffer.concat([seen, chunk])
    else if (socket.readableEnded || socket.destroyed) throw new Error('the client left before it asked for anything')
    else await firstOf(socket, ['readable', 'end', 'close'], signal)
    const end = seen.indexOf('\r\n\r\n')
    const text = seen.toString('latin1', 0, end < 0 ? START.length : end)
    const isOther = !START.startsWith(text.slice(0, START.length)) || (end < 0 && seen.length > HEAD_MAX)
    if (end < 0 && !isOther) continue
    if (!isOther && !/\r\n(?:content-length|transfer-encoding):/i.test(text)) {
      unsized.add(socket)
      seen = Buffer.concat([seen.subarray(0, end + 2), Buffer.from(LENGTH), seen.subarray(end + 2)])
    }
    break
  }
  if (seen.length > 0) socket.unshift(seen)
}
