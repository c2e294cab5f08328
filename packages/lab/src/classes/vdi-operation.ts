import type { StorageOperations, VbdRef, VdiOperations, VdiRecord, VdiRef } from '@tidemark/xenapi'
import type { Call } from '../calls/call.ts'
import { failure, type Refusal } from '../calls/failure.ts'
import type { Database } from '../database/database.ts'
import type { Pool } from '../pool.ts'
import { driverFeatures, srRefusal } from './sr-operation.ts'
import { attachedVbds } from './vbd-operation.ts'

/** What may be done to a disk, and what is said otherwise. xapi: xapi_vdi.ml */

/**
 * Runs an operation on a disk: alone on its SR, and noted in current_operations of both while it runs. `work` gets the
 * record as it is when its turn has come.
 */
export function operateOnVdi<Result>(
  call: Call,
  vdi: VdiRef,
  [operation, srOperation]: readonly [VdiOperations, StorageOperations?],
  work: (record: VdiRecord) => Promise<Result>,
): Promise<Result> {
  const { db, operations } = call.pool
  const { SR } = db.get('VDI', vdi)
  const onDisk = { class: 'VDI', ref: vdi, operation, refusal: () => vdiRefusal(db, vdi, operation) } as const
  if (srOperation === undefined) return operations.during(call, [onDisk], () => work(db.get('VDI', vdi)))
  const onSr = { class: 'SR', ref: SR, operation: srOperation, refusal: () => srRefusal(db, SR, srOperation) } as const
  return operations.during(call, [onSr, onDisk], () => work(db.get('VDI', vdi)))
}

const FEATURES: Readonly<Partial<Record<VdiOperations, string>>> = {
  snapshot: 'VDI_SNAPSHOT',
  destroy: 'VDI_DELETE',
  resize: 'VDI_RESIZE',
  // the drivers have one feature for both, where xapi asks for VDI_RESIZE_ONLINE: a guest of the lab never minds
  resize_online: 'VDI_RESIZE',
  update: 'VDI_UPDATE',
  generate_config: 'VDI_GENERATE_CONFIG',
  clone: 'VDI_CLONE',
  revert_to: 'VDI_CLONE',
  revert_from: 'VDI_CLONE',
  mirror: 'VDI_MIRROR',
  enable_cbt: 'VDI_CONFIG_CBT',
  disable_cbt: 'VDI_CONFIG_CBT',
  data_destroy: 'VDI_CONFIG_CBT',
  list_changed_blocks: 'VDI_CONFIG_CBT',
  set_on_boot: 'VDI_RESET_ON_BOOT',
}

/** What goes on while somebody has the disk attached; a copy does too, while nobody can write. */
const LIVE: ReadonlySet<VdiOperations> = new Set([
  'snapshot',
  'resize_online',
  'blocked',
  'clone',
  'revert_to',
  'mirror',
  'enable_cbt',
  'disable_cbt',
  'data_destroy',
])

const WITHOUT_DATA: ReadonlySet<VdiOperations> = new Set([
  'blocked',
  'data_destroy',
  'destroy',
  'list_changed_blocks',
  'force_unlock',
  'forget',
  'generate_config',
  'update',
])

/** Why an operation is refused, the first reason in xapi's order; undefined when it may go on. */
function vdiRefusal(db: Database, ref: VdiRef, operation: VdiOperations): Refusal | undefined {
  const vdi = db.get('VDI', ref)
  return (
    busy(ref, vdi, operation) ??
    inUse(db, ref, vdi, operation) ??
    ofDriver(db, vdi, operation) ??
    ofType(ref, vdi, operation) ??
    OF_KIND[operation]?.(db, ref, vdi)
  )
}

/** Copies hold up nobody: whoever would disturb one is kept off by its attached disk. */
function busy(ref: VdiRef, { current_operations }: VdiRecord, operation: VdiOperations): Refusal | undefined {
  const running = Object.entries(current_operations)
  if (operation === 'destroy' && running.some(([, each]) => each === 'mirror')) return undefined
  const other = running.find(([, each]) => each !== 'copy')
  return other && ['OTHER_OPERATION_IN_PROGRESS', 'VDI', ref, other[1], other[0]]
}

function inUse(db: Database, ref: VdiRef, { SR, VBDs }: VdiRecord, operation: VdiOperations): Refusal | undefined {
  const attachedSr = db.get('SR', SR).PBDs.some((pbd) => db.get('PBD', pbd).currently_attached)
  if (operation === 'resize' && !attachedSr) return ['SR_HAS_NO_PBDS', SR]
  if (!LIVE.has(operation) && usersOf(db, ref, operation).length > 0) return ['VDI_IN_USE', ref, operation]
  if (operation === 'data_destroy') return undefined // it waits for the drives itself
  for (const vbd of VBDs) {
    const [moving] = Object.entries(db.get('VBD', vbd).current_operations)
    if (moving !== undefined) return ['OTHER_OPERATION_IN_PROGRESS', 'VDI', ref, moving[1], moving[0]]
  }
  return undefined
}

