import { createHash } from 'node:crypto'
import { bytes, endOf } from '@tidemark/blocks'
import type { OnBoot, SrRef, VdiConstructor, VdiRecord, VdiRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { apiFailure, failure } from '../calls/failure.ts'
import { newRecord } from '../database/record.ts'
import type { Fields } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { assertAttached, onStorage, refreshUsage } from './sr.ts'
import { assertHasData, assertManaged, attachedVbds, operateOnVdi } from './vdi-operation.ts'

export const vdiHandlers: Handlers = {
  'VDI.create': createVdi,
  'VDI.destroy': destroyVdi,
  'VDI.snapshot': (call, vdi: VdiRef) => snapshotVdi(call, vdi),
  'VDI.clone': (call, vdi: VdiRef) => cloneVdi(call, vdi),
  'VDI.copy': copyVdi,
  'VDI.resize': (call, vdi: VdiRef, size: number) => resizeVdi(call, vdi, { size, online: false }),
  'VDI.resize_online': (call, vdi: VdiRef, size: number) => resizeVdi(call, vdi, { size, online: true }),
  'VDI.update': ({ pool }, vdi: VdiRef) => refreshUsage(pool, pool.db.get('VDI', vdi).SR),
  'VDI.checksum': checksum,
  'VDI.set_on_boot': setOnBoot,
  'VDI.pool_migrate': poolMigrate,
}

const ALLOWED = ['clone', 'copy', 'resize', 'resize_online', 'snapshot', 'destroy', 'forget', 'update'] as const

/** The size is rounded up to the driver's grain: the record tells the truth. */
export async function createVdi(call: Call, given: VdiConstructor): Promise<VdiRef> {
  const { pool } = call
  const { db, storage, options } = pool
  if (given.type === 'cbt_metadata') failure('VDI_INCOMPATIBLE_TYPE', NULL_REF, given.type)
  const { physical_size } = db.get('SR', given.SR)
  assertAttached(pool, given.SR)
  if (given.virtual_size < 0) failure('INVALID_VALUE', 'virtual_size', String(given.virtual_size))
  const size = Math.max(1, Math.ceil(given.virtual_size / options.diskGrain)) * options.diskGrain
  if (size > physical_size) failure('SR_FULL', String(size), String(physical_size))
  return onStorage(call, given.SR, 'vdi_create', async () => {
    const uuid = options.random.uuid()
    await storage.create(uuid, bytes(size))
    return insertVdi(pool, { ...given, uuid, virtual_size: size })
  })
}

/** The record of a disk that the storage has by now. */
function insertVdi({ db }: Pool, fields: Fields<'VDI'> & { uuid: string }): VdiRef {
  const record = { managed: true, location: fields.uuid, allowed_operations: ALLOWED, ...fields }
  return db.insert('VDI', newRecord('VDI', record))
}

export async function destroyVdi(call: Call, vdi: VdiRef): Promise<void> {
  const { db } = call.pool
  await operateOnVdi(call, vdi, ['destroy', 'vdi_destroy'], async ({ uuid }) => {
    assertManaged(call.pool, vdi)
    if (attachedVbds(call.pool, vdi).length > 0) failure('VDI_IN_USE', vdi, 'destroy')
    if (call.pool.storage.has(uuid)) await call.pool.storage.destroy(uuid)
    db.change((draft) => {
      for (const vbd of db.get('VDI', vdi).VBDs) draft.remove('VBD', vbd)
      draft.remove('VDI', vdi)
    })
  })
}

/** The snapshot is one more disk, frozen; where changes are tracked, it takes the log with it. */
export function snapshotVdi(call: Call, vdi: VdiRef): Promise<VdiRef> {
  const { pool } = call
  const { db, storage, options } = pool
  return operateOnVdi(call, vdi, ['snapshot', 'vdi_snapshot'], async (source) => {
    assertHasData(pool, vdi)
    assertManaged(pool, vdi)
    assertAttached(pool, source.SR)
    if (source.sharable) failure('VDI_IS_SHARABLE', vdi)
    if (source.on_boot === 'reset') failure('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION')
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
    assertHasData(pool, vdi)
    assertAttached(pool, source.SR)
    const uuid = pool.options.random.uuid()
    await pool.storage.clone(source.uuid, uuid)
    return insertVdi(pool, copiedFields(source, uuid))
  })
}

function copiedFields(source: VdiRecord, uuid: string): Fields<'VDI'> & { uuid: string } {
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

/** The copy shares nothing. With `into` it goes over an existing disk of at least that size. */
async function copyVdi(call: Call, vdi: VdiRef, sr: SrRef, _base: VdiRef, into: VdiRef): Promise<VdiRef> {
  const { pool } = call
  const source = assertHasData(pool, vdi)
  const target = into === NULL_REF ? await copyTarget(call, source, sr) : into
  const { uuid, virtual_size } = pool.db.get('VDI', target)
  if (virtual_size < source.virtual_size) failure('VDI_TOO_SMALL', target, String(source.virtual_size))
  try {
    await copyData(call, source, uuid)
  } catch (error) {
    if (into === NULL_REF) await destroyVdi({ ...call, signal: pool.closing }, target)
    throw error
  }
  return target
}

function copyTarget(call: Call, source: VdiRecord, sr: SrRef): Promise<VdiRef> {
  const { uuid: _, ...fields } = copiedFields(source, source.uuid)
  return createVdi(call, { ...fields, SR: sr === NULL_REF ? source.SR : sr, read_only: false } as VdiConstructor)
}

const PIECE = 4 * 1024 * 1024

async function copyData({ pool: { storage }, task, signal }: Call, source: VdiRecord, target: string): Promise<void> {
  await storage.writeZeroes(target, 0, source.virtual_size)
  for (const each of await storage.allocatedExtents(source.uuid)) {
    for (let at: number = each.offset; at < endOf(each); at += PIECE) {
      signal.throwIfAborted()
      await storage.write(target, at, await storage.read(source.uuid, at, Math.min(PIECE, endOf(each) - at)))
      task?.progress(at / source.virtual_size)
    }
  }
}

interface Growth {
  readonly size: number
  readonly online: boolean
}

async function resizeVdi(call: Call, vdi: VdiRef, { size, online }: Growth): Promise<void> {
  const { db, storage, options } = call.pool
  await operateOnVdi(
    call,
    vdi,
    [online ? 'resize_online' : 'resize', 'vdi_resize'],
    async ({ uuid, is_a_snapshot }) => {
      assertHasData(call.pool, vdi)
      if (is_a_snapshot) failure('OPERATION_NOT_ALLOWED', `VDI is a snapshot: ${vdi}`)
      if (!online && attachedVbds(call.pool, vdi).length > 0) failure('VDI_IN_USE', vdi, 'resize')
      const rounded = Math.ceil(size / options.diskGrain) * options.diskGrain
      await storage.resize(uuid, bytes(rounded))
      db.update('VDI', vdi, { virtual_size: rounded })
    },
  )
}

/** MD5 of the whole disk, in hexadecimal; not in the published API, but testers use it. */
async function checksum({ pool, task, signal }: Call, vdi: VdiRef): Promise<string> {
  const { uuid, virtual_size } = assertHasData(pool, vdi)
  const hash = createHash('md5')
  for (let at = 0; at < virtual_size; at += PIECE) {
    if (signal.aborted) throw signal.reason ?? apiFailure('TASK_CANCELLED', task?.ref ?? '')
    hash.update(await pool.storage.read(uuid, at, Math.min(PIECE, virtual_size - at)))
    task?.progress(at / virtual_size)
  }
  return hash.digest('hex')
}

function setOnBoot({ pool }: Call, vdi: VdiRef, on_boot: OnBoot): void {
  const { cbt_enabled } = assertHasData(pool, vdi)
  if (cbt_enabled && on_boot === 'reset') failure('VDI_CBT_ENABLED', vdi)
  pool.db.update('VDI', vdi, { on_boot })
}

/** Tracking and migration exclude each other. There is one SR, so that a disk is already where it can go. */
function poolMigrate({ pool }: Call, vdi: VdiRef, sr: SrRef): VdiRef {
  const { cbt_enabled, SR } = assertHasData(pool, vdi)
  if (cbt_enabled) failure('VDI_CBT_ENABLED', vdi)
  if (sr !== SR) failure('HANDLE_INVALID', 'SR', sr)
  return vdi
}
