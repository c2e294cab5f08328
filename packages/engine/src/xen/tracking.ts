import { XenApiError, type Session } from '@tidemark/xenapi'

/** Whether a pool as a whole lets changed blocks be tracked, whatever its storage can. */
export type PoolTracking =
  | { readonly state: 'possible' }
  /** The release is older than the calls, and has no NBD server either. */
  | { readonly state: 'unknown'; readonly detail: string }
  /** The licence keeps it from being switched on. Where it is on, it goes on. */
  | { readonly state: 'forbidden'; readonly detail: string }

/** They came together, with XenServer 7.3. */
const CALLS = ['VDI.enable_cbt', 'VDI.list_changed_blocks', 'VDI.data_destroy', 'VDI.get_nbd_info']

export async function poolTracking(session: Session, signal?: AbortSignal): Promise<PoolTracking> {
  const known = await knownCalls(session, signal)
  const missing = CALLS.filter((call) => known !== undefined && !known.has(call))
  if (missing.length > 0)
    return { state: 'unknown', detail: `the pool is too old: it does not know ${missing.join(', ')}` }
  const pools = Object.values(await session.pool.get_all_records({ signal }))
  const isForbidden = pools.some(({ restrictions }) => restrictions['restrict_cbt'] === 'true')
  if (isForbidden) return { state: 'forbidden', detail: "the pool's licence does not include it (restrict_cbt)" }
  return { state: 'possible' }
}

/** undefined where a pool does not tell: then the calls themselves will. */
async function knownCalls(
  session: Session,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<unknown> | undefined> {
  try {
    const names = await session.call('system.listMethods', [], signal)
    return Array.isArray(names) ? new Set(names) : undefined
  } catch (error) {
    if (error instanceof XenApiError && error.failure !== undefined) return undefined
    throw error
  }
}
