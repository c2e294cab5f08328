import type { CallOptions } from './call-options.ts'
import type { ApiType } from './codec/type.ts'
import { decodeTyped } from './codec/typed.ts'
import { decodeXmlValue } from './codec/xmlrpc.ts'
import { deadline } from './deadline.ts'
import { XenApiError } from './error.ts'
import { failureError, isFailure } from './failure.ts'
import type { ApiCalls, EventBatch, TaskRecord, TaskRef } from './generated/types.ts'
import { pause } from './pause.ts'

/** The part of a session that waiting for a task needs. */
export type TaskCalls = Pick<ApiCalls, 'event' | 'task'>

export interface TaskOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to wait at most; then XENAPI_TIMEOUT. Without it, until the task ends. */
  readonly withinMs?: number
  /** How long its progress may stay what it is; then XENAPI_TIMEOUT. */
  readonly stallMs?: number
}

/** Seconds that one event.from waits inside the server: for a change, or, to begin with, for what is there already. */
const WAIT_SECONDS = { change: 30, begin: 1 } as const
/** Broken or late answers in a row that are taken for a moment's trouble. */
const PATIENCE = 5

/**
 * Waits until a task ends, and answers with its result, the XML text of a value.
 * @throws XenApiError XENAPI_FAILURE (the task failed or was cancelled), XENAPI_TASK (it vanished), XENAPI_TIMEOUT;
 *   the signal's reason when aborted
 */
export async function taskResult(calls: TaskCalls, task: TaskRef, options: TaskOptions = {}): Promise<string> {
  const record = await endOfTask(calls, task, options)
  const failure = failureOf(record, task)
  if (failure !== undefined) throw failure
  return record.result
}

/** The failure that a finished task ended with; undefined when it succeeded. */
export function failureOf({ status, error_info: failure }: TaskRecord, task: TaskRef): XenApiError | undefined {
  if (status === 'success') return undefined
  return failureError(status === 'cancelled' && failure.length === 0 ? ['TASK_CANCELLED', task] : failure)
}

/** Waits until a task is over, however it ends. @throws XenApiError XENAPI_TASK, XENAPI_TIMEOUT; the signal's reason */
export async function endOfTask(
  calls: TaskCalls,
  task: TaskRef,
  { signal, withinMs, stallMs }: TaskOptions = {},
): Promise<TaskRecord> {
  using end = deadline(withinMs, (seconds) => `the task did not end within ${seconds} s`)
  using stall = deadline(stallMs, (seconds) => `the task made no progress for ${seconds} s`)
  let last: number | undefined
  const onPending = ({ progress }: TaskRecord) => {
    if (progress !== last) stall.restart()
    last = progress
  }
  const signals = [end.signal, stall.signal, ...(signal === undefined ? [] : [signal])]
  return await watch(calls, task, AbortSignal.any(signals), onPending)
}

/** Events bring the record in which the task ended: a busy pool may delete it seconds later. */
async function watch(
  calls: TaskCalls,
  task: TaskRef,
  signal: AbortSignal,
  onPending: (record: TaskRecord) => void,
): Promise<TaskRecord> {
  let token = ''
  for (let troubles = 0; ;) {
    const batch = await nextEvents(calls, task, token, signal)
    if (batch === 'unknown method') return poll(calls, task, signal, onPending)
    if (batch instanceof XenApiError) {
      if (++troubles > PATIENCE) throw batch
      token = ''
      await pause(1000, signal)
      continue
    }
    troubles = 0
    token = batch.token
    const seen = recordIn(batch, task)
    const record = seen ?? (await readTask(calls, task, signal)) // no event, or the object is gone
    if (isOver(record)) return record
    onPending(record)
    if (seen === undefined) await pause(100, signal) // a server that does not wait is not hurried
  }
}

