import type { NbdError } from './error.ts'
import type { Negotiated } from './handshake.ts'
import type { StatusExtent } from './transmission.ts'

/** A request, as a connection takes it. */
export interface Wish {
  /** Command */
  readonly type: number
  readonly flags?: number
  readonly offset: number
  readonly length: number
  readonly payload?: Uint8Array
  /** READ: where the data go; as `Expected.into`. Not to be touched any more: the answer says where the data are. */
  readonly into?: Uint8Array<ArrayBuffer> | undefined
}

/** The answer to a request. */
export interface Outcome {
  /** READ: the data. */
  readonly data: Uint8Array
  /** BLOCK_STATUS of `base:allocation`. */
  readonly status: readonly StatusExtent[]
}

/** One open connection to an export, on this thread or on one of its own. */
export interface Line {
  readonly negotiated: Negotiated
  /** Why no more requests can be made, if so. */
  readonly over: NbdError | undefined
  /** Requests without an answer, those whose caller has gone away included. */
  readonly inFlight: number
  /** Requests that were answered. */
  readonly answers: number
  /** Resolves when nothing is left of the connection. */
  readonly closed: Promise<void>
  /**
   * Sends one request and waits for its answer. An abort gives up the answer, not the connection.
   * @param settled called when the answer is complete or never comes; until then the request counts as in flight
   * @throws NbdError NBD_IO, NBD_DISCONNECTED, NBD_TIMEOUT, NBD_TLS, NBD_PROTOCOL; the signal's reason when aborted
   */
  request(wish: Wish, signal: AbortSignal | undefined, settled: () => void): Promise<Outcome>
  /** Says goodbye, reads to the end of the stream and closes. What is still in flight fails. */
  close(): Promise<void>
}
