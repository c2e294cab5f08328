import type { HostRef } from '@tidemark/xenapi'
import { failure } from '../calls/failure.ts'
import type { Handlers } from '../calls/call.ts'
import { theHost, thePool, type Pool } from '../pool.ts'
import { isLive } from './placement.ts'

export const poolHandlers: Handlers = {
  'pool.designate_new_master': ({ pool }, host: HostRef) => {
    if (!isLive(pool, host)) failure('HOST_OFFLINE', host)
    appointCoordinator(pool, host)
  },
}

/**
 * Makes another host the coordinator. Logins and tasks do not survive it: they were known to the old one's toolstack.
 * xapi: xapi_pool_transition.ml
 */
export function appointCoordinator(pool: Pool, host: HostRef): void {
  const { db } = pool
  db.get('host', host)
  if (host === theHost(pool)) return
  const [ref] = thePool(pool)
  db.change((draft) => {
    draft.update('pool', ref, { master: host })
    for (const [session] of db.all('session')) draft.remove('session', session)
    for (const [task] of db.all('task')) draft.remove('task', task)
  })
}
