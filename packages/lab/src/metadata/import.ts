import type { NetworkRef, SrRef, VbdRecord, VdiRecord, VdiRef, VifRecord, VmRecord, VmRef } from '@tidemark/xenapi'
import { decodeTyped, NULL_REF, parseType, XenApiError } from '@tidemark/xenapi/codec'
import { apiFailure, failure } from '../calls/failure.ts'
import { newMac } from '../classes/vif.ts'
import { copiedFields } from '../classes/vm-snapshot.ts'
import { insertVm, removeVm } from '../classes/vm.ts'
import type { Draft } from '../database/database.ts'
import { newRecord } from '../database/record.ts'
import { isClassName, type ClassName, type Tables } from '../database/tables.ts'
import { theHost, type Pool } from '../pool.ts'
import type { Ova, OvaObject } from './ova.ts'

export interface ImportScope {
  /** uuid in the description to uuid of the disk that takes its place. */
  readonly disks: ReadonlyMap<string, string>
  /** Keeps uuids and MACs, and replaces a halted VM of the same uuid. */
  readonly restore: boolean
  /** Leaves out disks that are not found. */
  readonly force: boolean
  readonly dryRun: boolean
}

/** One import: what is in the file, and what became of it. */
interface Import {
  readonly pool: Pool
  readonly scope: ImportScope
  readonly objects: ReadonlyMap<string, OvaObject>
  /** By `Ref:<n>`. */
  readonly disks: Map<string, VdiRef | undefined>
  readonly networks: Map<string, NetworkRef>
  readonly vms: Map<string, VmRef>
}

/**
 * Makes the VMs of a description: all of them or, when anything fails, none. Snapshots come along, but only real VMs are
 * told when there are any.
 * @throws XenApiError VDI_LOCATION_MISSING, IMPORT_ERROR_FAILED_TO_FIND_OBJECT, VM_BAD_POWER_STATE, …
 */
export function importVms(pool: Pool, { objects }: Ova, scope: ImportScope): readonly VmRef[] {
  const job: Import = {
    pool,
    scope,
    objects: new Map(objects.map((each) => [each.id, each])),
    disks: new Map(),
    networks: new Map(),
    vms: new Map(),
  }
  const sources = objects
    .filter((each) => each.class === 'VM')
    .map((each) => ({ id: each.id, vm: recordOf('VM', each) }))
  const wanted = sources.filter(({ vm }) => !vm.is_control_domain)
  if (wanted.length === 0) failure('IMPORT_ERROR', 'ova.xml: no VM')
  for (const each of objects) if (each.class === 'VDI') job.disks.set(each.id, findDisk(job, each))
  if (scope.dryRun) return []
  pool.db.change((draft) => {
    for (const { id, vm } of wanted) job.vms.set(id, importVm(job, draft, vm))
    for (const { id, vm } of wanted) joinSnapshot(job, draft, { id, vm })
  })
  const real = wanted.filter(({ vm }) => !vm.is_a_snapshot)
  return (real.length > 0 ? real : wanted).flatMap(({ id }) => job.vms.get(id) ?? [])
}

/** A record of the file with everything that our model has. @throws XenApiError IMPORT_ERROR */
function recordOf<Class extends ClassName>(className: Class, { snapshot }: OvaObject): Tables[Class] {
  try {
    // as an argument: references of the file stay as they are
    const given = decodeTyped(parseType(`${className} record`), snapshot, 'argument')
    return newRecord(className, given as Partial<Tables[Class]>)
  } catch (error) {
    if (error instanceof XenApiError) throw apiFailure('IMPORT_ERROR', `ova.xml: ${error.message}`)
    throw error
  }
}

function objectOf<Class extends ClassName>({ objects }: Import, className: Class, id: string): Tables[Class] {
  const found = objects.get(id)
  if (found?.class !== className || !isClassName(found.class)) return failure('IMPORT_ERROR_FAILED_TO_FIND_OBJECT', id)
  return recordOf(className, found)
}

/** By the caller's map; else the disk at the same place of the same SR. undefined: left out, by force. */
function findDisk(job: Import, object: OvaObject): VdiRef | undefined {
  const { db } = job.pool
  const disk = recordOf('VDI', object)
  const mapped = job.scope.disks.get(disk.uuid)
  if (mapped !== undefined) return db.byUuid('VDI', mapped)
  const sr = srOf(job, disk)
  const same = db.all('VDI').find(([, { SR, location }]) => SR === sr && location === disk.location)
  if (same !== undefined) return same[0]
  if (job.scope.force || isMedium(job, object.id)) return undefined
  return failure('VDI_LOCATION_MISSING', sr ?? NULL_REF, disk.location)
}

