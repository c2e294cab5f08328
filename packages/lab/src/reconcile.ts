import { bytes } from '@tidemark/blocks'
import type { VdiRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Fields } from './database/tables.ts'
import type { Database } from './database/database.ts'
import type { Storage } from './storage/index.ts'

/**
 * Makes objects and storage agree after a process was killed between the two. The storage is changed before the record,
 * except by data_destroy: so a disk without record is an unfinished creation, and a record without disk an unfinished
 * removal.
 */
export async function reconcile(db: Database, storage: Storage): Promise<void> {
  const known = new Set(db.all('VDI').map(([, { uuid }]) => uuid))
  for (const id of storage.list()) if (!known.has(id)) await storage.destroy(id)
  for (const [vdi, { uuid, type, VBDs, snapshot_of }] of db.all('VDI')) {
    if (type === 'cbt_metadata' && storage.has(uuid) && storage.hasData(uuid)) {
      if (VBDs.length === 0) await storage.dataDestroy(uuid)
      // it still waited for them: its data are those of the disk, and so is its type
      else db.update('VDI', vdi, { type: db.find('VDI', snapshot_of)?.type ?? 'user' })
    }
  }
  db.change((draft) => {
    for (const [vdi, record] of db.all('VDI')) {
      if (storage.has(record.uuid)) {
        const actual = actualFields(storage, record.uuid)
        if (record.cbt_enabled !== actual.cbt_enabled || record.virtual_size !== actual.virtual_size) {
          draft.update('VDI', vdi, actual)
        }
        continue
      }
      for (const vbd of record.VBDs) draft.remove('VBD', vbd)
      for (const [vm, { suspend_VDI }] of db.all('VM')) {
        if (suspend_VDI === vdi) draft.update('VM', vm, { suspend_VDI: NULL_REF as VdiRef })
      }
      draft.remove('VDI', vdi)
    }
  })
}

const actualFields = (storage: Storage, uuid: string): Fields<'VDI'> => ({
  cbt_enabled: storage.isTracked(uuid),
  virtual_size: bytes(storage.sizeOf(uuid)),
})
