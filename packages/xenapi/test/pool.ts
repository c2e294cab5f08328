import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import {
  decodeJsonCall,
  decodeXmlCall,
  encodeJsonAnswer,
  encodeTyped,
  encodeXmlAnswer,
  findMessage,
  parseType,
  type Answer,
  type Encoding,
  type WireValue,
} from '../src/codec/index.ts'

/** A failure array that a handler throws. */
export class Failure extends Error {
  readonly failure: readonly string[]
  constructor(...failure: string[]) {
    super(failure[0])
    this.failure = failure
  }
}

type Handler = (params: readonly WireValue[], request: IncomingMessage) => unknown

export interface PoolOptions {
  readonly tls?: Pick<TlsOptions, 'key' | 'cert' | 'SNICallback'>
  /** What `POST /jsonrpc` does: json, or the status or type of a server that has none. */
  readonly json?: 'yes' | 'not found' | 'forbidden' | 'unknown' | 'html' | 'xml'
  /** By method on the wire. Results are typed values, converted by the model. The session is taken off the parameters. */
  readonly calls?: Readonly<Record<string, Handler>>
  /** Sees every call before its session is looked at. */
  readonly before?: (method: string) => void
  /** Sees every request before it is read. True: it was answered. */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => unknown
  /** Default 127.0.0.1. */
  readonly address?: string
  /** Any, if left out; for a pool that comes back where another was. */
  readonly port?: number
  readonly http?: (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>
}

export interface TestPool extends AsyncDisposable {
  readonly url: string
  /** Methods called so far, in order, with their encoding. */
  readonly log: string[]
  readonly tasks: Tasks
  /** Connections taken so far, and requests on them. */
  readonly counts: { connections: number; requests: number }
  /** The references that are logged in now. */
  readonly sessions: Set<string>
  /** Closes all connections that are open now. */
  cut(): void
}

export const SESSION = 'OpaqueRef:5e551011-0000-4000-8000-000000000001'

/** Tasks as the contract describes them: result or error first, status last, waiters of event.from woken. */
class Tasks {
  readonly records = new Map<string, Record<string, unknown>>()
  readonly destroyed: string[] = []
  readonly cancelled: string[] = []
  readonly #waiters = new Set<() => void>()

  create(): string {
    const ref = `OpaqueRef:7a5c0000-0000-4000-8000-${String(this.records.size + this.destroyed.length).padStart(12, '0')}`
    const epoch = new Date(0)
    const empty = { name_label: '', name_description: '', type: '<none/>', backtrace: '()', uuid: ref.slice(10) }
    const state = { status: 'pending', progress: 0, result: '', error_info: [], created: new Date(), finished: epoch }
    const rest = { allowed_operations: [], current_operations: {}, other_config: {}, subtasks: [] }
    const none = { resident_on: 'OpaqueRef:NULL', subtask_of: 'OpaqueRef:NULL' }
    this.records.set(ref, { ...empty, ...state, ...rest, ...none })
    return ref
  }

  end(ref: string, outcome: { result: string } | { failure: readonly string[] } | 'cancelled'): void {
    const record = this.records.get(ref)
    if (record === undefined) return
    if (outcome === 'cancelled') Object.assign(record, { status: 'cancelled' })
    else if ('result' in outcome) Object.assign(record, { status: 'success', result: outcome.result })
    else Object.assign(record, { status: 'failure', error_info: outcome.failure })
    this.wake()
  }

  #generation = 1