function srOf(job: Import, { SR }: VdiRecord): SrRef | undefined {
  const source = job.objects.get(SR)
  return source === undefined ? undefined : job.pool.db.findByUuid('SR', recordOf('SR', source).uuid)
}

/** Whether the disk is only in CD drives: those can be empty. */
function isMedium(job: Import, id: string): boolean {
  const users = [...job.objects.values()].filter((each) => each.class === 'VBD' && each.snapshot['VDI'] === id)
  return users.length > 0 && users.every((each) => each.snapshot['type'] === 'CD')
}

function importVm(job: Import, draft: Draft, source: VmRecord): VmRef {
  const { pool, scope } = job
  const { db } = pool
  if (scope.restore) replaceVm(job, draft, source)
  const { mac_seed: _, ...other_config } = source.other_config
  const isTemplate = source.is_a_template || source.is_a_snapshot
  const state = { power_state: 'Halted', is_a_template: isTemplate, is_a_snapshot: source.is_a_snapshot } as const
  const identity = scope.restore
    ? { uuid: source.uuid, other_config: source.other_config }
    : { other_config, generation_id: '' }
  const vm = insertVm(pool, draft, {
    ...copiedFields(source),
    ...state,
    ...identity,
    affinity: db.find('host', source.affinity) === undefined ? theHost(pool) : source.affinity,
    snapshot_time: source.snapshot_time,
    snapshot_info: source.snapshot_info,
    snapshot_metadata: source.snapshot_metadata,
  })
  for (const id of source.VBDs) importVbd(job, draft, vm, objectOf(job, 'VBD', id))
  for (const id of source.VIFs) importVif(job, draft, vm, objectOf(job, 'VIF', id))
  return vm
}

function replaceVm({ pool }: Import, draft: Draft, { uuid }: VmRecord): void {
  const existing = pool.db.findByUuid('VM', uuid)
  if (existing === undefined) return
  const { power_state } = pool.db.get('VM', existing)
  if (power_state !== 'Halted') failure('VM_BAD_POWER_STATE', existing, 'halted', power_state.toLowerCase())
  removeVm(pool, draft, existing)
}

function importVbd({ disks }: Import, draft: Draft, VM: VmRef, source: VbdRecord): void {
  const found = source.empty ? undefined : disks.get(source.VDI)
  if (found === undefined && source.type !== 'CD') return
  const VDI = found ?? (NULL_REF as VdiRef)
  const fresh = { uuid: '', currently_attached: false, current_operations: {}, device: '' } as const
  draft.insert('VBD', { ...source, ...fresh, VM, VDI, empty: found === undefined })
}

function importVif(job: Import, draft: Draft, VM: VmRef, source: VifRecord): void {
  const { pool, scope } = job
  const network = networkFor(job, draft, source.network)
  const MAC = scope.restore ? source.MAC : newMac(pool)
  const fresh = { uuid: '', currently_attached: false, current_operations: {} } as const
  draft.insert('VIF', {
    ...source,
    ...fresh,
    VM,
    network,
    MAC,
  })
}

/** By its name, else by its bridge, else a new one. */
function networkFor(job: Import, draft: Draft, id: string): NetworkRef {
  const known = job.networks.get(id)
  if (known !== undefined) return known
  const source = objectOf(job, 'network', id)
  const all = job.pool.db.all('network')
  const found =
    all.find(([, { name_label }]) => name_label === source.name_label) ??
    all.find(([, { bridge }]) => bridge === source.bridge)
  const { name_label, name_description, MTU, bridge } = source
  const network = found?.[0] ?? draft.insert('network', { name_label, name_description, MTU, bridge, managed: true })
  job.networks.set(id, network)
  return network
}

/** Joins a snapshot to its VM, and a VM to its parent, when both came along. */
function joinSnapshot(job: Import, draft: Draft, { id, vm }: { id: string; vm: VmRecord }): void {
  const made = job.vms.get(id)
  if (made === undefined) return
  const snapshot_of = job.vms.get(vm.snapshot_of) ?? (NULL_REF as VmRef)
  const parent = job.vms.get(vm.parent) ?? (NULL_REF as VmRef)
  draft.update('VM', made, { snapshot_of, parent })
}
