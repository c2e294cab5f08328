import { XenApiError } from './error.ts'
import { isFailure, masked } from './failure.ts'
import type { ApiCalls, TaskRef } from './generated/types.ts'
import type { Keeper } from './keeper.ts'
import { learnHost } from './learn.ts'
import { abandonTask, cancelTask, dropTask, endOfTask, failureOf, taskResult, type TaskCalls } from './task.ts'

/** What the HTTP handlers need of a session. */
export interface TransferLine {
  readonly keeper: Keeper
  readonly calls: TaskCalls & Pick<ApiCalls, 'host'>
  /** A task of our own for one transfer: it tells the outcome, which HTTP does not, as 200 goes out before the work. */
  readonly createTask: (label: string, signal: AbortSignal | undefined) => Promise<TaskRef>
  /** The longest time in which a transfer moves nothing. */
  readonly stallMs: number
}

/** The longest wait for a task whose data have all been transferred out of the pool. */
const END_WITHIN_MS = 5 * 60_000
/** The longest wait for the reason of a transfer that broke. */
const REASON_WITHIN_MS = 10_000
/** Bytes of an error page that are read, to keep the connection tidy. */
const ERROR_PAGE_MAX = 64 * 1024
const REDIRECTS_MAX = 3

/** Begins a transfer; once more, under a new login and task, when the session ended just before. */
export async function begun<Result>(
  { keeper }: TransferLine,
  begin: () => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const { login } = keeper
  try {
    return await begin()
  } catch (error) {
    if (!isRefusedLogin(error)) throw error
    await keeper.renew(login, error, signal)
    return begin()
  }
}

/** What a handler says to a session that is none: the HTTP status, or the failure of the task that was named to it. */
const isRefusedLogin = (error: unknown): boolean =>
  error instanceof XenApiError &&
  (error.status === 401 || isFailure(error, 'SESSION_INVALID') || isFailure(error, 'SESSION_AUTHENTICATION_FAILED'))

/** The address of a handler with session, task and further parameters. It holds the session: never show it. */
export function handlerUrl(
  { keeper: { login } }: TransferLine,
  path: string,
  task: TaskRef,
  params: readonly (readonly [string, string])[],
): URL {
  const url = new URL(path, login.origin)
  const all = [['session_id', login.ref], ['task_id', task], ...params] as const
  // Not URLSearchParams: it writes a space as +, which the server's decoder leaves alone
  url.search = all.map(([name, value]) => `${queryName(name)}=${encodeURIComponent(value)}`).join('&')
  return url
}

/** `vdi:<uuid>` is a parameter name; xapi looks for the colon itself. */
const queryName = (name: string): string => encodeURIComponent(name).replaceAll('%3A', ':')

/**
 * Follows redirects by hand: a host that cannot see the storage names one that can, which proves itself by its own certificate.
 * @throws XenApiError XENAPI_HTTP
 */
export async function followed<Answer extends { readonly status: number; readonly location: string | undefined }>(
  { keeper, calls }: TransferLine,
  url: URL,
  ask: (url: URL) => Promise<Answer>,
  drop: (answer: Answer) => Promise<void>,
  signal?: AbortSignal,
): Promise<Answer> {
  let at = url
  for (let redirects = 0; ; redirects++) {
    const answer = await ask(at)
    if (answer.location === undefined || answer.status < 301 || answer.status > 308) return answer
    await drop(answer)
    if (redirects >= REDIRECTS_MAX)
      throw new XenApiError('XENAPI_HTTP', `${at.host} redirects in a circle`, { status: answer.status })
    at = redirected(at, answer.location)
    await learnHost(keeper, calls, at, signal)
  }
}

/** Session and task stay, also when the server names a host only. */
function redirected(from: URL, location: string): URL {
  const to = URL.parse(location, from.href)
  if (to === null) throw new XenApiError('XENAPI_HTTP', `${from.host} redirects to nowhere`, { status: 302 })
  if (to.hostname === from.hostname && to.port === '') to.port = from.port
  if (to.search === '') to.search = from.search
  return to
}

/**
 * The failure behind an HTTP status: the task's own, if it has one.
 * @throws XenApiError XENAPI_FAILURE from the task, else XENAPI_HTTP
 */
export async function refuse(
  line: TransferLine,
  task: TaskRef,
  what: string,
  status: number,
  signal?: AbortSignal,
): Promise<never> {
  const refused = new XenApiError('XENAPI_HTTP', `${what}: the server answered with HTTP status ${status}`, { status })
  // A request without a valid session or permission, or for no handler at all, may never have reached the task
  const reachedTask = status !== 401 && status !== 403 && status !== 501
  throw await reasonOf(line, task, refused, reachedTask ? REASON_WITHIN_MS : 1000, signal)
}

/** Why a transfer broke: the task's failure if it says so soon, else the error that we saw. */
export async function reasonOf(
  { calls, keeper }: TransferLine,
  task: TaskRef,
  seen: unknown,
  withinMs = REASON_WITHIN_MS,
  signal?: AbortSignal,
): Promise<unknown> {
  signal?.throwIfAborted()
  const shown = withoutSession(seen, keeper.login.ref)
  try {
    const failed = failureOf(await endOfTask(calls, task, { withinMs, signal }), task)
    if (failed !== undefined) return becauseOf(failed, shown)
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof XenApiError)) throw error // the task cannot be asked either: what we saw stands
  }
  return shown
}

function withoutSession(error: unknown, session: string): unknown {
  if (!(error instanceof XenApiError)) return error
  const { code, message, status, cause } = error
  return new XenApiError(code, masked(message, session), { cause, ...(status === undefined ? {} : { status }) })
}

/** A task that failed since its connection broke, or the other way round: both are worth knowing. */
const becauseOf = ({ code, message, failure = [] }: XenApiError, cause: unknown): XenApiError =>
  new XenApiError(code, message, { failure, cause })

/** Waits for the task of a transfer that is complete on our side. @throws XenApiError as `taskResult` */
export const transferEnd = ({ calls }: TransferLine, task: TaskRef, signal?: AbortSignal): Promise<string> =>
  taskResult(calls, task, { withinMs: END_WITHIN_MS, signal })

/** As `transferEnd`, for work that goes on in the pool after the data have been sent: as long as it makes progress. */
export const importEnd = ({ calls, stallMs }: TransferLine, task: TaskRef, signal?: AbortSignal): Promise<string> =>
  taskResult(calls, task, { stallMs, signal })

/** Runs a transfer under its task; a transfer that fails or is left cancels it. The task is removed in any case. */
export async function underTask<Result>(
  line: TransferLine,
  task: TaskRef,
  transfer: () => Promise<Result>,
): Promise<Result> {
  let isOver = false
  try {
    const result = await transfer()
    isOver = true
    return result
  } finally {
    await endTask(line, task, isOver ? 'done' : 'broken off')
  }
}

/**
 * Tidies a transfer's task away. `not begun`: maybe no handler ever saw it, and nobody but us would end it; a pool keeps a pending
 * task for a day, even one that is to be destroyed.
 */
export async function endTask(
  { calls }: TransferLine,
  task: TaskRef,
  how: 'done' | 'broken off' | 'not begun',
): Promise<void> {
  if (how !== 'done') await cancelTask(calls, task)
  if (how === 'not begun') await abandonTask(calls, task)
  await dropTask(calls, task)
}

/** Reads what little an error page holds, and lets go of its connection. */
export async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  let length = 0
  try {
    for await (const chunk of body) {
      length += chunk.length
      if (length > ERROR_PAGE_MAX) break
    }
  } catch {
    // the connection broke or was aborted, which is where this wanted to go
  }
}
