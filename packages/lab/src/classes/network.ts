import type { NetworkPurpose, NetworkRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'

export const networkHandlers: Handlers = {
  'network.add_purpose': addPurpose,
  'network.remove_purpose': ({ pool: { db } }, network: NetworkRef, purpose: NetworkPurpose) => {
    const { purpose: purposes } = db.get('network', network)
    db.update('network', network, { purpose: purposes.filter((each) => each !== purpose) })
  },
}

/** TLS or no TLS, never both in one pool. */
function addPurpose({ pool }: Call, network: NetworkRef, purpose: NetworkPurpose): void {
  const { managed, purpose: purposes } = pool.db.get('network', network)
  if (!managed) failure('NETWORK_UNMANAGED', network)
  const other = [...purposesOf(pool)].find((each) => each !== purpose)
  if (other !== undefined) failure('NETWORK_INCOMPATIBLE_PURPOSES', purpose, other)
  if (!purposes.includes(purpose)) pool.db.update('network', network, { purpose: [...purposes, purpose] })
}

/** What the networks of the pool may be used for. */
export const purposesOf = ({ db }: Pick<Pool, 'db'>): ReadonlySet<NetworkPurpose> =>
  new Set(db.all('network').flatMap(([, { purpose }]) => purpose))