/** An event.from that cannot be made now is answered with its error, to be made again. */
async function nextEvents(
  { event }: TaskCalls,
  task: TaskRef,
  token: string,
  signal: AbortSignal,
): Promise<EventBatch | XenApiError | 'unknown method'> {
  try {
    // a task that is gone already brings no event at all, so the first wait is short
    const seconds = token === '' ? WAIT_SECONDS.begin : WAIT_SECONDS.change
    return await event.from([`task/${task}`], token, seconds, { signal, timeoutMs: (seconds + 60) * 1000 })
  } catch (error) {
    signal.throwIfAborted()
    if (isFailure(error, 'MESSAGE_METHOD_UNKNOWN')) return 'unknown method'
    if (error instanceof XenApiError && isMomentary(error)) return error
    throw error
  }
}

const isMomentary = (error: XenApiError): boolean =>
  error.code === 'XENAPI_UNREACHABLE' ||
  error.code === 'XENAPI_TIMEOUT' ||
  isFailure(error, 'EVENTS_LOST') ||
  isFailure(error, 'EVENT_FROM_TOKEN_PARSE_FAILURE')

function recordIn({ events }: EventBatch, task: TaskRef): TaskRecord | undefined {
  const last = events.findLast(({ ref }) => ref === task)
  return last?.class === 'task' ? last.snapshot : undefined
}

/** For servers without event.from. */
async function poll(
  calls: TaskCalls,
  task: TaskRef,
  signal: AbortSignal,
  onPending: (record: TaskRecord) => void,
): Promise<TaskRecord> {
  for (let pauseMs = 100; ; pauseMs = Math.min(2000, pauseMs * 1.5)) {
    const record = await readTask(calls, task, signal)
    if (isOver(record)) return record
    onPending(record)
    await pause(pauseMs, signal)
  }
}

async function readTask(calls: TaskCalls, task: TaskRef, signal: AbortSignal): Promise<TaskRecord> {
  try {
    return await calls.task.get_record(task, { signal })
  } catch (cause) {
    if (!isFailure(cause, 'HANDLE_INVALID')) throw cause
    throw new XenApiError(
      'XENAPI_TASK',
      'the task vanished before its outcome was read, as happens in busy pools and when a host restarts: check the object it worked on',
      { cause },
    )
  }
}

const isOver = ({ status }: TaskRecord): boolean =>
  status === 'success' || status === 'failure' || status === 'cancelled'

/** The value in a task's result. xapi leaves it empty for void, and for HTTP handlers without a value. */
export function decodeTaskResult(type: ApiType, result: string): unknown {
  if (type.kind === 'void') return undefined
  return decodeTyped(
    type,
    result.trimStart().startsWith('<') ? decodeXmlValue(result) : result,
    'answer',
    "the task's result",
  )
}

/** Milliseconds for calls that tidy up; they must not hold up the error that is on its way. */
const TIDY_TIMEOUT_MS = 15_000

/** Asks the server to stop a task. What became of it is not waited for, and a task that cannot be cancelled ends by itself. */
export const cancelTask = ({ task: calls }: TaskCalls, task: TaskRef): Promise<void> =>
  tidy((options) => calls.cancel(task, options))

/** Ends a task of our own that nobody works on. A server that is too old to be told leaves it to its collector. */
export const abandonTask = ({ task: calls }: TaskCalls, task: TaskRef): Promise<void> =>
  tidy((options) => calls.set_status(task, 'cancelled', options))

/** Removes a task. One that is gone or cannot be removed is left to the server, which collects them within the hour. */
export const dropTask = ({ task: calls }: TaskCalls, task: TaskRef): Promise<void> =>
  tidy((options) => calls.destroy(task, options))

/** A pool that is away is not waited for. */
async function tidy(call: (options: CallOptions) => Promise<unknown>): Promise<void> {
  const signal = AbortSignal.timeout(TIDY_TIMEOUT_MS)
  try {
    await call({ signal, patienceMs: 0 })
  } catch (error) {
    if (!(error instanceof XenApiError) && error !== signal.reason) throw error
  }
}
