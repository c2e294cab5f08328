import type { SessionRef, TaskRef } from '@tidemark/xenapi'
import { XenApiError } from '@tidemark/xenapi/codec'
import type { Call } from '../calls/call.ts'
import { apiFailure, failureOf } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import { abandon, answer, clientGone, finish, writeHead, type Exchange, type Head } from './exchange.ts'
import { placeOf, type Needs, type Place } from './place.ts'

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

/** What a path serves. */
export interface TransferHandler {
  /** Resolves to the result's XML text. */
  readonly work: (transfer: Transfer) => Promise<string>
  /** The SRs that the serving host has to see; none by default. */
  readonly needs?: Needs
}

/**
 * Serves one transfer: login, task, work, the task's outcome, and only then the end of the connection, because clients
 * read the result the moment their request returns. A host that does not see the disks sends the client to one that
 * does, and leaves the task to it. contract/xenapi.md §5.1
 */
export async function serveTransfer(
  pool: Pool,
  exchange: Exchange,
  { work, needs = () => [] }: TransferHandler,
): Promise<void> {
  const session = await authenticate(pool, exchange)
  if (session === undefined) return unauthorized(pool, exchange)
  try {
    const place = placeOf(pool, exchange, needs)
    if (place.kind === 'elsewhere') {
      writeHead(exchange, { status: 302, headers: { Location: place.url } })
      return await finish(exchange)
    }
    const given = givenTask(exchange)
    const task = given === undefined ? pool.tasks.create(`[HTTP] ${exchange.path}`) : findTask(pool, given)
    if (task === undefined || pool.db.get('task', task).status !== 'pending') {
      answer(exchange, 500)
      return await finish(exchange)
    }
    const isOwn = given === undefined
    const job: Work = { session: session.ref, task, isOwn, work, place }
    await pool.transfers.track(() => transferData(pool, exchange, job))
  } finally {
    if (session.temporary && !pool.closing.aborted) pool.sessions.logout(session.ref)
  }
}

interface Work {
  readonly session: SessionRef
  readonly task: TaskRef
  /** Whether the transfer made its task: then it goes with it. xapi/context.ml, finally_destroy_context */
  readonly isOwn: boolean
  readonly work: TransferHandler['work']
  readonly place: Place
}

async function transferData(pool: Pool, exchange: Exchange, job: Work): Promise<void> {
  const { session, task, isOwn, work, place } = job
  const running = pool.tasks.run(task)
  const gone = readerGone(exchange)
  const signal = AbortSignal.any([running.signal, pool.closing, gone])
  const begun = { head: false }
  let end = finish
  const transfer: Transfer = {
    ...exchange,
    pool,
    call: { pool, host: exchange.host, session, task: running, signal },
    task,
    begin(head) {
      begun.head = true
      writeHead(exchange, { ...head, headers: { 'task-id': task, ...head.headers } })
    },
  }
  try {
    assertWanted(pool, task)
    if (place.kind === 'nowhere') throw apiFailure('NO_HOSTS_AVAILABLE')
    pool.tasks.succeed(task, await pool.faults.transfer(exchange, () => work(transfer)))
  } catch (error) {
    const refusal = refusalOf(signal.aborted ? signal.reason : error)
    pool.tasks.fail(task, refusal.failure)
    if (!exchange.socket.destroyed) tell(transfer, refusal, begun.head)
    end = abandon
  } finally {
    if (isOwn) pool.tasks.drop(task)
  }
  await end(exchange)
}

/** Tells of a failure: after the head of the answer it is, as with xapi, a second answer in the place of data. */
function tell(transfer: Transfer, { status, failure }: Refusal, isBegun: boolean): void {
  if (!isBegun) answer(transfer, status, { 'task-id': transfer.task })
  else if (failure[0] !== 'TASK_CANCELLED') answer(transfer, 500)
}

/** Refuses a task that was cancelled before its transfer came. */
function assertWanted({ db }: Pool, task: TaskRef): void {
  const { current_operations } = db.get('task', task)
  if (Object.values(current_operations).includes('cancel')) throw apiFailure('TASK_CANCELLED', task)
}

/** Aborts when the client of an export is gone. One that sends may go as soon as it has sent everything. */
function readerGone({ request, socket }: Exchange): AbortSignal {
  const gone = new AbortController()
  if (request.method === 'GET') socket.once('close', () => gone.abort(clientGone()))
  return gone.signal
}

type Refusal = Pick<HttpRefusal, 'status' | 'failure'>

const refusalOf = (error: unknown): Refusal =>
  error instanceof HttpRefusal ? error : { status: 500, failure: failureOf(error) }

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
  const given = givenTask(exchange)
  const task = given === undefined ? undefined : findTask(pool, given)
  if (task !== undefined && pool.db.get('task', task).status === 'pending') {
    pool.tasks.fail(task, ['SESSION_AUTHENTICATION_FAILED'])
  }
  const body = '<html><body><h1>HTTP 401 unauthorised</h1>Please check your credentials and retry.</body></html>'
  answer(exchange, 401, { 'WWW-Authenticate': `Basic realm="${exchange.path.slice(1)}"` }, body)
  return finish(exchange)
}

/** The cookie first, then the query. */
const givenTask = ({ cookies, query }: Exchange): string | undefined =>
  cookies.get('task_id') ?? query.get('task_id') ?? undefined

/** By reference or uuid. */
function findTask({ db }: Pool, given: string): TaskRef | undefined {
  return db.find('task', given as TaskRef) === undefined ? db.findByUuid('task', given) : (given as TaskRef)
}
