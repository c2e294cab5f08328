import { isFailure, XenApiError } from '@tidemark/xenapi'
import { EngineError } from '../error.ts'

/** What a look at the pool shows of a change whose outcome was lost: its result, or undefined when it was not made. */
export type Seen<Result> = { readonly result: Result } | undefined

/** Changes that are lost one after the other, as while a pool restarts. */
const LOST_MAX = 3

/**
 * Makes a change. When its outcome is lost, because the connection broke before the answer or because its task vanished, a look
 * at the object tells whether it was made; if not, it is made again.
 * @throws what the change or the look throws
 */
export async function settled<Result>(
  change: () => Promise<Result>,
  look: () => Promise<Seen<Result>>,
): Promise<Result> {
  for (let lost = 1; ; lost++) {
    try {
      return await change()
    } catch (error) {
      if (!isUnknown(error) || lost === LOST_MAX) throw error
      const seen = await look()
      if (seen !== undefined) return seen.result
    }
  }
}

/**
 * As `settled`, for a change that makes something. When its task stood still and was given up, it is not made again: storage that hangs asks
 * nobody whether its work is still wanted, and there would be two in the end.
 * @throws EngineError ENGINE_LATE when it may be made yet
 */
export const madeOnce = <Result>(change: () => Promise<Result>, look: () => Promise<Seen<Result>>): Promise<Result> =>
  settled(async () => {
    try {
      return await change()
    } catch (cause) {
      if (!(cause instanceof XenApiError) || cause.code !== 'XENAPI_TIMEOUT') throw cause
      const seen = await look()
      if (seen !== undefined) return seen.result
      const sentence = `the pool may do yet what it has not done so far: ${cause.message}. The next run or the doctor removes what comes of it; see what its storage waits for`
      throw new EngineError('ENGINE_LATE', sentence, { cause })
    }
  }, look)

/** As `settled`, for a change that may be made twice, and for questions that run as a task. */
export const repeated = <Result>(change: () => Promise<Result>): Promise<Result> =>
  settled(change, async () => undefined)

const UNKNOWN = new Set(['XENAPI_TASK', 'XENAPI_UNREACHABLE', 'XENAPI_TIMEOUT'])

/**
 * Writes to the pool from the beginning, again when the way broke under it. The pool calls that an I/O error when our end had sent
 * all before the way broke: it read less than was announced. @throws what `transfer` throws
 */
export async function fromTheBeginning(transfer: () => Promise<void>): Promise<void> {
  for (let lost = 1; ; lost++) {
    try {
      return await transfer()
    } catch (error) {
      const isBroken = isTransferBroken(error) || isFailure(error, 'VDI_IO_ERROR')
      if (!isBroken || lost === LOST_MAX) throw error
    }
  }
}

/**
 * Whether a transfer ended because its connection broke or its task vanished, and not for the disk's sake. A task whose connection
 * broke fails with CLIENT_ERROR, or with that as cause; one that was cancelled was meant to end.
 */
export const isTransferBroken = (error: unknown): boolean =>
  error instanceof XenApiError &&
  (UNKNOWN.has(error.code) ||
    isFailure(error, 'CLIENT_ERROR') ||
    (isTransferBroken(error.cause) && !isFailure(error, 'TASK_CANCELLED')))

const isUnknown = (error: unknown): boolean =>
  error instanceof XenApiError && UNKNOWN.has(error.code) && error.unsent !== true
