import type { HostRef, SrRef, VmRef } from '@tidemark/xenapi'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import { seesStorage } from './sr.ts'

/** The hosts on which a VM could run, in the pool's order. */
export const possibleHosts = (pool: Pool, vm: VmRef): HostRef[] =>
  pool.db
    .all('host')
    .flatMap(([host]) => (isFit(pool, host) && missingStorage(pool, vm, host) === undefined ? [host] : []))

/** Where a VM starts: on the host it prefers, or on the first one possible. @throws XenApiError NO_HOSTS_AVAILABLE */
export function hostFor(pool: Pool, vm: VmRef): HostRef {
  const possible = possibleHosts(pool, vm)
  const { affinity } = pool.db.get('VM', vm)
  return possible.includes(affinity) ? affinity : (possible[0] ?? failure('NO_HOSTS_AVAILABLE'))
}

/** @throws XenApiError HOST_OFFLINE, HOST_DISABLED, VM_REQUIRES_SR */
export function assertCanRunOn(pool: Pool, vm: VmRef, host: HostRef): void {
  if (!isLive(pool, host)) failure('HOST_OFFLINE', host)
  if (!pool.db.get('host', host).enabled) failure('HOST_DISABLED', host)
  const missing = missingStorage(pool, vm, host)
  if (missing !== undefined) failure('VM_REQUIRES_SR', vm, missing)
}

export const isLive = ({ db }: Pool, host: HostRef): boolean =>
  db.get('host_metrics', db.get('host', host).metrics).live

const isFit = (pool: Pool, host: HostRef): boolean => pool.db.get('host', host).enabled && isLive(pool, host)

/** The first SR of the VM's disks that the host does not have plugged. */
function missingStorage(pool: Pool, vm: VmRef, host: HostRef): SrRef | undefined {
  const { db } = pool
  const disks = db.get('VM', vm).VBDs.map((vbd) => db.find('VDI', db.get('VBD', vbd).VDI))
  return disks.find((disk) => disk !== undefined && !seesStorage(pool, host, disk.SR))?.SR
}
