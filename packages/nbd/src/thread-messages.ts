import type { NbdTarget } from './connection.ts'
import { NbdError } from './error.ts'
import type { Negotiated } from './handshake.ts'
import type { Outcome, Wish } from './line.ts'

/** With what the thread begins. */
export interface ThreadData {
  readonly target: NbdTarget
  readonly options: {
    readonly connectTimeoutMs: number
    readonly requestTimeoutMs: number
    readonly contexts: readonly string[]
  }
}

/** An NbdError on its way between threads. */
interface ThreadError {
  readonly code: NbdError['code']
  readonly message: string
  readonly retryable: boolean
  readonly errno?: string
  readonly offset?: number
  readonly length?: number
}

/** What the thread is asked. The memory of `wish.into` moves along, and comes back with the answer. */
export type ThreadRequest =
  | { readonly kind: 'request'; readonly id: number; readonly wish: Wish }
  | { readonly kind: 'close' }

export type ThreadReply =
  | { readonly kind: 'open'; readonly negotiated: Negotiated }
  | { readonly kind: 'answer'; readonly id: number; readonly outcome: Outcome }
  | { readonly kind: 'failure'; readonly id: number; readonly error: ThreadError }
  | { readonly kind: 'over'; readonly error: ThreadError }

/** Any failure, in a form that can be sent. */
export function packed(error: unknown): ThreadError {
  const { code, message, retryable, errno, offset, length } =
    error instanceof NbdError ? error : new NbdError('NBD_PROTOCOL', String(error))
  return {
    code,
    message,
    retryable,
    ...(errno !== undefined && { errno }),
    ...(offset !== undefined && { offset }),
    ...(length !== undefined && { length }),
  }
}

export const unpacked = ({ code, message, ...more }: ThreadError): NbdError => new NbdError(code, message, more)
