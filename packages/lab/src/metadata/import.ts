import type { TaskRef, VdiRef, VmRecord, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import { failure } from '../calls/failure.ts'
import { copiedFields } from '../classes/vm-snapshot.ts'
import { insertVm, removeVm } from '../classes/vm.ts'
import type { Draft } from '../database/database.ts'
import type { Fields } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { importVbd, importVif, importVtpm, type DeviceJob } from './devices.ts'
import { assertAttachedFound, assertSeedsFree, planVm, type VmPlan } from './prechecks.ts'
import { withoutReferences, type OvaSource, type SourceObject } from './source.ts'
import { vtpmOf } from './vtpm.ts'

export interface ImportScope {
  /** By `Ref:<n>`: the disks that are there. What is not is left out. */
  readonly disks: ReadonlyMap<string, VdiRef>
  /** Keeps uuids and MACs, and replaces a halted VM of the same uuid. */
  readonly restore: boolean
  readonly force: boolean
  /** Checks everything and makes nothing. */
  readonly dryRun: boolean
  /** Whether disks that were in use may come later. */
  readonly mayBeMissing: boolean
  /** Noted in other_config of the VMs. */
  readonly task: TaskRef
}

/** What an import made. */
export interface Imported {
  /** All VMs, snapshots among them. */
  readonly made: readonly VmRef[]
  /** What the client is told: VMs that are no snapshots, when there are any. */
  readonly told: readonly VmRef[]
}

type Planned = SourceObject<'VM'> & { readonly plan: VmPlan }

/**
 * Makes the VMs of a description: all of them or, when anything fails, none.
 * @throws XenApiError IMPORT_ERROR_FAILED_TO_FIND_OBJECT, DUPLICATE_MAC_SEED, VM_BAD_POWER_STATE, …
 */
export function importVms(pool: Pool, source: OvaSource, scope: ImportScope): Imported {
  if (scope.restore) assertSeedsFree(pool, source)
  const planned = source
    .all('VM')
    .filter(({ record }) => !record.is_control_domain)
    .map((each): Planned => ({ ...each, plan: planVm(pool, each.record, scope) }))
  const wanted = planned.filter(({ plan }) => plan.kind === 'new' || plan.kind === 'replace')
  if (!scope.mayBeMissing) for (const each of wanted) assertAttachedFound(source, scope.disks, each)
  const templates = planned.flatMap(({ plan }) => (plan.kind === 'template' ? [plan.vm] : []))
  if (scope.dryRun) return { made: [], told: templates }
  const made = new Map<string, VmRef>()
  pool.db.change((draft) => {
    const job = { pool, source, draft, disks: scope.disks, networks: new Map(), restore: scope.restore }
    for (const each of wanted) made.set(each.id, importVm(job, each, scope))
    for (const each of wanted) joinSnapshot(draft, made, each)
  })
  const real = wanted.filter(({ record }) => !record.is_a_snapshot).flatMap(({ id }) => made.get(id) ?? [])
  const all = [...made.values(), ...templates]
  const told = [...real, ...templates]
  return { made: [...made.values()], told: told.length > 0 ? told : all }
}

function importVm(
  job: Omit<DeviceJob, 'isSuspended'>,
  { id, record, plan }: Planned,
  { disks, force, task, restore }: ImportScope,
): VmRef {
  const { pool, source, draft } = job
  if (plan.kind === 'replace') removeVm(pool, draft, plan.vm)
  const suspended = record.power_state === 'Suspended' ? suspendDisk(disks, record, force) : undefined
  const state = {
    power_state: suspended === undefined ? 'Halted' : 'Suspended',
    is_a_template: record.is_a_template || record.is_a_snapshot,
    is_a_snapshot: record.is_a_snapshot,
  } as const
  const affinity = source.find('host', record.affinity)
  const vm = insertVm(pool, draft, {
    ...copiedFields(withoutReferences('VM', record)),
    ...state,
    ...identityOf(record, { restore, force, task }),
    suspend_VDI: suspended ?? (NULL_REF as VdiRef),
    affinity: affinity === undefined ? undefined : pool.db.findByUuid('host', affinity.uuid),
    snapshot_time: record.snapshot_time,
    snapshot_info: record.snapshot_info,
    snapshot_metadata: record.snapshot_metadata,
  })
  const devices: DeviceJob = { ...job, isSuspended: suspended !== undefined }
  for (const each of record.VBDs) importVbd(devices, vm, source.get('VBD', each))
  for (const each of record.VIFs) importVif(devices, vm, source.get('VIF', each))
  for (const each of source.raw('VTPM').map(vtpmOf)) if (each.vm === id) importVtpm(devices, vm, each)
  return vm
}

/** A VM that sleeps needs the disk that it sleeps in; with `force` it is halted instead. */
function suspendDisk(disks: ReadonlyMap<string, VdiRef>, vm: VmRecord, force: boolean): VdiRef | undefined {
  const found = disks.get(vm.suspend_VDI)
  if (found === undefined && !force) failure('IMPORT_ERROR_FAILED_TO_FIND_OBJECT', vm.suspend_VDI)
  return found
}

/** A restored VM is the same one, a version further; else it is another one, with MAC addresses of its own. */
function identityOf(
  { uuid, version, other_config, is_default_template, generation_id, is_a_template }: VmRecord,
  { restore, force, task }: Pick<ImportScope, 'restore' | 'force' | 'task'>,
): Fields<'VM'> {
  const { mac_seed, default_template, ...rest } = other_config
  const kept = {
    ...rest,
    ...(restore && mac_seed !== undefined ? { mac_seed } : {}),
    ...(force && default_template !== undefined ? { default_template } : {}),
    import_task: task,
  }
  return {
    ...(restore ? { uuid } : {}),
    version: restore ? version + 1 : 0,
    is_default_template: force && is_default_template,
    generation_id: is_a_template ? generation_id : '',
    other_config: kept,
  }
}

/** Joins a snapshot to its VM, and a VM to its parent, when both came along. */
function joinSnapshot(draft: Draft, made: ReadonlyMap<string, VmRef>, { id, record }: SourceObject<'VM'>): void {
  const vm = made.get(id)
  if (vm === undefined) return
  const nothing = NULL_REF as VmRef
  draft.update('VM', vm, {
    snapshot_of: made.get(record.snapshot_of) ?? nothing,
    parent: made.get(record.parent) ?? nothing,
  })
}
