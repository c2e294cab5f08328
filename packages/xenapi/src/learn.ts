import { X509Certificate } from 'node:crypto'
import { XenApiError } from './error.ts'
import type { ApiCalls, HostRef } from './generated/types.ts'
import type { Keeper } from './keeper.ts'
import { hostAt } from './members.ts'
import { fingerprintOf, type PoolMember } from './trust.ts'

/** The longest wait for a host's certificate: the coordinator asks the host, which may be down. */
const CERTIFICATE_TIMEOUT_MS = 30_000

/**
 * Asks the coordinator for the hosts of its pool and remembers them. The certificate of each comes over the connection that is
 * trusted already, so that pinning it is safe. A host that cannot show one now is left out.
 * @throws XenApiError
 */
export async function learnMembers(
  { login, members }: Keeper,
  { host }: Pick<ApiCalls, 'host'>,
  signal: AbortSignal | undefined,
): Promise<readonly PoolMember[]> {
  const isPlain = members.trustOf(login.origin).kind === 'plain'
  const records = Object.entries(await host.get_all_records({ signal }))
  const found = await Promise.all(
    records.map(async ([ref, { address }]): Promise<PoolMember[]> => {
      if (address === '') return []
      const url = hostAt(address, login.origin).origin
      if (isPlain) return [{ url, trust: { kind: 'plain' } }]
      const sha256 = await fingerprintShownBy(host, ref as HostRef, signal)
      return sha256 === undefined ? [] : [{ url, trust: { kind: 'fingerprint', sha256 } }]
    }),
  )
  for (const member of found.flat()) members.add(member)
  return found.flat()
}

/** Learns how a host proves itself if that is not known yet. A pool that does not tell leaves it to prove itself as the first does. */
export async function learnHost(
  keeper: Keeper,
  calls: Pick<ApiCalls, 'host'>,
  target: URL,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { members } = keeper
  if (members.knows(target) || members.trustOf(target).kind === 'plain') return
  try {
    await learnMembers(keeper, calls, signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof XenApiError)) throw error
  }
}

async function fingerprintShownBy(
  host: ApiCalls['host'],
  ref: HostRef,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const limits = { timeoutMs: CERTIFICATE_TIMEOUT_MS, patienceMs: 0 }
    const pem = await host.get_server_certificate(ref, { signal, ...limits })
    return fingerprintOf(new X509Certificate(pem).raw)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof XenApiError || isNoCertificate(error)) return undefined
    throw error
  }
}

const isNoCertificate = (error: unknown): boolean => (error as { code?: string }).code?.startsWith('ERR_OSSL') === true
