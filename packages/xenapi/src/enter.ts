import { XenApiError } from './error.ts'
import { failureError } from './failure.ts'
import { jsonRpc, xmlRpc, type Rpc } from './rpc.ts'
import type { Transport } from './transport.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface EnterOptions {
  /** auto: JSON-RPC, and XML-RPC where the server has none. */
  readonly api: 'auto' | 'json' | 'xml'
  /** A label for our sessions. The server counts and limits sessions by it, apart from everybody else's. */
  readonly originator: string
}

/** A login that was made: at which host, in which encoding, under which reference. */
export interface Login {
  readonly origin: URL
  readonly rpc: Rpc
  /** As good as the password, never to be shown. */
  readonly ref: string
}

/** The version of the API that we say we speak. Servers take note and nothing else. */
const API_VERSION = '1.0'
/** The longest wait for a login: a wrong password is answered after five seconds. */
const LOGIN_TIMEOUT_MS = 60_000

/**
 * Logs in at one host. The login itself tells which encoding the server understands.
 * @throws XenApiError XENAPI_FAILURE (SESSION_AUTHENTICATION_FAILED, HOST_IS_SLAVE and others), and as the transport
 */
export async function enter(
  transport: Transport,
  origin: URL,
  { username, password }: Credentials,
  { api, originator }: EnterOptions,
  signal: AbortSignal | undefined,
): Promise<Login> {
  const attempt = async (rpc: Rpc): Promise<Login> => {
    const params = [username, password, API_VERSION, originator]
    const limits = { timeoutMs: LOGIN_TIMEOUT_MS, signal }
    const answer = await rpc.call({ method: 'session.login_with_password', params }, limits)
    if (!answer.ok) throw failureError(answer.failure)
    if (typeof answer.value === 'string') return { origin, rpc, ref: answer.value }
    throw new XenApiError('XENAPI_PROTOCOL', 'the login was answered with something that is no session')
  }
  if (api === 'xml') return attempt(xmlRpc(transport, origin))
  try {
    return await attempt(jsonRpc(transport, origin))
  } catch (error) {
    if (api === 'json' || !speaksAnotherLanguage(error)) throw error
    return attempt(xmlRpc(transport, origin))
  }
}

const speaksAnotherLanguage = (error: unknown): boolean =>
  error instanceof XenApiError && (error.code === 'XENAPI_HTTP' || error.code === 'XENAPI_PROTOCOL')
