import type { NetworkConstructor, NetworkPurpose, NetworkRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'

export const networkHandlers: Handlers = {
  'network.create': createNetwork,
  'network.destroy': destroyNetwork,
  'network.add_purpose': addPurpose,
  'network.remove_purpose': ({ pool: { db } }, network: NetworkRef, purpose: NetworkPurpose) => {
    const { purpose: purposes } = db.get('network', network)
    db.update('network', network, { purpose: purposes.filter((each) => each !== purpose) })
  },
}

/** A network inside the hosts; without a name for its bridge it gets the first free one. xapi: xapi_network.ml */
function createNetwork({ pool: { db } }: Call, given: NetworkConstructor): NetworkRef {
  const taken = new Set(db.all('network').map(([, { bridge }]) => bridge))
  const { bridge = '', MTU = 1500 } = given
  if (bridge.length > 15) failure('INVALID_VALUE', 'bridge', bridge)
  if (taken.has(bridge)) failure('BRIDGE_NAME_EXISTS', bridge)
  let number = 0
  while (taken.has(`xapi${number}`)) number++
  return db.insert('network', {
    ...given,
    bridge: bridge === '' ? `xapi${number}` : bridge,
    MTU: MTU <= 0 ? 1500 : MTU,
    managed: given.managed ?? true,
  })
}

/** Cards that nobody uses go with their network. */
function destroyNetwork({ pool: { db } }: Call, network: NetworkRef): void {
  const { VIFs, PIFs } = db.get('network', network)
  const connected = VIFs.filter((vif) => db.get('VIF', vif).currently_attached)
  if (connected.length > 0) failure('NETWORK_CONTAINS_VIF', ...connected)
  if (PIFs.length > 0) failure('NETWORK_CONTAINS_PIF', ...PIFs)
  db.change((draft) => {
    for (const vif of VIFs) draft.remove('VIF', vif)
    draft.remove('network', network)
  })
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
