import { coordinatorIn, findCoordinator, isOutage } from './coordinator.ts'
import { enter, type Credentials, type EnterOptions, type Login } from './enter.ts'
import { XenApiError } from './error.ts'
import { failureError, isFailure } from './failure.ts'
import { hostAt, openMembers, type Members } from './members.ts'
import { pause } from './pause.ts'
import { openTransport, type Transport, type TransportOptions } from './transport.ts'
import type { PoolAddress } from './trust.ts'

export interface KeeperOptions extends TransportOptions, EnterOptions {
  /**
   * For how long calls wait for a pool that does not answer: it restarts, or another host takes over as its coordinator. Only
   * calls that cannot have taken effect wait. The first login does not.
   */
  readonly outageMs: number
}

/** Keeps a session logged in: it owns the current login and replaces it when the pool ends it or the coordinator changes. */
export interface Keeper extends AsyncDisposable {
  readonly transport: Transport
  readonly members: Members
  /** The login to use now. Read it anew for every call. */
  readonly login: Login
  /**
   * A login in place of one that did not do, made once for everybody who asks meanwhile; the same one again when the pool was
   * only out of reach. Waits up to `outageMs`.
   * @param cause what the call under `refused` met
   * @throws XenApiError XENAPI_FAILURE (SESSION_AUTHENTICATION_FAILED: the password changed), XENAPI_UNREACHABLE; `cause` after
   *   `end`; the signal's reason
   */
  renew(refused: Login, cause: unknown, signal?: AbortSignal): Promise<Login>
  /** No login is made after this one: the user logs out. */
  end(): void
}

/** Pauses between two rounds through the hosts of a pool that is away. */
const PAUSE_MS = { first: 500, most: 15_000 } as const
/** The longest wait for the answer to a question that costs the server nothing. */
const PROBE_TIMEOUT_MS = 30_000

/** Logs in for the first time. @throws XenApiError as `login` */
export async function openKeeper(
  pool: PoolAddress,
  credentials: Credentials,
  options: KeeperOptions,
  signal: AbortSignal | undefined,
): Promise<Keeper> {
  const members = openMembers(pool)
  const transport = openTransport((target) => members.trustOf(target), options)
  const enterAt = (origin: URL, stop?: AbortSignal) => enter(transport, origin, credentials, options, stop)
  try {
    const first = await findCoordinator(members.origins, (origin) => enterAt(origin, signal))
    return keep({ transport, members, enterAt, outageMs: options.outageMs }, first)
  } catch (error) {
    await transport[Symbol.asyncDispose]()
    throw error
  }
}

interface Door {
  readonly transport: Transport
  readonly members: Members
  readonly outageMs: number
  enterAt(origin: URL, signal?: AbortSignal): Promise<Login>
}

function keep(door: Door, first: Login): Keeper {
  const { transport, members } = door
  const ended = new AbortController()
  let login = first
  let renewal: Promise<Login> | undefined
  let isDown = false // a pool that stayed away is asked once by each call, not waited for by each

  async function replace(refused: Login, cause: unknown): Promise<Login> {
    try {
      login = await search(door, refused, cause, isDown ? 0 : door.outageMs, ended.signal)
      isDown = false
      return login
    } catch (error) {
      isDown = true
      throw error
    } finally {
      renewal = undefined
    }
  }

  return {
    transport,
    members,
    get login() {
      return login
    },
    async renew(refused, cause, signal) {
      if (login !== refused) return login
      if (ended.signal.aborted) throw cause
      renewal ??= replace(refused, cause)
      return unlessAborted(renewal, signal)
    },
    end: () => ended.abort(new XenApiError('XENAPI_UNREACHABLE', 'the session was logged out')),
    async [Symbol.asyncDispose]() {
      this.end()
      await renewal?.catch(() => {}) // told to those who wait for it
      await transport[Symbol.asyncDispose]()
    },
  }
}

/** Asks all hosts for the coordinator, again and again until the time is up. */
async function search(
  door: Door,
  refused: Login,
  cause: unknown,
  withinMs: number,
  signal: AbortSignal,
): Promise<Login> {
  const until = Date.now() + withinMs
  const named = coordinatorIn(cause)
  const nearest = named === undefined ? refused.origin : hostAt(named, refused.origin)
  const ask = (origin: URL) =>
    origin.host === refused.origin.host && !isFailure(cause, 'SESSION_INVALID')
      ? reenter(door, refused, signal)
      : door.enterAt(origin, signal)
  for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(PAUSE_MS.most, pauseMs * 2)) {
    try {
      return await findCoordinator([nearest, ...door.members.origins], ask)
    } catch (error) {
      signal.throwIfAborted()
      if (!isOutage(error) || Date.now() >= until) throw error
      await pause(pauseMs, signal)
    }
  }
}

/** A host that was only out of reach may still know the session. */
async function reenter(door: Door, seen: Login, signal: AbortSignal): Promise<Login> {
  const answer = await seen.rpc.call(
    { method: 'pool.get_all', params: [seen.ref] },
    { timeoutMs: PROBE_TIMEOUT_MS, signal },
  )
  if (answer.ok) return seen
  if (answer.failure[0] === 'SESSION_INVALID') return door.enterAt(seen.origin, signal)
  throw failureError(answer.failure, seen.ref)
}

/** Waits for work that goes on for others when this caller leaves. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return work
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
