import type { HostRef, SessionRef, VdiRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import { alert } from '../classes/message.ts'
import { haltVm } from '../classes/vm-life.ts'
import { theHost, thePool, type Pool } from '../pool.ts'
import type { WorldAction } from './plan.ts'

const WORLD_ACTIONS = {
  'crash-host': true,
  'restart-host': true,
  'lose-sessions': true,
  'crash-sr': true,
  'break-tracking': true,
} as const satisfies Readonly<Record<WorldAction['action'], true>>

/** Whether an action of any point is one that befalls the pool itself. */
export const isWorldAction = (action: { readonly action: string }): action is WorldAction =>
  Object.hasOwn(WORLD_ACTIONS, action.action)

/** Lets something befall the pool. @throws XenApiError UUID_INVALID when the plan names what does not exist */
export async function befall(pool: Pool, action: WorldAction): Promise<void> {
  const { db, faults } = pool
  switch (action.action) {
    case 'crash-host':
      return crashHosts(pool, action.host === undefined ? undefined : db.byUuid('host', action.host))
    case 'restart-host':
      return faults.power.restart(action.host ?? db.get('host', theHost(pool)).uuid, action.downMs)
    case 'lose-sessions':
      return expireSessions(pool, 'all')
    case 'crash-sr': {
      const sr = action.sr === undefined ? thePool(pool)[1].default_SR : db.byUuid('SR', action.sr)
      for (const pbd of db.get('SR', sr).PBDs) db.update('PBD', pbd, { currently_attached: false })
      return
    }
    case 'break-tracking':
      return loseTracking(pool, db.byUuid('VDI', action.vdi))
    default:
      return action satisfies never
  }
}

/** Disks that a VM wrote to have logs that cannot be trusted; the storage notices at the next start. */
export async function crashHosts(pool: Pool, host: HostRef | undefined): Promise<void> {
  const { db } = pool
  const running = db
    .all('VM')
    .filter(([, vm]) => vm.power_state !== 'Halted' && vm.power_state !== 'Suspended' && !vm.is_control_domain)
    .filter(([, vm]) => host === undefined || vm.resident_on === host)
  const written = running.flatMap(([, { VBDs }]) => VBDs.map((vbd) => db.get('VBD', vbd).VDI))
  for (const [vm] of running) await haltVm(pool, vm)
  for (const vdi of written) if (vdi !== NULL_REF && db.get('VDI', vdi).cbt_enabled) await loseTracking(pool, vdi)
}

export async function loseTracking(pool: Pool, vdi: VdiRef): Promise<void> {
  const { db, storage } = pool
  const { uuid, is_a_snapshot } = db.get('VDI', vdi)
  await storage.breakTracking(uuid)
  db.update('VDI', vdi, { cbt_enabled: storage.isTracked(uuid) })
  if (is_a_snapshot) return
  const body = `The change log of ${uuid} was inconsistent: tracking is off.`
  alert(pool, { name: 'VDI_CBT_METADATA_INCONSISTENT', priority: 3, cls: 'VDI', uuid, body })
}

/** Ends one session, or all of them, as an expiry would. */
export function expireSessions({ db, sessions }: Pool, which: SessionRef | 'all'): void {
  const lost = which === 'all' ? db.all('session').map(([ref]) => ref) : [which]
  for (const session of lost) sessions.logout(session)
}
