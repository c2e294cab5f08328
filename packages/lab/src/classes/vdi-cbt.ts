import { setTimeout as sleep } from 'node:timers/promises'
import type { HostRef, VbdRef, VdiNbdServerInfoRecord, VdiRecord, VdiRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import { thePool, type Pool } from '../pool.ts'
import { canTrack } from './sr.ts'
import { attachedVbds } from './vbd-operation.ts'
import { assertHasData, assertManaged, operateOnVdi } from './vdi-operation.ts'

/** Changed block tracking, and the way to read what changed. contract/xenapi.md §3 and §4 */
export const cbtHandlers: Handlers = {
  'VDI.enable_cbt': enableCbt,
  'VDI.disable_cbt': disableCbt,
  'VDI.data_destroy': dataDestroy,
  'VDI.list_changed_blocks': listChangedBlocks,
  'VDI.get_nbd_info': nbdInfo,
}

async function enableCbt(call: Call, vdi: VdiRef): Promise<void> {
  const { db, storage } = call.pool
  if (thePool(call.pool)[1].restrictions['restrict_cbt'] === 'true') failure('LICENSE_RESTRICTION', 'CBT')
  await operateOnVdi(call, vdi, ['enable_cbt', 'vdi_enable_cbt'], async (record) => {
    assertTrackable(call.pool, vdi, record)
    if (record.cbt_enabled) return
    await storage.enableTracking(record.uuid)
    db.update('VDI', vdi, { cbt_enabled: true })
  })
}

export async function disableCbt(call: Call, vdi: VdiRef): Promise<void> {
  const { db, storage } = call.pool
  await operateOnVdi(call, vdi, ['disable_cbt', 'vdi_disable_cbt'], async (record) => {
    assertTrackable(call.pool, vdi, record)
    if (!record.cbt_enabled) return
    await storage.disableTracking(record.uuid)
    db.update('VDI', vdi, { cbt_enabled: false })
  })
}

/** The refusals, in xapi's order. contract/xenapi.md §3.1 */
function assertTrackable(pool: Pool, vdi: VdiRef, { SR, type, is_a_snapshot, on_boot }: VdiRecord): void {
  if (!canTrack(pool, SR)) failure('SR_OPERATION_NOT_SUPPORTED', SR)
  if (type === 'cbt_metadata') failure('VDI_INCOMPATIBLE_TYPE', vdi, type)
  if (is_a_snapshot) failure('OPERATION_NOT_ALLOWED', `VDI is a snapshot: ${vdi}`)
  if (type !== 'user' && type !== 'system') failure('VDI_INCOMPATIBLE_TYPE', vdi, type)
  if (on_boot === 'reset') failure('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION')
}

/** What a metadata VDI says instead of its content. xapi: xapi_vdi.ml */
const NO_CONTENT = '/No content: this is a cbt_metadata VDI/'

/**
 * Gives up a snapshot's data and keeps its record and its log. The type changes at once; then every VBD of the disk has
 * to disappear within seconds, also the unplugged ones of a snapshot VM.
 */
async function dataDestroy(call: Call, vdi: VdiRef): Promise<void> {
  const { pool } = call
  const { db, storage } = pool
  const { SR, type, is_a_snapshot, cbt_enabled } = db.get('VDI', vdi)
  if (!canTrack(pool, SR)) failure('SR_OPERATION_NOT_SUPPORTED', SR)
  if (!is_a_snapshot) failure('OPERATION_NOT_ALLOWED', `VDI is not a snapshot: ${vdi}`)
  if (!cbt_enabled) failure('VDI_NO_CBT_METADATA', vdi)
  assertManaged(pool, vdi)
  if (type === 'cbt_metadata') return
  db.update('VDI', vdi, { type: 'cbt_metadata' })
  try {
    await withoutVbds(call, vdi)
    await operateOnVdi(call, vdi, ['data_destroy', 'vdi_data_destroy'], async ({ uuid, other_config }) => {
      await storage.dataDestroy(uuid)
      db.update('VDI', vdi, { other_config: { ...other_config, content_id: NO_CONTENT }, physical_utilisation: 0 })
    })
  } catch (error) {
    if (db.find('VDI', vdi) !== undefined) db.update('VDI', vdi, { type })
    throw error
  }
}

const POLL_MS = 50

async function withoutVbds({ pool, signal }: Call, vdi: VdiRef): Promise<void> {
  for (let waited = 0; pool.db.get('VDI', vdi).VBDs.length > 0; waited += POLL_MS) {
    if (waited >= pool.options.dataDestroyWaitMs) failure('VDI_IN_USE', vdi, 'data_destroy')
    await sleep(POLL_MS, undefined, { signal })
  }
}

/** Base64 of the bitmap, first block in the most significant bit. Only the newer disk is checked and locked. */
function listChangedBlocks(call: Call, older: VdiRef, newer: VdiRef): Promise<string> {
  const { pool } = call
  return operateOnVdi(call, newer, ['list_changed_blocks', 'vdi_list_changed_blocks'], async ({ SR, uuid }) => {
    if (!canTrack(pool, SR)) failure('SR_OPERATION_NOT_SUPPORTED', SR)
    const from = pool.db.get('VDI', older)
    if (from.SR !== SR) failure('INTERNAL_ERROR', `no disk at ${from.location} in this SR`)
    if (attachedVbds(pool, newer).some((vbd) => !isSnapshotVbd(pool, vbd))) {
      failure('VDI_IN_USE', newer, 'list_changed_blocks')
    }
    const bitmap = await pool.storage.changedBlocks(from.uuid, uuid)
    return pool.faults.bitmap({ vdi: uuid, base: from.uuid }, bitmap)
  })
}

const isSnapshotVbd = ({ db }: Pool, vbd: VbdRef): boolean => db.get('VM', db.get('VBD', vbd).VM).is_a_snapshot

/**
 * One record per address at which a host with the SR plugged serves NBD; none when no network is for it. The export name
 * holds the caller's session.
 */
function nbdInfo({ pool, session }: Call, vdi: VdiRef): VdiNbdServerInfoRecord[] {
  const { db, nbdPort } = pool
  const { uuid, SR } = assertHasData(pool, vdi)
  const hosts = db.get('SR', SR).PBDs.flatMap((pbd) => {
    const { host, currently_attached } = db.get('PBD', pbd)
    return currently_attached ? [host] : []
  })
  return hosts.flatMap((host) => {
    const { cert, subject } = pool.hosts.get(host).certificate
    const exportname = `/${uuid}?session_id=${session}`
    return addressesOf(pool, host).map((address) => ({ exportname, address, port: nbdPort, cert, subject }))
  })
}

function addressesOf({ db }: Pool, host: HostRef): readonly string[] {
  const pifs = db.get('host', host).PIFs.map((pif) => db.get('PIF', pif))
  const usable = pifs.filter(
    ({ currently_attached, network }) => currently_attached && db.get('network', network).purpose.length > 0,
  )
  return usable.flatMap(({ IP, IPv6 }) => [IP, ...IPv6].filter((address) => address !== ''))
}
