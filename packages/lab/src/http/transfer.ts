import type { Ref, SessionRef, TaskRef } from '@tidemark/xenapi'
import { XenApiError } from '@tidemark/xenapi/codec'
import type { Call } from '../calls/call.ts'
import { failureOf } from '../calls/failure.ts'
import type { ClassName } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { answer, finish, writeHead, type Exchange, type Head } from './exchange.ts'

/** A request to a handler of data, with its login and its task. */
export interface Transfer extends Exchange {
  readonly pool: Pool
  readonly call: Call
  readonly task: TaskRef
  /** Sends the head of the answer; from here on only the task tells of failures. */
  begin(head: Head): void
}

/** Refuses a transfer before its answer has begun. */
export class HttpRefusal extends Error {
  readonly status: number
  readonly failure: readonly string[]

  constructor(status: number, failure: readonly string[]) {
    super(failure.join(': '))
    this.status = status
    this.failure = failure
  }
}

/**
 * Serves one transfer: login, task, work, the task's outcome, and only then the end of the connection, because clients
 * read the result the moment their request returns. contract/xenapi.md §5.1
 * @param work resolves to the result's XML text
 */
export async function serveTransfer(
  pool: Pool,
  exchange: Exchange,
  work: (transfer: Transfer) => Promise<string>,
): Promise<void> {
  const session = await authenticate(pool, exchange)
  if (session === undefined) return unauthorized(pool, exchange)
  const given = exchange.cookies.get('task_id') ?? exchange.query.get('task_id')
  const task =
    given === null || given === undefined ? pool.tasks.create(`[HTTP] ${exchange.path}`) : findTask(pool, given)
  if (task === undefined) {
    answer(exchange, 500)
    return finish(exchange)
  }
  const running = pool.tasks.run(task)
  const signal = AbortSignal.any([running.signal, pool.closing])
  const begun = { head: false }
  const transfer: Transfer = {
    ...exchange,
    pool,
    call: { pool, host: exchange.host, session: session.ref, task: running, signal },
    task,
    begin(head) {
      begun.head = true
      writeHead(exchange, { ...head, headers: { 'task-id': task, ...head.headers } })
    },
  }
  try {
    pool.tasks.succeed(task, await work(transfer))
  } catch (error) {
    const { status, failure } = refusalOf(error)
    pool.tasks.fail(task, failure)
    if (!begun.head && !exchange.socket.destroyed) answer(exchange, status, { 'task-id': task })
  } finally {
    if (session.temporary) pool.sessions.logout(session.ref)
  }
  await finish(exchange)
}

function refusalOf(error: unknown): { readonly status: number; readonly failure: readonly string[] } {
  return error instanceof HttpRefusal ? error : { status: 500, failure: failureOf(error) }
}

interface Login {
  readonly ref: SessionRef
  readonly temporary: boolean
}

/** The cookie first, then the query, then a name and a password. */
async function authenticate(pool: Pool, { request, cookies, query }: Exchange): Promise<Login | undefined> {
  const given = cookies.get('session_id') ?? query.get('session_id')
  if (given !== null && given !== undefined) {
    return pool.sessions.isValid(given) ? { ref: given as SessionRef, temporary: false } : undefined
  }
  const [, encoded] = /^basic (.+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const [name = '', ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  try {
    return { ref: await pool.sessions.login(name, password.join(':'), 'HTTP'), temporary: true }
  } catch (error) {
    if (error instanceof XenApiError) return undefined
    throw error
  }
}

function unauthorized(pool: Pool, exchange: Exchange): Promise<void> {
  const given = exchange.query.get('task_id')
  const task = given === null ? undefined : findTask(pool, given)
  if (task !== undefined) pool.tasks.fail(task, ['SESSION_AUTHENTICATION_FAILED', '', 'no valid session'])
  const body = '<html><body><h1>HTTP 401 unauthorised</h1>Please log in.</body></html>'
  answer(exchange, 401, { 'WWW-Authenticate': 'Basic realm="Tidemark lab"' }, body)
  return finish(exchange)
}

/** By reference or uuid. */
function findTask({ db }: Pool, given: string): TaskRef | undefined {
  return db.find('task', given as TaskRef) === undefined ? db.findByUuid('task', given) : (given as TaskRef)
}

/** By reference or uuid. @throws XenApiError HANDLE_INVALID */
export function findObject<Class extends ClassName>({ db }: Pool, className: Class, given: string): Ref<Class> {
  const ref = db.findByUuid(className, given) ?? (given as Ref<Class>)
  db.get(className, ref)
  return ref
}
