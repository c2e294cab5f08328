import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Pool } from '../pool.ts'
import { answer, exchangeOf, finish, type Exchange } from './exchange.ts'
import { exportMetadata } from './export-metadata.ts'
import { exportRawVdi } from './export-raw.ts'
import { importMetadata } from './import-metadata.ts'
import { importRawVdi } from './import-raw.ts'
import { serveJsonRpc, serveXmlRpc } from './rpc.ts'
import { serveTransfer, type Transfer } from './transfer.ts'

type Serve = (pool: Pool, exchange: Exchange, response: http.ServerResponse) => Promise<void>

const transfer =
  (work: (transfer: Transfer) => Promise<string>): Serve =>
  (pool, exchange) =>
    serveTransfer(pool, exchange, work)

/** Handlers by method and the beginning of the path; the longest one that fits serves. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Serve>>>> = {
  POST: { '/': serveXmlRpc, '/RPC2': serveXmlRpc, '/xmlrpc': serveXmlRpc, '/jsonrpc': serveJsonRpc },
  GET: { '/export_raw_vdi': transfer(exportRawVdi), '/export_metadata': transfer(exportMetadata) },
  PUT: { '/import_raw_vdi': transfer(importRawVdi), '/import_metadata': transfer(importMetadata) },
  OPTIONS: { '/': allowOrigins },
}

/** xapi allows 800. */
const CONNECTIONS_MAX = 800

export interface WebFront extends AsyncDisposable {
  readonly httpsPort: number
  readonly httpPort: number | undefined
}

/** Everything that speaks HTTP: one port with TLS, and on request one without. */
export async function openWebFront(pool: Pool, onError: (error: Error) => void): Promise<WebFront> {
  const { options, certificate } = pool
  const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    serve(pool, request, response).catch((error: unknown) => {
      onError(error as Error)
      request.socket.destroy()
    })
  }
  const settings = { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 60_000, noDelay: true } as const
  const { key, cert } = certificate
  const secure = https.createServer({ ...settings, key, cert, minVersion: 'TLSv1.2' }, listener)
  const httpsPort = await listen(secure, options.address, options.httpsPort)
  const plain = options.httpPort === undefined ? undefined : http.createServer(settings, listener)
  const httpPort =
    plain === undefined || options.httpPort === undefined
      ? undefined
      : await listen(plain, options.address, options.httpPort)
  return {
    httpsPort,
    httpPort,
    async [Symbol.asyncDispose]() {
      await Promise.all([secure, plain].flatMap((server) => (server === undefined ? [] : [close(server)])))
    },
  }
}

const served = new WeakMap<http.Server | https.Server, Set<Socket>>()

async function listen(server: http.Server | https.Server, host: string, port: number): Promise<number> {
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
  for (const socket of served.get(server) ?? []) socket.destroy()
  await closed
}

async function serve(pool: Pool, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const exchange = exchangeOf(request)
  const routes = ROUTES[request.method ?? '']
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
