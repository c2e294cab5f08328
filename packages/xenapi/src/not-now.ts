import { XenApiError } from './error.ts'
import { pause } from './pause.ts'

/** How long to wait before asking again, in milliseconds: `first`, doubled each time, up to `most`. */
interface Pauses {
  readonly first: number
  readonly most: number
}

const BUSY: Pauses = { first: 2000, most: 60_000 }
const AWAY: Pauses = { first: 5000, most: 30_000 }

/**
 * Codes by which a pool says "not now" before it begins: nothing has happened, and the same call may do later. A host that boots or
 * is no coordinator is another matter: then no call does, and the session looks for one that serves.
 */
const notNow = new Map<string, Pauses>(
  Object.entries({
    TOO_MANY_PENDING_TASKS: BUSY, // more than 100 calls queue inside the server
    OTHER_OPERATION_IN_PROGRESS: BUSY, // the server itself has waited up to two hours, or 120 s for what a transfer locks
    CANNOT_CONTACT_HOST: AWAY, // the coordinator passes calls on to hosts, which may restart
    HOST_NOT_LIVE: AWAY,
    HOST_OFFLINE: AWAY,
  }),
)

/**
 * The pause before a refused call is made again: pure, all it depends on comes in.
 * @param tries refusals of this call so far, this one included
 * @param random in [0, 1): many clients that were refused together must not come back together
 * @returns undefined when this code does not pass by waiting
 */
export function pauseAfter(code: string, tries: number, random: number): number | undefined {
  const pauses = notNow.get(code)
  if (pauses === undefined) return undefined
  const full = Math.min(pauses.most, pauses.first * 2 ** (tries - 1))
  return full * (0.5 + random / 2)
}

/**
 * Makes a call again while the pool says "not now", for `patienceMs` after its first refusal.
 * @throws what the call threw last; the signal's reason
 */
export async function patiently<Result>(
  call: () => Promise<Result>,
  patienceMs: number,
  signal: AbortSignal | undefined,
): Promise<Result> {
  let until: number | undefined
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      const code = error instanceof XenApiError ? error.failure?.[0] : undefined
      const pauseMs = code === undefined ? undefined : pauseAfter(code, tries, Math.random())
      const now = Date.now()
      until ??= now + patienceMs
      if (pauseMs === undefined || now >= until) throw error
      await pause(Math.min(pauseMs, until - now), signal)
    }
  }
}