/** The attached drives that an operation cannot stand. */
function usersOf(db: Database, ref: VdiRef, operation: VdiOperations): readonly VbdRef[] {
  const attached = attachedVbds({ db }, ref)
  if (operation === 'copy') return attached.filter((vbd) => db.get('VBD', vbd).mode === 'RW')
  // the drives of a checkpoint count as attached
  if (operation !== 'list_changed_blocks') return attached
  return attached.every((vbd) => db.get('VM', db.get('VBD', vbd).VM).is_a_snapshot) ? [] : attached
}

function ofDriver(db: Database, { SR }: VdiRecord, operation: VdiOperations): Refusal | undefined {
  const feature = FEATURES[operation]
  const { type } = db.get('SR', SR)
  return feature === undefined || Object.hasOwn(driverFeatures(db, type), feature)
    ? undefined
    : ['SR_OPERATION_NOT_SUPPORTED', SR]
}

function ofType(ref: VdiRef, { type, cbt_enabled }: VdiRecord, operation: VdiOperations): Refusal | undefined {
  if (type === 'cbt_metadata' && !WITHOUT_DATA.has(operation)) return ['VDI_INCOMPATIBLE_TYPE', ref, type]
  const excluded = operation === 'mirror' || operation === 'set_on_boot'
  return cbt_enabled && excluded ? ['VDI_CBT_ENABLED', ref] : undefined
}

type KindRule = (db: Database, ref: VdiRef, vdi: VdiRecord) => Refusal | undefined

/** Rules of single operations. */
const OF_KIND: Readonly<Partial<Record<VdiOperations, KindRule>>> = {
  destroy: ofDestroying,
  revert_from: ofDestroying,
  forget: (_db, ref, { type }) => (type === 'rrd' ? ['VDI_HAS_RRDS', ref] : undefined),
  data_destroy: ofDataDestroying,
  snapshot: ofFreezing,
  copy: (_db, _ref, vdi) => ofReset(vdi),
  enable_cbt: ofTracking,
  disable_cbt: ofTracking,
  revert_to: (_db, _ref, { is_a_snapshot }) => (is_a_snapshot ? undefined : ['ONLY_REVERT_SNAPSHOT']),
}

function ofDataDestroying(db: Database, ref: VdiRef, vdi: VdiRecord): Refusal | undefined {
  if (!vdi.is_a_snapshot) return ['OPERATION_NOT_ALLOWED', `VDI is not a snapshot: ${ref}`]
  return vdi.cbt_enabled ? ofDestroying(db, ref, vdi) : ['VDI_NO_CBT_METADATA', ref]
}

function ofTracking(_db: Database, ref: VdiRef, vdi: VdiRecord): Refusal | undefined {
  if (vdi.is_a_snapshot) return ['OPERATION_NOT_ALLOWED', `VDI is a snapshot: ${ref}`]
  if (vdi.type !== 'user' && vdi.type !== 'system') return ['VDI_INCOMPATIBLE_TYPE', ref, vdi.type]
  return ofReset(vdi)
}

function ofFreezing(_db: Database, ref: VdiRef, vdi: VdiRecord): Refusal | undefined {
  if (vdi.sharable) return ['VDI_IS_SHARABLE', ref]
  const copied = Object.values(vdi.current_operations).includes('copy')
  return ofReset(vdi) ?? (copied ? ['OPERATION_NOT_ALLOWED', 'Snapshot operation not allowed during copy.'] : undefined)
}

function ofDestroying(db: Database, ref: VdiRef, { SR, type }: VdiRecord): Refusal | undefined {
  const { type: driver, is_tools_sr } = db.get('SR', SR)
  if (driver === 'udev') return ['VDI_IS_A_PHYSICAL_DEVICE', ref]
  if (is_tools_sr) return ['SR_OPERATION_NOT_SUPPORTED', SR]
  return type === 'rrd' ? ['VDI_HAS_RRDS', ref] : undefined
}

function ofReset({ on_boot }: VdiRecord): Refusal | undefined {
  return on_boot === 'reset' ? ['VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION'] : undefined
}

/** Operations that xapi lists; those of changed block tracking are never among them. xapi: xapi_globs.ml */
const LISTED: readonly VdiOperations[] = [
  'clone',
  'copy',
  'resize',
  'resize_online',
  'snapshot',
  'destroy',
  'forget',
  'update',
  'force_unlock',
  'generate_config',
  'blocked',
]

/** What VDI.allowed_operations says. */
export const allowedOnVdi = (db: Database, vdi: VdiRef): readonly VdiOperations[] =>
  LISTED.filter((operation) => vdiRefusal(db, vdi, operation) === undefined)

/** @throws XenApiError VDI_INCOMPATIBLE_TYPE when only the change log of the disk is left */
export function assertHasData({ db }: Pool, vdi: VdiRef): VdiRecord {
  const record = db.get('VDI', vdi)
  if (record.type === 'cbt_metadata') failure('VDI_INCOMPATIBLE_TYPE', vdi, record.type)
  return record
}

export function assertManaged({ db }: Pool, vdi: VdiRef): void {
  if (!db.get('VDI', vdi).managed) failure('VDI_NOT_MANAGED', vdi)
}
