import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { LabHost } from '../host/host.ts'
import type { Pool } from '../pool.ts'
import { answer, exchangeOf, finish, type Exchange } from './exchange.ts'
import { exportMetadata } from './export-metadata.ts'
import { exportVm } from './export-vm.ts'
import { exportRawVdi } from './export-raw.ts'
import { importMetadata } from './import-metadata.ts'
import { importVm } from './import-vm.ts'
import { importRawVdi } from './import-raw.ts'
import { serveJsonRpc, serveXmlRpc } from './rpc.ts'
import { acceptUnsized } from './unsized.ts'
import { ofDisk, ofImport, ofVm, type Needs } from './place.ts'
import { serveTransfer, type TransferHandler } from './transfer.ts'

type Serve = (pool: Pool, exchange: Exchange, response: http.ServerResponse) => Promise<void>

const transfer =
  (work: TransferHandler['work'], needs?: Needs): Serve =>
  (pool, exchange) =>
    serveTransfer(pool, exchange, needs === undefined ? { work } : { work, needs })

/** Handlers by method and the beginning of the path; the longest one that fits serves. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Serve>>>> = {
  POST: { '/': serveXmlRpc, '/RPC2': serveXmlRpc, '/xmlrpc': serveXmlRpc, '/jsonrpc': serveJsonRpc },
  GET: {
    '/export_raw_vdi': transfer(exportRawVdi, ofDisk),
    '/export_metadata': transfer(exportMetadata),
    '/export': transfer(exportVm, ofVm),
  },
  PUT: {
    '/import_raw_vdi': transfer(importRawVdi, ofDisk),
    '/import_metadata': transfer(importMetadata),
    '/import': transfer(importVm, ofImport),
  },
  OPTIONS: { '/': allowOrigins },
}

/** xapi allows 800. */
const CONNECTIONS_MAX = 800

export interface WebPorts {
  readonly httpsPort: number
  readonly httpPort: number | undefined
}

export interface WebFront extends WebPorts, AsyncDisposable {
  /** Ends all connections; new ones are taken. */
  disconnect(): void
}

/** Where and what the servers of a host serve. */
export interface WebService {
  readonly pool: Pool
  readonly host: LabHost
  readonly onError: (error: Error) => void
}

/** Everything of a host that speaks HTTP: one port with TLS, and on request one without. */
export async function openWebFront({ pool, host, onError }: WebService, ports: WebPorts): Promise<WebFront> {
  const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    serve(pool, exchangeOf(host.ref, request), response).catch((error: unknown) => {
      onError(error as Error)
      request.socket.destroy()
    })
  }
  const settings = { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 60_000, noDelay: true } as const
  const { key, cert } = host.certificate
  const withTls = (shown: { readonly key: string; readonly cert: string }): https.Server =>
    https.createServer({ ...settings, ...shown, minVersion: 'TLSv1.2' }, listener)
  const secure = withTls({ key, cert })
  pool.faults.https(host, secure, withTls)
  const servers: (http.Server | https.Server)[] = [secure]
  const closeAll = async (): Promise<void> => void (await Promise.all(servers.map(close)))
  const httpsPort = await listen(secure, host.address, ports.httpsPort)
  try {
    const httpPort = await openPlain(ports.httpPort)
    return { httpsPort, httpPort, disconnect: () => servers.forEach(disconnect), [Symbol.asyncDispose]: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }

  async function openPlain(port: number | undefined): Promise<number | undefined> {
    if (port === undefined) return undefined
    const plain = http.createServer(settings, listener)
    const opened = await listen(plain, host.address, port)
    servers.push(plain)
    return opened
  }
}

const served = new WeakMap<http.Server | https.Server, Set<Socket>>()

async function listen(server: http.Server | https.Server, host: string, port: number): Promise<number> {
  acceptUnsized(server)
  const sockets = new Set<Socket>()
  served.set(server, sockets)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  // transfers write to sockets themselves: a client that goes away must not end the process
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket: Socket) => socket.on('error', () => socket.destroy()))
  }
  server.maxConnections = CONNECTIONS_MAX
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  await promise
  return (server.address() as AddressInfo).port
}

/** Ends the connections as well: a client that waits for events would keep the server for a minute. */
async function close(server: http.Server | https.Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  disconnect(server)
  await closed
}

function disconnect(server: http.Server | https.Server): void {
  for (const socket of served.get(server) ?? []) socket.destroy()
}

async function serve(pool: Pool, exchange: Exchange, response: http.ServerResponse): Promise<void> {
  const routes = ROUTES[exchange.request.method ?? '']
  if (routes === undefined) return refuse(exchange, 501)
  const [found] = Object.keys(routes)
    .filter((prefix) => exchange.path.startsWith(prefix))
    .sort((a, b) => b.length - a.length)
  const route = found === undefined ? undefined : routes[found]
  return route === undefined ? refuse(exchange, 403) : route(pool, exchange, response)
}

async function refuse(exchange: Exchange, status: number): Promise<void> {
  answer(exchange, status)
  await finish(exchange)
}

async function allowOrigins(_pool: Pool, _exchange: Exchange, response: http.ServerResponse): Promise<void> {
  response.writeHead(200, {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Headers': 'X-Requested-With',
    'Content-Length': 0,
  })
  response.end()
}
