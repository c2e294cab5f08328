import type { HostRef, SrRef, StorageOperations } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import { createSr, destroySr, forgetSr, introduceSr } from './sr-life.ts'
import { supports } from './sr-driver.ts'
import { driverFeatures, srRefusal } from './sr-operation.ts'

export const srHandlers: Handlers = {
  'SR.scan': (call, sr: SrRef) => scan(call, sr, 'scan'),
  'SR.update': (call, sr: SrRef) => scan(call, sr, 'update'),
  'SR.create': createSr,
  'SR.introduce': introduceSr,
  'SR.forget': forgetSr,
  'SR.destroy': destroySr,
  'SR.get_supported_types': ({ pool: { db } }) => db.all('SM').map(([, { type }]) => type),
}

/** Whether the SR's driver tracks changed blocks. */
export const canTrack = ({ db }: Pool, sr: SrRef): boolean =>
  supports(driverFeatures(db, db.get('SR', sr).type), 'vdi_enable_cbt')

/** Whether a host has the SR plugged. */
export const seesStorage = ({ db }: Pool, host: HostRef, sr: SrRef): boolean =>
  db.get('SR', sr).PBDs.some((pbd) => {
    const connection = db.get('PBD', pbd)
    return connection.host === host && connection.currently_attached
  })

/** Refuses the work when no host has the SR plugged. */
export function assertAttached({ db }: Pool, sr: SrRef): void {
  const { PBDs } = db.get('SR', sr)
  if (PBDs.length === 0) failure('SR_HAS_NO_PBDS', sr)
  if (!PBDs.some((pbd) => db.get('PBD', pbd).currently_attached)) failure('SR_NOT_ATTACHED', sr)
}

async function scan(call: Call, sr: SrRef, operation: StorageOperations): Promise<void> {
  assertAttached(call.pool, sr)
  await onStorage(call, sr, operation, () => refreshUsage(call.pool, sr))
}

/** Brings up to date what an SR and its disks occupy. */
async function refreshUsage({ db, storage }: Pool, sr: SrRef): Promise<void> {
  const disks = db.all('VDI').filter(([, vdi]) => vdi.SR === sr && storage.has(vdi.uuid))
  const used = await Promise.all(disks.map(([, { uuid }]) => storage.physicalUtilisation(uuid)))
  const total = await storage.usedSpace(disks.flatMap(([, { uuid }]) => (storage.has(uuid) ? [uuid] : [])))
  db.change((draft) => {
    for (const [index, [ref, { physical_utilisation }]] of disks.entries()) {
      const now = used[index] ?? 0
      if (now !== physical_utilisation && db.find('VDI', ref) !== undefined) {
        draft.update('VDI', ref, { physical_utilisation: now })
      }
    }
    draft.update('SR', sr, { physical_utilisation: total })
  })
}

/**
 * Runs one operation of the storage. On one SR any of them excludes the others, and while it runs it shows in
 * current_operations. contract/xenapi.md §1.6
 */
export async function onStorage<Result>(
  call: Call,
  sr: SrRef,
  operation: StorageOperations,
  work: () => Promise<Result>,
): Promise<Result> {
  const { db, operations } = call.pool
  return operations.during(
    call,
    [{ class: 'SR', ref: sr, operation, refusal: () => srRefusal(db, sr, operation) }],
    work,
  )
}
