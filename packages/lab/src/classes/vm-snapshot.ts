import type { HostRef, VbdRecord, VdiRef, VmGuestMetricsRef, VmRecord, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Draft } from '../database/database.ts'
import type { Fields } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { cloneVdi, destroyVdi, laterThan, snapshotVdi } from './vdi.ts'
import { newMac } from './vif.ts'
import { stopVm } from './vm-life.ts'
import { allowedVmOperations, assertNotBlocked, insertVm } from './vm.ts'

export const vmSnapshotHandlers: Handlers = {
  'VM.snapshot': snapshotVm,
  'VM.clone': cloneVm,
  'VM.revert': revertVm,
}

/** Each disk is frozen after the other: there is no common moment. */
async function snapshotVm(call: Call, vm: VmRef, name: string, ignored: readonly VdiRef[]): Promise<VmRef> {
  const { pool } = call
  const { db, options } = pool
  assertNotBlocked(pool, vm, 'snapshot')
  const disks = await copyDisks(call, vm, ignored, snapshotVdi)
  const source = db.get('VM', vm)
  const earlier = source.snapshots.map((each) => db.find('VM', each)?.snapshot_time)
  return db.change((draft) => {
    const state = { power_state: 'Halted', is_a_template: true, is_a_snapshot: true } as const
    const snapshot = insertVm(pool, draft, {
      ...copiedFields(source),
      ...state,
      name_label: name,
      other_config: source.other_config,
      snapshot_of: vm,
      snapshot_time: laterThan(options.clock.now(), earlier),
      snapshot_info: { 'power-state-at-snapshot': source.power_state, 'disk-snapshot-type': 'crash_consistent' },
      snapshot_metadata: JSON.stringify(copiedFields(source)),
      parent: source.parent,
      allowed_operations: allowedVmOperations(state),
    })
    draft.update('VM', vm, { parent: snapshot })
    copyDevices(pool, draft, { from: source, to: snapshot, disks, keepMac: true })
    return snapshot
  })
}

async function cloneVm(call: Call, vm: VmRef, name: string): Promise<VmRef> {
  const { pool } = call
  assertNotBlocked(pool, vm, 'clone')
  const { power_state } = pool.db.get('VM', vm)
  if (power_state !== 'Halted' && power_state !== 'Suspended') {
    failure('VM_BAD_POWER_STATE', vm, 'halted', power_state.toLowerCase())
  }
  const disks = await copyDisks(call, vm, [], cloneVdi)
  const source = pool.db.get('VM', vm)
  return pool.db.change((draft) => {
    const state = { power_state: 'Halted', is_a_template: source.is_a_template, is_a_snapshot: false } as const
    const { mac_seed: _, ...other_config } = source.other_config
    const clone = insertVm(pool, draft, {
      ...copiedFields(source),
      ...state,
      name_label: name,
      other_config,
      allowed_operations: allowedVmOperations(state),
    })
    copyDevices(pool, draft, { from: source, to: clone, disks, keepMac: false })
    return clone
  })
}

/** Copies of the VM's disks by their original. When one fails, those made before are removed again. */
async function copyDisks(
  call: Call,
  vm: VmRef,
  ignored: readonly VdiRef[],
  copy: (call: Call, vdi: VdiRef) => Promise<VdiRef>,
): Promise<ReadonlyMap<VdiRef, VdiRef>> {
  const { db } = call.pool
  const copies = new Map<VdiRef, VdiRef>()
  const disks = disksOf(call.pool, vm)
  try {
    for (const vdi of disks.filter((each) => !ignored.includes(each))) copies.set(vdi, await copy(call, vdi))
    return copies
  } catch (error) {
    for (const made of copies.values()) {
      if (db.find('VDI', made) !== undefined) await destroyVdi({ ...call, signal: call.pool.closing }, made)
    }
    throw error
  }
}

/** Each disk once, although a VM may have it in two slots. */
const disksOf = (pool: Pool, vm: VmRef): VdiRef[] => [...new Set(diskVbds(pool, vm).map(({ VDI }) => VDI))]

/** The VM's disks by slot; a CD is none. */
function diskVbds({ db }: Pool, vm: VmRef): VbdRecord[] {
  const records = db.get('VM', vm).VBDs.map((vbd) => db.get('VBD', vbd))
  const disks = records.filter(({ type, empty, VDI }) => type === 'Disk' && !empty && db.find('VDI', VDI) !== undefined)
  return disks.sort((a, b) => Number(a.userdevice) - Number(b.userdevice))
}

