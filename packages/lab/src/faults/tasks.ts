import { once } from 'node:events'
import { apiFailure } from '../calls/failure.ts'
import type { RunningTask } from '../calls/tasks.ts'
import type { Pool } from '../pool.ts'
import type { Fired } from './planned.ts'
import { pause } from './wait.ts'

/** What an Async call does. @param signal in place of the one by which clients cancel it */
export type Work<Result> = (signal?: AbortSignal) => Promise<Result>

/** The work of an Async call that goes wrong. @throws XenApiError what the plan says */
export async function spoilTask<Result>(
  pool: Pool,
  { action }: Fired<'task'>,
  task: RunningTask,
  work: Work<Result>,
): Promise<Result> {
  if (action.action === 'stall' && action.ms !== undefined) return late(pool, { ...action, ms: action.ms }, work)
  if (action.work === 'done') await work()
  switch (action.action) {
    case 'fail': {
      const [code = 'INTERNAL_ERROR', ...params] = action.failure
      throw apiFailure(code, ...params)
    }
    case 'vanish':
      pool.tasks.drop(task.ref)
      throw apiFailure('HANDLE_INVALID', 'task', task.ref) // nobody will read it
    case 'stall':
      return abortion(AbortSignal.any([task.signal, pool.closing]))
    default:
      return action satisfies never
  }
}

/** Storage that hangs for a while asks nobody whether its task is still wanted. */
async function late<Result>(
  { closing }: Pool,
  { work: state, ms }: { readonly work: 'done' | 'skipped'; readonly ms: number },
  work: Work<Result>,
): Promise<Result> {
  const begun = state === 'done' ? work() : undefined
  await begun
  await pause(ms, closing)
  return begun ?? work(closing)
}

/** A task that never ends can still be cancelled. @throws the signal's reason */
async function abortion(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}
