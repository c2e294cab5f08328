import type { HostRef, SrRef } from '@tidemark/xenapi'
import type { Call } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Draft } from '../database/database.ts'
import type { Pool } from '../pool.ts'
import { drivers, isDriverType } from './sr-driver.ts'

type StringMap = Readonly<Record<string, string>>

/** The last parameters of both calls. */
type Description = readonly [
  name_label: string,
  name_description: string,
  type: string,
  content_type: string,
  shared: boolean,
  sm_config: StringMap,
]

/** A new SR with a connection to each host that can have it: to all of them, or to `host` alone. */
export function createSr(
  { pool }: Call,
  host: HostRef,
  device_config: StringMap,
  physical_size: number,
  ...description: Description
): SrRef {
  const { db, options } = pool
  db.get('host', host)
  return db.change((draft) => {
    const given = described(description)
    const sr = insertSr(pool, draft, given)
    draft.update('SR', sr, { physical_size: physical_size === 0 ? options.storageSize : physical_size })
    for (const [each] of db.all('host')) {
      if (given.shared || each === host)
        draft.insert('PBD', { host: each, SR: sr, device_config, currently_attached: true })
    }
    return sr
  })
}

/** Makes an SR known that exists somewhere; its connections are made by PBD.create and PBD.plug. */
export function introduceSr({ pool }: Call, uuid: string, ...description: Description): SrRef {
  const { db } = pool
  if (uuid !== '' && db.findByUuid('SR', uuid) !== undefined) failure('SR_UUID_EXISTS', uuid)
  return db.change((draft) => insertSr(pool, draft, { uuid, ...described(description) }))
}

interface NewSr {
  readonly uuid?: string
  readonly name_label: string
  readonly name_description: string
  readonly type: string
  readonly content_type: string
  readonly shared: boolean
  readonly sm_config: StringMap
}

const described = ([name_label, name_description, type, content_type, shared, sm_config]: Description): NewSr => ({
  name_label,
  name_description,
  type,
  content_type,
  shared,
  sm_config,
})

function insertSr({ db }: Pool, draft: Draft, given: NewSr): SrRef {
  const type = given.type.toLowerCase()
  const driver = db.all('SM').find(([, each]) => each.type === type)?.[1]
  if (driver === undefined || !isDriverType(type)) return failure('SR_UNKNOWN_DRIVER', given.type)
  const content_type = given.content_type === '' ? drivers[type].content : given.content_type
  return draft.insert('SR', { ...given, type, content_type })
}

/** Takes an SR out of the pool, and with it the records of its disks. Their data stay where they are on a real pool. */
export function forgetSr(call: Call, sr: SrRef): Promise<void> {
  assertUnplugged(call.pool, sr)
  return removeSr(call.pool, sr)
}

/** Removes an SR with its disks. */
export function destroySr(call: Call, sr: SrRef): Promise<void> {
  assertUnplugged(call.pool, sr)
  const { VDIs } = call.pool.db.get('SR', sr)
  if (VDIs.length > 0) failure('SR_NOT_EMPTY')
  return removeSr(call.pool, sr)
}

function assertUnplugged({ db }: Pool, sr: SrRef): void {
  if (db.get('SR', sr).PBDs.some((pbd) => db.get('PBD', pbd).currently_attached)) failure('SR_HAS_PBD', sr)
}

async function removeSr({ db, storage, guests }: Pool, sr: SrRef): Promise<void> {
  for (const vdi of db.get('SR', sr).VDIs) {
    const { uuid } = db.get('VDI', vdi)
    await guests.close(uuid)
    if (storage.has(uuid)) await storage.destroy(uuid)
  }
  db.change((draft) => {
    const { VDIs, PBDs } = db.get('SR', sr)
    for (const vdi of VDIs) {
      for (const vbd of db.get('VDI', vdi).VBDs) draft.remove('VBD', vbd)
      draft.remove('VDI', vdi)
    }
    for (const pbd of PBDs) draft.remove('PBD', pbd)
    draft.remove('SR', sr)
  })
}