/** What a copy of a VM has of its original: its settings, and nothing of its identity or state. */
export function copiedFields(source: VmRecord): Fields<'VM'> {
  const { uuid: _uuid, allowed_operations: _allowed, current_operations: _current, ...settings } = source
  return {
    ...settings,
    VBDs: [],
    VIFs: [],
    VTPMs: [],
    consoles: [],
    crash_dumps: [],
    snapshots: [],
    children: [],
    domid: -1,
    blocked_operations: {},
    is_default_template: false,
    is_control_domain: false,
    guest_metrics: NULL_REF as VmGuestMetricsRef,
    resident_on: NULL_REF as HostRef,
    parent: NULL_REF as VmRef,
    snapshot_of: NULL_REF as VmRef,
    snapshot_time: new Date(0),
    snapshot_info: {},
    snapshot_metadata: '',
  }
}

interface DeviceCopy {
  readonly from: VmRecord
  readonly to: VmRef
  readonly disks: ReadonlyMap<VdiRef, VdiRef>
  readonly keepMac: boolean
}

/** VBDs and VIFs like those of the original. A disk without a copy gets no VBD; a CD keeps its medium. */
function copyDevices(pool: Pool, draft: Draft, { from, to, disks, keepMac }: DeviceCopy): void {
  const { db } = pool
  const fresh = { VM: to, currently_attached: false, uuid: '', current_operations: {} } as const
  for (const ref of from.VBDs) {
    const vbd = db.get('VBD', ref)
    const copy = disks.get(vbd.VDI)
    if (vbd.type !== 'CD' && copy === undefined) continue
    const owner = copy === undefined ? {} : { owner: '' }
    const other_config = { ...vbd.other_config, ...owner }
    draft.insert('VBD', {
      ...vbd,
      ...fresh,
      VDI: copy ?? vbd.VDI,
      device: '',
      other_config,
      allowed_operations: ['attach'],
    })
  }
  for (const ref of from.VIFs) {
    const vif = db.get('VIF', ref)
    const MAC = keepMac ? vif.MAC : newMac(pool)
    draft.insert('VIF', { ...vif, ...fresh, MAC, allowed_operations: ['attach'] })
  }
}

/**
 * Takes a VM back to a snapshot: its disks are destroyed, and clones of the snapshot's take their place, with new uuids
 * and without tracking. Older snapshots then belong to the new disks. contract/xenapi.md §2.2
 */
async function revertVm(call: Call, snapshot: VmRef): Promise<void> {
  const { pool } = call
  const { db } = pool
  const { is_a_snapshot, snapshot_of: vm, snapshot_metadata } = db.get('VM', snapshot)
  if (!is_a_snapshot) failure('OPERATION_NOT_ALLOWED', `VM is not a snapshot: ${snapshot}`)
  assertNotBlocked(pool, vm, 'revert')
  const old = disksOf(pool, vm)
  const clones = await copyDisks(call, snapshot, [], cloneVdi)
  if (db.get('VM', vm).power_state !== 'Halted') stopVm(pool, vm)
  const source = db.get('VM', snapshot)
  db.change((draft) => {
    const { VBDs, VIFs } = db.get('VM', vm)
    for (const vbd of VBDs) draft.remove('VBD', vbd)
    for (const vif of VIFs) draft.remove('VIF', vif)
    draft.update('VM', vm, { ...revertedFields(snapshot_metadata), parent: snapshot })
    copyDevices(pool, draft, { from: source, to: vm, disks: clones, keepMac: true })
    for (const [frozen, clone] of clones) moveSnapshots(pool, draft, db.get('VDI', frozen).snapshot_of, clone)
  })
  for (const vdi of old) if (db.get('VDI', vdi).VBDs.length === 0) await destroyVdi(call, vdi)
}

function moveSnapshots({ db }: Pool, draft: Draft, from: VdiRef, to: VdiRef): void {
  for (const snapshot of db.find('VDI', from)?.snapshots ?? []) draft.update('VDI', snapshot, { snapshot_of: to })
}

/** The settings that the VM had, as `snapshotVm` kept them. */
function revertedFields(metadata: string): Fields<'VM'> {
  if (metadata === '') return {}
  const { name_label, name_description, memory_static_max, memory_static_min, memory_dynamic_max, ...rest } =
    JSON.parse(metadata) as VmRecord
  const { memory_dynamic_min, VCPUs_max, VCPUs_at_startup, platform, HVM_boot_params, tags, other_config } = rest
  return {
    name_label,
    name_description,
    memory_static_max,
    memory_static_min,
    memory_dynamic_max,
    memory_dynamic_min,
    VCPUs_max,
    VCPUs_at_startup,
    platform,
    HVM_boot_params,
    tags,
    other_config,
  }
}
