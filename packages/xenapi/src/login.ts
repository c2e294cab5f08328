import type { Credentials } from './enter.ts'
import { openKeeper, type KeeperOptions } from './keeper.ts'
import { openLimit } from './limit.ts'
import { openSession, type Session } from './session.ts'
import type { PoolAddress } from './trust.ts'

export interface SessionOptions extends KeeperOptions {
  /**
   * The longest wait for one call, and for a task to make any progress. Servers queue calls on a busy object for up to two hours before they
   * give up.
   */
  readonly callTimeoutMs: number
  /** For how long a call that the pool refuses for now, as when it has too much to do, is made again. Default 0: not at all. */
  readonly patienceMs: number
  /** Calls under way at once; the others wait for their turn. Waiting for events counts for nothing. */
  readonly callsAtOnce: number
}

export const sessionDefaults = {
  connectTimeoutMs: 10_000,
  callTimeoutMs: 3 * 3600_000,
  patienceMs: 0,
  callsAtOnce: 8,
  stallTimeoutMs: 10 * 60_000,
  outageMs: 5 * 60_000,
  maxAnswerBytes: 256 * 1024 * 1024,
  api: 'auto',
  originator: 'tidemark',
} as const satisfies SessionOptions

/**
 * Logs in, at whichever host of the pool is its coordinator: a member names it, keeping the port, and when the first host does
 * not answer the other known ones are asked. The session then keeps itself logged in until it is disposed of.
 * @throws XenApiError XENAPI_FAILURE (SESSION_AUTHENTICATION_FAILED and others), XENAPI_CERTIFICATE, XENAPI_UNREACHABLE,
 *   XENAPI_PROTOCOL or XENAPI_HTTP (no XenAPI server), XENAPI_TIMEOUT; the signal's reason when aborted
 */
export async function login(
  pool: PoolAddress,
  credentials: Credentials,
  options: Partial<SessionOptions> = {},
  signal?: AbortSignal,
): Promise<Session> {
  const complete = { ...sessionDefaults, ...options }
  const keeper = await openKeeper(pool, credentials, complete, signal)
  return openSession({ ...complete, keeper, limit: openLimit(complete.callsAtOnce) })
}
