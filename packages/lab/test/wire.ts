import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import type { Lab } from '../src/index.ts'

/** A connection on which a test writes what it likes. */
export interface RawWire extends Disposable {
  readonly socket: TLSSocket
  write(data: string | Uint8Array): void
  /** The head of the answer. */
  head(): Promise<string>
  /** Everything until the server ends the connection. */
  rest(): Promise<Buffer>
}

/** @param request the first line without its version, and headers */
export async function rawWire(
  { url, certificate }: Pick<Lab, 'url' | 'certificate'>,
  request: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawWire> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), ca: certificate, checkServerIdentity: () => undefined })
  socket.on('error', () => socket.destroy()) // the server may go first
  await once(socket, 'secureConnect')
  const lines = Object.entries({ Host: hostname, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`${request} HTTP/1.1\r\n${lines.join('')}\r\n`)
  return {
    socket,
    write: (data) => void socket.write(data),
    head: () => headOf(socket),
    async rest() {
      const chunks: Buffer[] = []
      for await (const chunk of socket) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

async function headOf(socket: TLSSocket): Promise<string> {
  let seen = Buffer.alloc(0)
  for (;;) {
    const end = seen.indexOf('\r\n\r\n')
    if (end >= 0) {
      socket.unshift(seen.subarray(end + 4))
      return seen.subarray(0, end).toString('latin1')
    }
    const chunk = socket.read() as Buffer | null
    if (chunk === null) await once(socket, 'readable')
    else seen = Buffer.concat([seen, chunk])
  }
}
