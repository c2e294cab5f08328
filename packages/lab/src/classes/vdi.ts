import { bytes } from '@tidemark/blocks'
import type { OnBoot, SrRef, VdiConstructor, VdiRecord, VdiRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import { newRecord } from '../database/record.ts'
import type { Fields } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { assertAttached, onStorage } from './sr.ts'
import { assertHasData, assertManaged, operateOnVdi } from './vdi-operation.ts'

export const vdiHandlers: Handlers = {
  'VDI.create': createVdi,
  'VDI.destroy': destroyVdi,
  'VDI.snapshot': (call, vdi: VdiRef) => snapshotVdi(call, vdi),
  'VDI.clone': (call, vdi: VdiRef) => cloneVdi(call, vdi),
  'VDI.revert': revertVdi,
  'VDI.resize': (call, vdi: VdiRef, size: number) => resizeVdi(call, vdi, 'resize', size),
  'VDI.resize_online': (call, vdi: VdiRef, size: number) => resizeVdi(call, vdi, 'resize_online', size),
  'VDI.update': updateVdi,
  'VDI.forget': forgetVdi,
  'VDI.introduce': (call, ...[uuid, , , SR, , , , , location]: Introduced) =>
    introduceVdi(call, { uuid, SR, location }),
  'VDI.set_on_boot': setOnBoot,
  'VDI.pool_migrate': poolMigrate,
}

/** The parameters of VDI.introduce. */
type Introduced = [
  uuid: string,
  name_label: string,
  name_description: string,
  SR: SrRef,
  type: string,
  sharable: boolean,
  read_only: boolean,
  other_config: object,
  location: string,
  ...unknown[],
]

/** The size is rounded up to the driver's grain: the record tells the truth. */
export async function createVdi(call: Call, given: VdiConstructor): Promise<VdiRef> {
  const { pool } = call
  const { storage, options } = pool
  if (given.type === 'cbt_metadata') failure('VDI_INCOMPATIBLE_TYPE', NULL_REF, given.type)
  assertAttached(pool, given.SR)
  if (given.virtual_size < 0) failure('INVALID_VALUE', 'virtual_size', String(given.virtual_size))
  const size = roundedSize(pool, given.virtual_size)
  return onStorage(call, given.SR, 'vdi_create', async () => {
    assertRoom(pool, given.SR, size)
    const uuid = options.random.uuid()
    await storage.create(uuid, bytes(size))
    return insertVdi(pool, { ...given, uuid, virtual_size: size })
  })
}

/** The driver's grain at least. */
const roundedSize = ({ options }: Pool, size: number): number =>
  Math.max(1, Math.ceil(size / options.diskGrain)) * options.diskGrain

/** These drivers take the whole size of a disk at once; the others only what is written. */
const THICK: ReadonlySet<string> = new Set(['lvm', 'lvmoiscsi', 'lvmohba', 'iscsi'])

/** @throws XenApiError SR_FULL `[requested, maximum]` in bytes, for a disk that grows from `before` to `size` */
function assertRoom({ db }: Pool, sr: SrRef, size: number, before = 0): void {
  const { type, physical_size, virtual_allocation, physical_utilisation } = db.get('SR', sr)
  const room = THICK.has(type) ? physical_size - virtual_allocation + before : physical_size
  if (size > room) failure('SR_FULL', String(size), String(Math.max(0, room)))
  if (size > before && physical_utilisation >= physical_size) failure('SR_FULL', String(size), '0')
}

/** The record of a disk that the storage has by now. */
function insertVdi({ db }: Pool, fields: Fields<'VDI'> & { uuid: string }): VdiRef {
  const record = { managed: true, location: fields.uuid, ...fields }
  return db.insert('VDI', newRecord('VDI', record))
}

export async function destroyVdi(call: Call, vdi: VdiRef): Promise<void> {
  await operateOnVdi(call, vdi, ['destroy', 'vdi_destroy'], async ({ SR }) => {
    assertAttached(call.pool, SR)
    assertManaged(call.pool, vdi)
    await removeVdi(call.pool, vdi)
  })
}

/** The disk goes, then its record, with the drives that had it and the memory of whom it was. */
async function removeVdi({ db, storage }: Pool, vdi: VdiRef): Promise<void> {
  const { uuid } = db.get('VDI', vdi)
  if (storage.has(uuid)) await storage.destroy(uuid)
  db.change((draft) => {
    for (const vbd of db.get('VDI', vdi).VBDs) draft.remove('VBD', vbd)
    for (const [vm, { suspend_VDI }] of db.all('VM')) {
      if (suspend_VDI === vdi) draft.update('VM', vm, { suspend_VDI: NULL_REF as VdiRef })
    }
    draft.remove('VDI', vdi)
  })
}

/** The snapshot is one more disk, frozen; where changes are tracked, it takes the log with it. */
export function snapshotVdi(call: Call, vdi: VdiRef): Promise<VdiRef> {
  const { pool } = call
  const { db, storage, options } = pool
  return operateOnVdi(call, vdi, ['snapshot', 'vdi_snapshot'], async (source) => {
    assertAttached(pool, source.SR)
    assertManaged(pool, vdi)
    const uuid = options.random.uuid()
    await storage.snapshot(source.uuid, uuid)
    const { name_label, name_description, SR, type, sharable, virtual_size } = source
    return insertVdi(pool, {
      uuid,
      name_label,
      name_description,
      SR,
      type,
      sharable,
      virtual_size,
      xenstore_data: source.xenstore_data,
      tags: source.tags,
      on_boot: source.on_boot,
      allow_caching: source.allow_caching,
      other_config: {
        ...source.other_config,
        content_id: options.random.uuid(),
      },
      is_a_snapshot: true,
      snapshot_of: vdi,
      snapshot_time: laterThan(
        options.clock.now(),
        source.snapshots.map((each) => db.find('VDI', each)?.snapshot_time),
      ),
      cbt_enabled: storage.isTracked(uuid),
    })
  })
}

/** A whole second after every earlier snapshot of the same thing: clients sort by it. contract/xenapi.md §3.8 */
export function laterThan(now: Date, earlier: readonly (Date | undefined)[]): Date {
  const second = Math.floor(now.getTime() / 1000) * 1000
  return new Date(Math.max(second, ...earlier.map((date) => (date?.getTime() ?? 0) + 1000)))
}

/** A writable copy that shares what is equal. Its changes are not tracked. */
export function cloneVdi(call: Call, vdi: VdiRef): Promise<VdiRef> {
  const { pool } = call
  return operateOnVdi(call, vdi, ['clone', 'vdi_clone'], async (source) => {
    assertAttached(pool, source.SR)
    assertManaged(pool, vdi)
    const uuid = pool.options.random.uuid()
    await pool.storage.clone(source.uuid, uuid)
    return insertVdi(pool, copiedFields(source, uuid))
  })
}

/** What a copy of a disk has of its original. */
export function copiedFields(source: VdiRecord, uuid: string): Fields<'VDI'> & { uuid: string } {
  const { name_label, name_description, SR, type, sharable, read_only, virtual_size } = source
  const { xenstore_data, other_config, tags } = source
  return {
    uuid,
    name_label,
    name_description,
    SR,
    type,
    sharable,
    read_only,
    virtual_size,
    xenstore_data,
    other_config,
    tags,
  }
}

async function resizeVdi(call: Call, vdi: VdiRef, operation: 'resize' | 'resize_online', size: number): Promise<void> {
  const { pool } = call
  const { db, storage } = pool
  await operateOnVdi(call, vdi, [operation, 'vdi_resize'], async ({ uuid, is_a_snapshot, SR, virtual_size }) => {
    assertManaged(pool, vdi)
    assertAttached(pool, SR)
    if (is_a_snapshot) failure('OPERATION_NOT_ALLOWED', `VDI is a snapshot: ${vdi}`)
    const rounded = roundedSize(pool, size)
    assertRoom(pool, SR, rounded, virtual_size)
    await storage.resize(uuid, bytes(rounded))
    db.update('VDI', vdi, { virtual_size: rounded })
  })
}

/** Only the record says that a disk of a driver like ours exists: forgotten, it is gone. */
async function forgetVdi(call: Call, vdi: VdiRef): Promise<void> {
  await operateOnVdi(call, vdi, ['forget'], () => removeVdi(call.pool, vdi))
}

/** Refused by every driver that keeps a list of its disks itself. */
async function introduceVdi(call: Call, given: Introduction): Promise<VdiRef> {
  const { pool } = call
  const { uuid, SR, location } = given
  assertAttached(pool, SR)
  if (!UUID.test(uuid)) failure('UUID_INVALID', 'VDI', uuid)
  const same = pool.db.get('SR', SR).VDIs.find((vdi) => pool.db.get('VDI', vdi).location === location)
  if (same !== undefined && pool.db.get('VDI', same).uuid !== uuid) failure('LOCATION_NOT_UNIQUE', SR, location)
  return onStorage(call, SR, 'vdi_introduce', async () => same ?? failure('VDI_MISSING', SR, location))
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

interface Introduction {
  readonly uuid: string
  readonly SR: SrRef
  readonly location: string
}

/** No driver of ours can: clients fall back to a clone. */
async function revertVdi(call: Call, snapshot: VdiRef): Promise<void> {
  await operateOnVdi(call, snapshot, ['revert_to', 'vdi_revert'], async ({ SR }) =>
    failure('SR_OPERATION_NOT_SUPPORTED', SR),
  )
}

/** Brings what a disk occupies up to date. */
async function updateVdi(call: Call, vdi: VdiRef): Promise<void> {
  const { pool } = call
  await operateOnVdi(call, vdi, ['update'], async ({ uuid, SR }) => {
    assertAttached(pool, SR)
    if (pool.storage.has(uuid)) {
      pool.db.update('VDI', vdi, { physical_utilisation: await pool.storage.physicalUtilisation(uuid) })
    }
  })
}

/** A disk that forgets at every start cannot be tracked. */
async function setOnBoot(call: Call, vdi: VdiRef, on_boot: OnBoot): Promise<void> {
  await operateOnVdi(call, vdi, ['set_on_boot', 'vdi_set_on_boot'], async ({ SR }) => {
    assertAttached(call.pool, SR)
    call.pool.db.update('VDI', vdi, { on_boot })
  })
}

/** Tracking and migration exclude each other. A disk stays where it is: nothing moves between SRs by itself. */
function poolMigrate({ pool }: Call, vdi: VdiRef, sr: SrRef): VdiRef {
  const { cbt_enabled, SR, VBDs } = assertHasData(pool, vdi)
  if (cbt_enabled) failure('VDI_CBT_ENABLED', vdi)
  pool.db.get('SR', sr)
  if (VBDs.length !== 1) failure('VDI_NEEDS_VM_FOR_MIGRATE', vdi)
  return sr === SR ? vdi : failure('SR_OPERATION_NOT_SUPPORTED', sr)
}
