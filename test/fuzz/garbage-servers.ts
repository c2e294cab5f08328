import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { NbdError, openNbd } from '@tidemark/nbd'
import { login, XenApiError } from '@tidemark/xenapi'
import { encodeJsonAnswer, encodeXmlAnswer } from '@tidemark/xenapi/codec'
import type { Random } from '../support/random.ts'
import { inTime, type Kind, type Target, type Verdict } from './kind.ts'
import { mutateBytes } from './mutate.ts'
import { serverHalf } from './nbd-codec.ts'
import { pieces } from './socket.ts'

/** Our own clients against servers that say almost the right thing, in pieces, and hang up. */
export const nbdClientKind: Kind = {
  name: 'nbd-client',
  share: 4,
  open: () => openServer(nbdClient, (random) => serverHalf(random).bytes),
}
export const xenapiClientKind: Kind = {
  name: 'xenapi-client',
  share: 4,
  open: () => openServer(xenapiClient, (random) => webAnswers(random)),
}

type Ask = (port: number, random: Random) => Promise<Verdict>

/** A server that sends what chance makes as soon as the first byte comes, or at once, and ends. */
async function openServer(ask: Ask, make: (random: Random) => Uint8Array): Promise<Target> {
  const sockets = new Set<Socket>()
  let say: readonly Uint8Array[] = []
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket))
    const speak = (): void => {
      for (const piece of say) socket.write(piece)
      socket.end()
    }
    if (ask === nbdClient) speak()
    else socket.once('data', speak)
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    run(random) {
      say = pieces(random, make(random))
      return inTime(ask(port, random), 'a client of a broken server')
    },
    settle: async () => {
      const open = [...sockets].filter((socket) => !socket.destroyed && socket.readyState === 'open')
      return open.length > 2 ? [`our clients leave ${open.length} connections open`] : []
    },
    show: (random) => Buffer.from(make(random)).toString('latin1'),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function nbdClient(port: number): Promise<Verdict> {
  try {
    const limits = { connectTimeoutMs: 1_000, requestTimeoutMs: 1_000 }
    await using disk = await openNbd({ address: { host: '127.0.0.1', port }, exportName: 'disk' }, limits)
    await disk.read(0, 512)
    return 'accepted'
  } catch (error) {
    if (error instanceof NbdError) return 'refused'
    throw error
  }
}

function webAnswers(random: Random): Uint8Array {
  const answer = { ok: true, value: 'OpaqueRef:5e551011-0000-4000-8000-000000000001' } as const
  const isXml = random.chance(50)
  const body = isXml ? encodeXmlAnswer(answer) : encodeJsonAnswer(answer, { version: 2, id: 1 })
  const type = random.chance(90) ? (isXml ? 'text/xml' : 'application/json') : 'text/html'
  const status = random.pick([
    '200 OK',
    '200 OK',
    '200 OK',
    '302 Found\r\nLocation: http://127.0.0.1:1/',
    '500 Oops',
    '401 No',
    '999 x',
  ])
  const length = random.chance(80) ? `Content-Length: ${Buffer.byteLength(body)}` : 'Transfer-Encoding: chunked'
  const whole = Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\n${length}\r\nConnection: close\r\n\r\n${body}`,
  )
  return random.chance(25) ? whole : mutateBytes(random, whole)
}

/** A login that comes through is logged out again, which meets the same server. */
async function xenapiClient(port: number, random: Random): Promise<Verdict> {
  const address = { url: `http://127.0.0.1:${port}`, trust: { kind: 'plain' } } as const
  const limits = {
    connectTimeoutMs: 1_000,
    callTimeoutMs: 1_000,
    stallTimeoutMs: 1_000,
    api: random.pick(['json', 'xml', 'auto'] as const),
  }
  try {
    await using session = await login(address, { username: 'root', password: 'x' }, limits, AbortSignal.timeout(3_000))
    return session.ref === '' ? 'refused' : 'accepted'
  } catch (error) {
    if (error instanceof XenApiError || (error instanceof DOMException && error.name === 'TimeoutError'))
      return 'refused'
    throw error
  }
}