  wake(): void {
    this.#generation++
    for (const waiter of this.#waiters) waiter()
  }

  async events(classes: readonly string[], token: string, timeoutSeconds: number): Promise<unknown> {
    const ref = String(classes[0]).replace('task/', '')
    if (Number(token.slice(0, 20)) === this.#generation) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      const timer = setTimeout(resolve, timeoutSeconds * 1000)
      await promise
      clearTimeout(timer)
      this.#waiters.delete(resolve)
    }
    const snapshot = this.records.get(ref)
    const event = { id: 1, timestamp: '0.0', class: 'task', operation: 'mod', ref, snapshot }
    const next = `${String(this.#generation).padStart(20, '0')},${'0'.padStart(20, '0')}`
    return {
      events: snapshot === undefined ? [] : [event],
      valid_ref_counts: { task: this.records.size },
      token: next,
    }
  }
}

const text = (value: WireValue | undefined): string => (typeof value === 'string' ? value : '')

const known = (tasks: Tasks, ref: WireValue | undefined): Record<string, unknown> => {
  const record = tasks.records.get(text(ref))
  if (record === undefined) throw new Failure('HANDLE_INVALID', 'task', text(ref))
  return record
}

const standardCalls = (tasks: Tasks, sessions: Set<string>): Record<string, Handler> => ({
  'session.login_with_password': () => SESSION,
  'session.logout': () => sessions.clear(),
  'pool.get_all': () => ['OpaqueRef:9001'],
  'task.create': () => tasks.create(),
  'task.get_record': ([ref]) => known(tasks, ref),
  'task.cancel': ([ref]) => {
    tasks.cancelled.push(text(ref))
    tasks.end(text(ref), 'cancelled')
  },
  'task.set_status': ([ref, status]) => Object.assign(known(tasks, ref), { status }),
  'task.destroy': ([ref]) => {
    known(tasks, ref)
    tasks.records.delete(text(ref))
    tasks.destroyed.push(text(ref))
  },
  'event.from': ([classes, token, timeout]) => tasks.events(classes as string[], text(token), Number(timeout)),
})

/** A pool that answers as scripted. It listens on 127.0.0.1, any port. */
export async function startPool(options: PoolOptions = {}): Promise<TestPool> {
  const { address = '127.0.0.1' } = options
  const tasks = new Tasks()
  const log: string[] = []
  const sessions = new Set<string>()
  const counts = { connections: 0, requests: 0 }
  const calls = withSessions({ ...standardCalls(tasks, sessions), ...options.calls }, sessions)
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    counts.requests++
    if (options.onRequest?.(request, response) === true) return
    handle(request, response, { calls, log, sessions, options }).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  }
  const server = options.tls === undefined ? createHttpServer(onRequest) : createHttpsServer(options.tls, onRequest)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    counts.connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {}) // clients that refuse our certificate
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, address, resolve))
  const { port } = server.address() as AddressInfo
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${address}:${port}`,
    log,
    tasks,
    counts,
    sessions,
    cut,
    async [Symbol.asyncDispose]() {
      tasks.wake()
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The first login is `SESSION`, the next ones are counted. */
function withSessions(calls: Record<string, Handler>, sessions: Set<string>): Record<string, Handler> {
  const login = calls['session.login_with_password']
  let logins = 0
  return {
    ...calls,
    'session.login_with_password': async (params, request) => {
      const given = String(await login?.(params, request))
      const ref = logins++ === 0 ? given : given.replace(/1$/, String(logins))
      sessions.add(ref)
      return ref
    },
    'session.logout': (params, request) => {
      logins = 0
      return calls['session.logout']?.(params, request)
    },
  }
}

interface Served {
  readonly calls: Record<string, Handler>
  readonly log: string[]
  readonly sessions: ReadonlySet<string>
  readonly options: PoolOptions
}

async function handle(request: IncomingMessage, response: ServerResponse, served: Served): Promise<void> {
  const { json = 'yes', http } = served.options
  const url = new URL(request.url ?? '/', 'http://pool')
  if (request.method === 'POST' && url.pathname === '/jsonrpc') {
    if (json === 'not found') return void response.writeHead(404).end('no such path')
    if (json === 'forbidden')
      return void response.writeHead(403, { 'content-type': 'text/html' }).end('<html>no</html>')
    if (json === 'unknown') return void response.writeHead(501).end()
    if (json === 'html')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>welcome</html>')
    if (json === 'xml') return void response.writeHead(500).end('cannot parse')
    const call = decodeJsonCall(await bodyOf(request))
    const answer = await answerTo(call.method, call.params, 'json', served, request)
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(encodeJsonAnswer(answer, call))
  }
  if (request.method === 'POST' && url.pathname === '/RPC2') {
    const call = decodeXmlCall(await bodyOf(request))
    const answer = await answerTo(call.method, call.params, 'xml', served, request)
    return void response.writeHead(200, { 'content-type': 'text/xml' }).end(encodeXmlAnswer(answer))
  }
  if (http === undefined) return void response.writeHead(403).end()
  await http(request, response, url)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

async function answerTo(
  method: string,
  all: readonly WireValue[],
  encoding: Encoding,
  { calls, log, sessions, options }: Served,
  request: IncomingMessage,
): Promise<Answer> {
  log.push(`${encoding} ${method}`)
  const found = findMessage(method)
  const handler = calls[method]
  try {
    options.before?.(method)
  } catch (error) {
    if (error instanceof Failure) return { ok: false, failure: error.failure }
    throw error
  }
  const params = found?.message.session === false ? all : all.slice(1)
  if (params.length !== all.length && !sessions.has(text(all[0])))
    return { ok: false, failure: ['SESSION_INVALID', text(all[0])] }
  if (handler === undefined) return { ok: false, failure: ['MESSAGE_METHOD_UNKNOWN', method] }
  try {
    const value = await handler(params, request)
    const type = parseType(found === undefined ? 'string' : found.isAsync ? 'task ref' : found.message.result)
    return { ok: true, value: encodeTyped(type, value, encoding) }
  } catch (error) {
    if (error instanceof Failure) return { ok: false, failure: error.failure }
    return { ok: false, failure: ['INTERNAL_ERROR', String(error)] }
  }
}
