import type { StorageOperations, VbdRef, VdiOperations, VdiRecord, VdiRef } from '@tidemark/xenapi'
import { operationKey, type Call } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import { onStorage } from './sr.ts'

/**
 * Runs an operation on a disk: alone on its SR, and noted in current_operations of both while it runs. `work` gets the
 * record as it is when its turn has come.
 */
export function operateOnVdi<Result>(
  call: Call,
  vdi: VdiRef,
  [operation, srOperation]: readonly [VdiOperations, StorageOperations],
  work: (record: VdiRecord) => Promise<Result>,
): Promise<Result> {
  const { db } = call.pool
  return onStorage(call, db.get('VDI', vdi).SR, srOperation, async () => {
    const key = operationKey(call)
    const record = db.get('VDI', vdi)
    if (key === undefined) return work(record)
    db.update('VDI', vdi, { current_operations: { ...record.current_operations, [key]: operation } })
    try {
      return await work(record)
    } finally {
      const { [key]: _, ...rest } = db.find('VDI', vdi)?.current_operations ?? {}
      if (db.find('VDI', vdi) !== undefined) db.update('VDI', vdi, { current_operations: rest })
    }
  })
}

/** @throws XenApiError VDI_INCOMPATIBLE_TYPE when only the change log of the disk is left */
export function assertHasData({ db }: Pool, vdi: VdiRef): VdiRecord {
  const record = db.get('VDI', vdi)
  if (record.type === 'cbt_metadata') failure('VDI_INCOMPATIBLE_TYPE', vdi, record.type)
  return record
}

export function assertManaged({ db }: Pool, vdi: VdiRef): void {
  if (!db.get('VDI', vdi).managed) failure('VDI_NOT_MANAGED', vdi)
}

/** Through which somebody uses the disk right now. */
export const attachedVbds = ({ db }: Pool, vdi: VdiRef): readonly VbdRef[] =>
  db.get('VDI', vdi).VBDs.filter((vbd) => db.get('VBD', vbd).currently_attached)
