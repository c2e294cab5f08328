import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import type { Random } from '../support/random.ts'

/** What happens to the stream from the server to the client, `at` so many bytes from its start, for good. */
export interface StreamFault {
  readonly at: number
  readonly kind: 'cut' | 'stall' | 'noise' | 'flip' | 'lose' | 'repeat'
}

export interface FaultyProxy extends AsyncDisposable {
  readonly port: number
  /** Connections that were made. */
  readonly connections: number
  /** Faults that happened. */
  readonly fired: readonly StreamFault['kind'][]
}

/** Stands before a server on a port of this machine, and spoils its streams as told. */
export async function faultyProxy(
  port: number,
  faultOf: (connection: number) => StreamFault | undefined,
  random: Random,
  touch: () => void,
): Promise<FaultyProxy> {
  const sockets = new Set<net.Socket>()
  const fired: StreamFault['kind'][] = []
  let connections = 0
  const server = net.createServer({ noDelay: true }, (near) => {
    const fault = faultOf(++connections)
    const far = net.connect({ host: '127.0.0.1', port, noDelay: true })
    const end = () => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', end).on('close', () => sockets.delete(socket))
    }
    near.on('data', (chunk) => {
      touch()
      far.write(chunk)
    })
    near.on('end', () => far.end())
    far.on('end', () => near.end())
    let passed = 0
    far.on('data', (chunk: Buffer) => {
      touch()
      const from = passed
      passed += chunk.length
      if (fault === undefined || passed <= fault.at) {
        near.write(chunk)
        return
      }
      const clean = Math.max(fault.at - from, 0)
      if (from <= fault.at) {
        fired.push(fault.kind)
        near.write(chunk.subarray(0, clean))
      }
      const spoiled = spoil(fault.kind, chunk.subarray(clean), from <= fault.at, random)
      if (fault.kind === 'cut') near.write(new Uint8Array(), end)
      else if (spoiled !== undefined) near.write(spoiled)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    fired,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** @param isFirst the fault begins with this chunk's first byte */
function spoil(kind: StreamFault['kind'], chunk: Buffer, isFirst: boolean, random: Random): Uint8Array | undefined {
  switch (kind) {
    case 'cut':
    case 'stall':
      return undefined
    case 'noise':
      return random.bytes(chunk.length)
    case 'flip':
      if (isFirst) chunk[0] = (chunk[0] ?? 0) ^ (1 << random.int(8))
      return chunk
    case 'lose':
      return isFirst ? chunk.subarray(1 + random.int(40)) : chunk
    case 'repeat':
      return isFirst ? Buffer.concat([chunk.subarray(0, 1 + random.int(40)), chunk]) : chunk
    default:
      return kind satisfies never
  }
}
