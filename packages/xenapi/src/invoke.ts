import type { CallOptions } from './call-options.ts'
import type { WireValue } from './codec/wire.ts'
import { isGatewayError, isNotServing } from './coordinator.ts'
import type { Login } from './enter.ts'
import { XenApiError } from './error.ts'
import { failureError, isFailure } from './failure.ts'
import type { Keeper } from './keeper.ts'
import type { Limit } from './limit.ts'
import { patiently } from './not-now.ts'
import { isRead } from './rpc.ts'

/** A session as the code beneath the typed calls sees it. */
export interface Line {
  readonly keeper: Keeper
  readonly limit: Limit
  readonly callTimeoutMs: number
  readonly patienceMs: number
}

export interface InvokeOptions extends CallOptions {
  /** Aborts the waiting before a call, but not one that is on its way: what it makes would be lost. */
  readonly waitSignal?: AbortSignal | undefined
}

/** A call before it is known under which login it goes out. */
export interface Request {
  readonly method: string
  readonly params: (login: Login) => readonly WireValue[]
}

/** New logins for the sake of one call. More than one only when sessions are ended as fast as they are made. */
const RENEWALS_MAX = 3

/**
 * Makes one call and unwraps its answer. A call that was refused for its login, or that cannot have taken effect, is made again
 * under a new one; one that the pool refuses for now is made again as long as `patienceMs` allows.
 * @throws XenApiError XENAPI_FAILURE (EVENTS_LOST for event calls that cannot go on under a new login), and as the transport
 */
export async function invoke(line: Line, request: Request, options: InvokeOptions = {}): Promise<WireValue> {
  const { signal, waitSignal = signal, patienceMs = line.patienceMs } = options
  if (request.method === 'session.logout') line.keeper.end()
  return patiently(() => underLogin(line, request, { ...options, waitSignal }), patienceMs, waitSignal)
}

async function underLogin(line: Line, request: Request, options: InvokeOptions): Promise<WireValue> {
  const { keeper } = line
  let { login } = keeper
  for (let renewals = 0; ; renewals++) {
    try {
      return await once(line, login, request, options)
    } catch (error) {
      options.waitSignal?.throwIfAborted()
      const remedy = remedyFor(request, login, error)
      if (remedy === 'none' || renewals === RENEWALS_MAX) throw explained(request, error)
      login = await keeper.renew(login, error, options.waitSignal)
      if (remedy === 'renew and tell') throw eventsLost(error)
    }
  }
}

async function once(
  { limit, callTimeoutMs }: Line,
  login: Login,
  { method, params }: Request,
  { signal, waitSignal, timeoutMs = callTimeoutMs }: InvokeOptions,
): Promise<WireValue> {
  waitSignal?.throwIfAborted()
  const leave = isFree(method) ? undefined : await limit.turn(timeoutMs, waitSignal)
  try {
    const answer = await login.rpc.call({ method, params: params(login) }, { signal, timeoutMs })
    if (!answer.ok) throw failureError(answer.failure, login.ref)
    return answer.value
  } finally {
    leave?.()
  }
}

/** Calls that wait for no turn: those that wait inside the server, and those that end what others wait for. */
const isFree = (method: string): boolean =>
  method === 'event.from' || method === 'event.next' || method === 'session.logout' || method === 'task.cancel'

type Remedy = 'none' | 'renew and repeat' | 'renew and tell'

/** What can be done for a call. What was refused for its login had no effect; what met a dead line may have had one. */
function remedyFor(request: Request, login: Login, error: unknown): Remedy {
  if (!(error instanceof XenApiError) || request.method === 'session.logout') return 'none'
  const isRefused = isFailure(error, 'SESSION_INVALID') || isNotServing(error)
  const isAway = error.code === 'XENAPI_UNREACHABLE' || isGatewayError(error)
  const isLost = isAway && (error.unsent === true || isRead(request.method))
  if (!isRefused && !isLost) return 'none'
  return hasPosition(request, login) ? 'renew and tell' : 'renew and repeat'
}

/** Events go on from a token, which means nothing to a pool that has restarted: whoever follows them must begin anew. */
const hasPosition = ({ method, params }: Request, login: Login): boolean =>
  method === 'event.next' || (method === 'event.from' && params(login)[2] !== '')

/** In the words of the API, whatever broke the row of events. */
function eventsLost(cause: unknown): XenApiError {
  const sentence = 'EVENTS_LOST: the session was replaced, so events begin anew: ask with an empty token'
  return new XenApiError('XENAPI_FAILURE', sentence, { failure: ['EVENTS_LOST'], cause })
}

/** A change whose answer did not come: the caller has to know that it may be there. */
function explained({ method }: Request, error: unknown): unknown {
  if (!(error instanceof XenApiError) || error.unsent === true || isRead(method)) return error
  if (error.code !== 'XENAPI_UNREACHABLE' && error.code !== 'XENAPI_TIMEOUT') return error
  const sentence = `${method} may have taken effect, its answer did not come: ${error.message}`
  return new XenApiError(error.code, sentence, { cause: error })
}
