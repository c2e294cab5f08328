import type { Login } from './enter.ts'
import { XenApiError } from './error.ts'
import { isFailure } from './failure.ts'
import { hostAt } from './members.ts'

/** Codes of a host that is up but does not serve yet: it boots, or waits for its coordinator. */
const NOT_SERVING = ['HOST_STILL_BOOTING', 'HOST_MASTER_CANNOT_TALK_BACK', 'HOST_HAS_NO_MANAGEMENT_IP']

/** The address of the coordinator, when this is how a member of a pool answers. */
export const coordinatorIn = (error: unknown): string | undefined =>
  error instanceof XenApiError && isFailure(error, 'HOST_IS_SLAVE') ? error.failure?.[1] : undefined

/** True for the answer of a host that does not serve its pool, now or at all: whatever it was asked has not happened. */
export const isNotServing = (error: unknown): boolean =>
  coordinatorIn(error) !== undefined || NOT_SERVING.some((code) => isFailure(error, code))

/** True when asking this pool again, or another host of it, may help. */
export const isOutage = (error: unknown): boolean => isSilence(error) || isNotServing(error)

/**
 * One round through the hosts that may be the coordinator, each asked once at most: a member names it, and it is asked next.
 * @throws XenApiError what kept us out: the pool's own word before silence
 */
export async function findCoordinator(hosts: readonly URL[], ask: (origin: URL) => Promise<Login>): Promise<Login> {
  const waiting = [...hosts]
  const asked = new Set<string>()
  const namedBy = new Map<string, URL>()
  let failure: unknown
  for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
    if (asked.has(host.host)) continue
    asked.add(host.host)
    try {
      return await ask(host)
    } catch (error) {
      const said = isCertificate(error) ? mistrusted(host, namedBy.get(host.host), error) : error
      if (!isCertificate(said) && !isOutage(said)) throw said
      if (failure === undefined || !isSilence(said)) failure = said
      const address = coordinatorIn(said)
      if (address === undefined) continue
      const coordinator = hostAt(address, host)
      namedBy.set(coordinator.host, host)
      waiting.unshift(coordinator)
    }
  }
  throw failure
}

const isCertificate = (error: unknown): error is XenApiError =>
  error instanceof XenApiError && error.code === 'XENAPI_CERTIFICATE'

/** Nobody serves the pool there now: no answer, or that of something in between. */
const isSilence = (error: unknown): boolean =>
  error instanceof XenApiError &&
  (error.code === 'XENAPI_UNREACHABLE' || error.code === 'XENAPI_TIMEOUT' || isGatewayError(error))

/** The word of a proxy or of a host that is not ready, in place of an answer: 502 bad gateway, 503 unavailable, 504 timeout. */
export const isGatewayError = ({ status }: XenApiError): boolean =>
  status !== undefined && status >= 502 && status <= 504

function mistrusted(host: URL, member: URL | undefined, cause: XenApiError): XenApiError {
  if (member === undefined) return cause
  return new XenApiError(
    'XENAPI_CERTIFICATE',
    `${member.host} is only a member of its pool. The pool's coordinator is ${host.host}, and each host has a certificate of its own: ` +
      `add the pool by its coordinator, with that host's fingerprint. (${cause.message})`,
    { cause },
  )
}
