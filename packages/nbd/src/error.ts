/** What went wrong while talking NBD. Stable, to branch on. */
export type NbdErrorCode =
  /** Nobody listens at the address, or the network does not lead there. */
  | 'NBD_CONNECT'
  /** No TLS where TLS was asked for, or a TLS handshake that failed. */
  | 'NBD_TLS'
  /** The server showed another certificate than the one we trust. */
  | 'NBD_CERTIFICATE'
  /** Bytes that are not NBD, or not where they belong. */
  | 'NBD_PROTOCOL'
  /** The server has no export of that name, or cannot open it. */
  | 'NBD_EXPORT'
  /** The server, or the export, does not allow what was asked. */
  | 'NBD_REFUSED'
  /** The server answered a request with an error; `errno` names it. */
  | 'NBD_IO'
  /** The connection ended before the answer. */
  | 'NBD_DISCONNECTED'
  /** No answer in time. */
  | 'NBD_TIMEOUT'
  /** A range outside the export, or not on its block size. Nothing was sent. */
  | 'NBD_RANGE'

// Whether the same call may succeed a moment later without anybody changing anything.
const retryableByCode = {
  NBD_CONNECT: true, // xapi's firewall follows a network's purpose with seconds of delay
  NBD_TLS: false,
  NBD_CERTIFICATE: false,
  NBD_PROTOCOL: false,
  NBD_EXPORT: false,
  NBD_REFUSED: false,
  NBD_IO: false,
  NBD_DISCONNECTED: true,
  NBD_TIMEOUT: true,
  NBD_RANGE: false,
} satisfies Record<NbdErrorCode, boolean>

export interface NbdErrorOptions extends ErrorOptions {
  /** Overrides what the code says. */
  readonly retryable?: boolean
  /** The server's own error, as the protocol names it: `EIO`, `EPERM`, `ENOSPC` … */
  readonly errno?: string
  /** Bytes from the start of the export. */
  readonly offset?: number
  /** Bytes. */
  readonly length?: number
}

/** The one error class of this package. */
export class NbdError extends Error {
  override readonly name = 'NbdError'
  readonly code: NbdErrorCode
  /** True when trying again later may help without any change. */
  readonly retryable: boolean
  declare readonly errno?: string
  declare readonly offset?: number
  declare readonly length?: number

  constructor(code: NbdErrorCode, message: string, options: NbdErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retryable = options.retryable ?? retryableByCode[code]
    if (options.errno !== undefined) this.errno = options.errno
    if (options.offset !== undefined) this.offset = options.offset
    if (options.length !== undefined) this.length = options.length
  }
}

/** What a TLS error says: OpenSSL's reason, without the places in its source that Node's message adds. */
export const reasonOf = (error: Error): string =>
  'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
