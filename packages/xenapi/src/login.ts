import { isIPv6 } from 'node:net'
import { XenApiError } from './error.ts'
import { failureError, isFailure } from './failure.ts'
import { jsonRpc, xmlRpc, type Rpc } from './rpc.ts'
import { openSession, type Session } from './session.ts'
import { openTransport, type Transport, type TransportOptions } from './transport.ts'
import type { PoolAddress } from './trust.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface SessionOptions extends TransportOptions {
  /** The longest wait for one call. Servers queue calls on a busy object for up to two hours before they give up. */
  readonly callTimeoutMs: number
  /** auto: JSON-RPC, and XML-RPC where the server has none. */
  readonly api: 'auto' | 'json' | 'xml'
  /** A label for our sessions. The server counts and limits sessions by it, apart from everybody else's. */
  readonly originator: string
}

export const sessionDefaults = {
  connectTimeoutMs: 10_000,
  callTimeoutMs: 3 * 3600_000,
  stallTimeoutMs: 10 * 60_000,
  maxAnswerBytes: 256 * 1024 * 1024,
  api: 'auto',
  originator: 'tidemark',
} as const satisfies SessionOptions

/** The version of the API that we say we speak. Servers take note and nothing else. */
const API_VERSION = '1.0'

/**
 * Logs in. A host that is only a member of a pool names its coordinator, which is followed once, keeping the port.
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
  try {
    return await loginAt(pool, credentials, complete, signal)
  } catch (error) {
    const coordinator = isFailure(error, 'HOST_IS_SLAVE') ? (error as XenApiError).failure?.[1] : undefined
    if (coordinator === undefined) throw error
    return followTo(coordinator, pool, credentials, complete, signal)
  }
}

async function followTo(
  coordinator: string,
  pool: PoolAddress,
  credentials: Credentials,
  options: SessionOptions,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const url = new URL(pool.url)
  const member = url.host
  url.hostname = isIPv6(coordinator) ? `[${coordinator}]` : coordinator
  try {
    return await loginAt({ ...pool, url: url.href }, credentials, options, signal)
  } catch (error) {
    if (!(error instanceof XenApiError) || error.code !== 'XENAPI_CERTIFICATE') throw error
    throw new XenApiError(
      'XENAPI_CERTIFICATE',
      `${member} is only a member of its pool. The pool's coordinator is ${url.host}, and each host has a certificate of its own: ` +
        `add the pool by its coordinator, with that host's fingerprint. (${error.message})`,
      { cause: error },
    )
  }
}

async function loginAt(
  pool: PoolAddress,
  { username, password }: Credentials,
  options: SessionOptions,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const transport = openTransport(pool, options)
  try {
    const params = [username, password, API_VERSION, options.originator]
    const { rpc, session } = await firstCall(transport, params, options, signal)
    return openSession(transport, { rpc, session, callTimeoutMs: options.callTimeoutMs })
  } catch (error) {
    await transport[Symbol.asyncDispose]()
    throw error
  }
}

/** The longest wait for a login: a wrong password is answered after five seconds. */
const LOGIN_TIMEOUT_MS = 60_000

/** The login itself tells which encoding the server understands. */
async function firstCall(
  transport: Transport,
  params: readonly string[],
  { api }: SessionOptions,
  signal: AbortSignal | undefined,
): Promise<{ rpc: Rpc; session: string }> {
  const attempt = async (rpc: Rpc) => {
    const limits = { timeoutMs: LOGIN_TIMEOUT_MS, signal }
    const answer = await rpc.call({ method: 'session.login_with_password', params }, limits)
    if (!answer.ok) throw failureError(answer.failure)
    if (typeof answer.value === 'string') return { rpc, session: answer.value }
    throw new XenApiError('XENAPI_PROTOCOL', 'the login was answered with something that is no session')
  }
  if (api === 'xml') return attempt(xmlRpc(transport))
  try {
    return await attempt(jsonRpc(transport))
  } catch (error) {
    if (api === 'json' || !speaksAnotherLanguage(error)) throw error
    return attempt(xmlRpc(transport))
  }
}

const speaksAnotherLanguage = (error: unknown): boolean =>
  error instanceof XenApiError && (error.code === 'XENAPI_HTTP' || error.code === 'XENAPI_PROTOCOL')
