import type { PbdConstructor, PbdRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'

/** The connections between hosts and storage. */
export const pbdHandlers: Handlers = {
  'PBD.create': createPbd,
  'PBD.destroy': destroyPbd,
  'PBD.plug': ({ pool: { db } }, pbd: PbdRef) => db.update('PBD', pbd, { currently_attached: true }),
  'PBD.unplug': unplugPbd,
}

function createPbd({ pool: { db } }: Call, given: PbdConstructor): PbdRef {
  const { host, SR } = given
  db.get('host', host)
  const existing = db.get('SR', SR).PBDs.find((pbd) => db.get('PBD', pbd).host === host)
  if (existing !== undefined) failure('PBD_EXISTS', SR, host, existing)
  return db.insert('PBD', { ...given, currently_attached: false })
}

function destroyPbd({ pool: { db } }: Call, pbd: PbdRef): void {
  if (db.get('PBD', pbd).currently_attached) failure('OPERATION_NOT_ALLOWED', 'PBD is currently attached')
  db.remove('PBD', pbd)
}

/** Refused while a VM of the host, or the host itself, uses a disk of the SR. */
function unplugPbd({ pool: { db } }: Call, pbd: PbdRef): void {
  const { SR, host } = db.get('PBD', pbd)
  const inUse = db
    .all('VBD')
    .find(
      ([, vbd]) =>
        vbd.currently_attached && db.find('VDI', vbd.VDI)?.SR === SR && db.find('VM', vbd.VM)?.resident_on === host,
    )
  if (inUse !== undefined) failure('VDI_IN_USE', inUse[1].VDI, 'unplug')
  db.update('PBD', pbd, { currently_attached: false })
}
