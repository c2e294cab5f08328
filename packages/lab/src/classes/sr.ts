import type { PbdRef, SrRef, StorageOperations } from '@tidemark/xenapi'
import { operationKey, type Call, type Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'

export const srHandlers: Handlers = {
  'SR.scan': scan,
  'SR.update': scan,
  'PBD.plug': ({ pool: { db } }, pbd: PbdRef) => db.update('PBD', pbd, { currently_attached: true }),
  'PBD.unplug': unplugPbd,
  'SR.get_supported_types': ({ pool: { db } }) => db.all('SM').map(([, { type }]) => type),
}

/** What a driver can do, the way SM.features says it. */
export const CBT_FEATURE = 'VDI_CONFIG_CBT'

const ALWAYS: readonly StorageOperations[] = [
  'scan',
  'update',
  'vdi_create',
  'vdi_destroy',
  'vdi_resize',
  'vdi_clone',
  'vdi_snapshot',
  'vdi_mirror',
]
const WITH_CBT: readonly StorageOperations[] = [
  'vdi_enable_cbt',
  'vdi_disable_cbt',
  'vdi_data_destroy',
  'vdi_list_changed_blocks',
]

export const allowedSrOperations = (tracking: boolean): readonly StorageOperations[] =>
  tracking ? [...ALWAYS, ...WITH_CBT] : ALWAYS

/** Whether the SR's driver tracks changed blocks. */
export function canTrack({ db }: Pool, sr: SrRef): boolean {
  const { type } = db.get('SR', sr)
  return db.all('SM').some(([, driver]) => driver.type === type && CBT_FEATURE in driver.features)
}

/** Refuses the work when no host has the SR plugged. */
export function assertAttached({ db }: Pool, sr: SrRef): void {
  const { PBDs } = db.get('SR', sr)
  if (PBDs.length === 0) failure('SR_HAS_NO_PBDS', sr)
  if (!PBDs.some((pbd) => db.get('PBD', pbd).currently_attached)) failure('SR_NOT_ATTACHED', sr)
}

function unplugPbd({ pool: { db } }: Call, pbd: PbdRef): void {
  const { SR } = db.get('PBD', pbd)
  const inUse = db.all('VBD').find(([, vbd]) => vbd.currently_attached && db.find('VDI', vbd.VDI)?.SR === SR)
  if (inUse !== undefined) failure('VDI_IN_USE', inUse[1].VDI, 'unplug')
  db.update('PBD', pbd, { currently_attached: false })
}

async function scan({ pool }: Call, sr: SrRef): Promise<void> {
  assertAttached(pool, sr)
  await pool.locks.exclusive([sr], () => refreshUsage(pool, sr))
}

/** Brings the sizes of an SR and its disks up to date. */
export async function refreshUsage({ db, storage }: Pool, sr: SrRef): Promise<void> {
  const disks = db.all('VDI').filter(([, vdi]) => vdi.SR === sr && storage.has(vdi.uuid))
  const used = await Promise.all(disks.map(([, { uuid }]) => storage.physicalUtilisation(uuid)))
  const total = await storage.usedSpace()
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
