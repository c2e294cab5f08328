/** What went wrong between us and a pool. Stable, to branch on. */
export type XenApiErrorCode =
  /** The pool answered with a failure; `failure` is its array, `failure[0]` the XenAPI code. */
  | 'XENAPI_FAILURE'
  /** No connection, or it broke before the answer was complete. */
  | 'XENAPI_UNREACHABLE'
  /** The server's certificate is not the one we trust. Nothing was sent to it. */
  | 'XENAPI_CERTIFICATE'
  /** Bytes that are no XenAPI: broken XML or JSON, a value that does not fit its type, a damaged VHD stream. */
  | 'XENAPI_PROTOCOL'
  /** The pool did not answer in the time the caller gave. */
  | 'XENAPI_TIMEOUT'
  /** An HTTP handler answered with another status than expected. */
  | 'XENAPI_HTTP'
  /** The outcome of a task cannot be known: it vanished, or its start was not answered. Look at the object it worked on. */
  | 'XENAPI_TASK'

/** What an error may carry beside its code and sentence. */
export interface XenApiErrorDetails extends ErrorOptions {
  readonly failure?: readonly string[]
  readonly status?: number
  readonly unsent?: boolean
}

/** The one error class of this package. */
export class XenApiError extends Error {
  override readonly name = 'XenApiError'
  readonly code: XenApiErrorCode
  /** XenAPI's own array `[code, parameter…]`, verbatim except that a session reference is masked. With XENAPI_FAILURE. */
  readonly failure?: readonly string[]
  /** The HTTP status, with XENAPI_HTTP. */
  readonly status?: number
  /** True, with XENAPI_UNREACHABLE or XENAPI_TIMEOUT, when nothing was sent: what was asked for has not happened. */
  readonly unsent?: boolean

  constructor(
    code: XenApiErrorCode,
    message: string,
    { failure, status, unsent, ...options }: XenApiErrorDetails = {},
  ) {
    super(message, options)
    this.code = code
    if (failure !== undefined) this.failure = failure
    if (status !== undefined) this.status = status
    if (unsent !== undefined) this.unsent = unsent
  }
}
