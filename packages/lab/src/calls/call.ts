import type { HostRef, SessionRef } from '@tidemark/xenapi'
import { theHost, type Pool } from '../pool.ts'
import type { RunningTask } from './tasks.ts'

/** One call being served. */
export interface Call {
  readonly pool: Pool
  /** The host that serves it: the coordinator, but for transfers that a member serves. */
  readonly host: HostRef
  /** The caller's login; empty for the few messages that need none, and for what the lab does itself. */
  readonly session: SessionRef
  /** The task that stands for the call, where it has one. */
  readonly task: RunningTask | undefined
  /** Aborts when the task is cancelled or the lab stops. */
  readonly signal: AbortSignal
}

/** Serves one message. The parameters are decoded by the types of the model, in their order, none missing. */
export type Handler = (call: Call, ...params: never[]) => unknown

/** Handlers by message, `Class.message`. */
export type Handlers = Readonly<Record<string, Handler>>

/** A call that the lab makes itself. */
export const ownCall = (pool: Pool): Call => ({
  pool,
  host: theHost(pool),
  session: '' as SessionRef,
  task: undefined,
  signal: pool.closing,
})
