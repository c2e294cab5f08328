import type { HostRef, SmRecord, SrRef, StorageOperations } from '@tidemark/xenapi'
import { operationKey, type Call, type Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import { createSr, destroySr, forgetSr, introduceSr } from './sr-life.ts'
import { supports } from './sr-driver.ts'

export const srHandlers: Handlers = {
  'SR.scan': scan,
  'SR.update': scan,
  'SR.create': createSr,
  'SR.introduce': introduceSr,
  'SR.forget': forgetSr,
  'SR.destroy': destroySr,
  'SR.get_supported_types': ({ pool: { db } }) => db.all('SM').map(([, { type }]) => type),
}

/** What the SR's driver can do, as SM.features says it. */
function featuresOf({ db }: Pool, sr: SrRef): SmRecord['features'] {
  const { type } = db.get('SR', sr)
  return db.all('SM').find(([, driver]) => driver.type === type)?.[1].features ?? {}
}

/** Whether the SR's driver tracks changed blocks. */
export const canTrack = (pool: Pool, sr: SrRef): boolean => supports(featuresOf(pool, sr), 'vdi_enable_cbt')

/** @throws XenApiError SR_OPERATION_NOT_SUPPORTED */
function assertSupports(pool: Pool, sr: SrRef, operation: StorageOperations): void {
  if (!supports(featuresOf(pool, sr), operation)) failure('SR_OPERATION_NOT_SUPPORTED', sr)
}

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

async function scan({ pool }: Call, sr: SrRef): Promise<void> {
  assertAttached(pool, sr)
  await pool.locks.exclusive([sr], () => refreshUsage(pool, sr))
}

/** Brings the sizes of an SR and its disks up to date. */
export async function refreshUsage({ db, storage }: Pool, sr: SrRef): Promise<void> {
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
    const virtual = disks.reduce((sum, [, { virtual_size }]) => sum + virtual_size, 0)
    draft.update('SR', sr, { physical_utilisation: total, virtual_allocation: virtual })
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
  const { db, locks } = call.pool
  assertSupports(call.pool, sr, operation)
  return locks.exclusive([sr], async () => {
    call.signal.throwIfAborted()
    const key = operationKey(call)
    if (key === undefined) return work()
    const before = db.get('SR', sr).current_operations
    db.update('SR', sr, { current_operations: { ...before, [key]: operation } })
    try {
      return await work()
    } finally {
      const { [key]: _, ...rest } = db.get('SR', sr).current_operations
      db.update('SR', sr, { current_operations: rest })
    }
  })
}
