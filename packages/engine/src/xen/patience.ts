import { isFailure } from '@tidemark/xenapi'
import type { Clock } from '../clock.ts'
import { EngineError } from '../error.ts'

/** How long to try: the control domain's VBD goes some seconds after the NBD connection does (xapi waits 4 s itself). */
export interface Patience {
  readonly tries: number
  readonly pauseMs: number
}

export const patienceDefaults: Patience = { tries: 12, pauseMs: 5000 }

/** Codes by which a pool says "not now". */
const BUSY = new Set(['VDI_IN_USE', 'OTHER_OPERATION_IN_PROGRESS', 'TOO_MANY_PENDING_TASKS'])

/** Repeats a call while the pool says that the object is busy. @throws EngineError ENGINE_BUSY at the end of patience */
export async function whileBusy<Result>(
  what: string,
  clock: Clock,
  { tries, pauseMs }: Patience,
  call: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (cause) {
      if (!failedWith(cause, BUSY)) throw cause
      if (attempt === tries) {
        throw new EngineError(
          'ENGINE_BUSY',
          `${what} is still in use after ${tries} tries; run the backup again later`,
          {
            cause,
          },
        )
      }
      await clock.sleep(pauseMs, signal)
    }
  }
}

/** Whether the pool answered with one of these codes. */
export const failedWith = (error: unknown, codes: ReadonlySet<string>): boolean =>
  [...codes].some((code) => isFailure(error, code))
