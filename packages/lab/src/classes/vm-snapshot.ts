import { setImmediate as nextTurn } from 'node:timers/promises'
import type { HostRef, SrRef, VbdRef, VdiRef, VmGuestMetricsRef, VmPowerState, VmRecord, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Draft } from '../database/database.ts'
import type { Fields } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { copyVdi } from './vdi-copy.ts'
import { cloneVdi, destroyVdi, laterThan, snapshotVdi } from './vdi.ts'
import { newMac } from './vif.ts'
import { operateOnVm } from './vm-operation.ts'
import { resume, suspend } from './vm-suspend.ts'
import { copyMeasured, copyMetrics, insertVm } from './vm.ts'

/** VMs made from VMs: snapshots, checkpoints, clones and copies. xapi: xapi_vm_clone.ml, xapi_vm_snapshot.ml */
export const vmSnapshotHandlers: Handlers = {
  'VM.snapshot': (call, vm: VmRef, name: string, ignored: readonly VdiRef[]) =>
    operateOnVm(call, vm, 'snapshot', () => takeSnapshot(call, vm, { name, ignored, withMemory: false })),
  'VM.checkpoint': (call, vm: VmRef, name: string) =>
    operateOnVm(call, vm, 'checkpoint', () => checkpointVm(call, vm, name)),
  'VM.clone': (call, vm: VmRef, name: string) =>
    operateOnVm(call, vm, 'clone', () => duplicate(call, vm, name, cloneVdi)),
  'VM.copy': (call, vm: VmRef, name: string, sr: SrRef) =>
    operateOnVm(call, vm, 'copy', () => copyVm(call, vm, name, sr)),
}

interface Snapshot {
  readonly name: string
  /** Disks that are left out. */
  readonly ignored: readonly VdiRef[]
  /** Whether the suspend image comes along. */
  readonly withMemory: boolean
  /** The state that the snapshot tells of; default: the present one. */
  readonly stateBefore?: VmPowerState
}

/** Each disk is frozen after the other: there is no common moment. */
async function takeSnapshot(
  call: Call,
  vm: VmRef,
  { name, ignored, withMemory, stateBefore }: Snapshot,
): Promise<VmRef> {
  const { pool } = call
  const { db, options } = pool
  const { power_state, VBDs } = db.get('VM', vm)
  const wanted = VBDs.filter((vbd) => !ignored.includes(db.get('VBD', vbd).VDI))
  const drives = await copyDrives(call, wanted, snapshotVdi)
  const memory = withMemory ? await copyMemory(call, vm, drives) : undefined
  const source = db.get('VM', vm)
  const earlier = source.snapshots.map((each) => db.find('VM', each)?.snapshot_time)
  return db.change((draft) => {
    const snapshot = insertVm(pool, draft, {
      ...copiedFields(source),
      ...copyMetrics(db, draft, vm),
      power_state: memory === undefined ? 'Halted' : 'Suspended',
      suspend_VDI: memory ?? (NULL_REF as VdiRef),
      is_a_template: true,
      is_a_snapshot: true,
      name_label: name,
      snapshot_of: vm,
      snapshot_time: laterThan(options.clock.now(), earlier),
      snapshot_info: {
        'power-state-at-snapshot': stateBefore ?? power_state,
        'disk-snapshot-type': 'crash_consistent',
      },
      snapshot_metadata: JSON.stringify(source),
      parent: source.parent,
    })
    draft.update('VM', vm, { parent: snapshot })
    copyDevices(pool, draft, { from: source, to: snapshot, drives, keepMac: true, attached: memory !== undefined })
    return snapshot
  })
}

/** The suspend image's snapshot. When it fails, the drives' go as well. */
async function copyMemory(call: Call, vm: VmRef, drives: readonly CopiedDrive[]): Promise<VdiRef | undefined> {
  const { db } = call.pool
  const { power_state, suspend_VDI } = db.get('VM', vm)
  if (power_state !== 'Suspended' || db.find('VDI', suspend_VDI) === undefined) return undefined
  try {
    return await snapshotVdi(call, suspend_VDI)
  } catch (error) {
    await destroyCopies(call, drives)
    throw error
  }
}

/** A running VM is suspended for the moment of the snapshot, and resumed whatever happens. */
async function checkpointVm(call: Call, vm: VmRef, name: string): Promise<VmRef> {
  const { pool } = call
  const { power_state } = pool.db.get('VM', vm)
  const snapshot = { name, ignored: [], withMemory: true, stateBefore: power_state }
  if (power_state !== 'Running') return takeSnapshot(call, vm, snapshot)
  await suspend(call, vm)
  try {
    return await takeSnapshot(call, vm, snapshot)
  } finally {
    await resume({ ...call, signal: pool.closing }, vm, false)
  }
}

type CopyDisk = (call: Call, vdi: VdiRef) => Promise<VdiRef>

/** A VM of its own: not running, with disks, cards and an identity that nobody else has. */
async function duplicate(call: Call, vm: VmRef, name: string, copyDisk: CopyDisk): Promise<VmRef> {
  const { pool } = call
  const { db, options } = pool
  const drives = await copyDrives(call, db.get('VM', vm).VBDs, copyDisk)
  const source = db.get('VM', vm)
  return db.change((draft) => {
    const copy = insertVm(pool, draft, {
      ...copiedFields(source),
      metrics: copyMeasured(db, draft, vm),
      name_label: name,
      other_config: ownConfig(source, options.random.uuid()),
    })
    copyDevices(pool, draft, { from: source, to: copy, drives, keepMac: false, attached: false })
    return copy
  })
}

/** What was made from a template remembers which; a new seed makes new MAC addresses. */
function ownConfig({ other_config, is_a_template, name_label }: VmRecord, mac_seed: string): Record<string, string> {
  const { default_template: _, xensource_internal: __, ...kept } = other_config
  const origin = is_a_template ? { base_template_name: name_label } : {}
  return { ...origin, ...kept, mac_seed }
}

function copyVm(call: Call, vm: VmRef, name: string, sr: SrRef): Promise<VmRef> {
  const target = call.pool.db.find('SR', sr)
  if (target?.content_type === 'iso') failure('OPERATION_NOT_ALLOWED', "Cannot copy a VM's disks to an ISO SR")
  const into = target === undefined ? (NULL_REF as SrRef) : sr
  return duplicate(call, vm, name, (inner, vdi) => copyVdi(inner, vdi, { sr: into }))
}

/** A drive, and what the copy of its VM has in it. */
export interface CopiedDrive {
  readonly vbd: VbdRef
  /** The copy of a disk; the medium itself of a CD drive; NULL_REF in an empty one. */
  readonly VDI: VdiRef
  readonly isCopy: boolean
}

/** Copies the disks in drives, in the order of their slots. When one fails, those made before are removed again. */
export async function copyDrives(call: Call, vbds: readonly VbdRef[], copy: CopyDisk): Promise<readonly CopiedDrive[]> {
  const { pool, signal } = call
  const slot = (vbd: VbdRef): number => Number(pool.db.get('VBD', vbd).userdevice)
  const done: CopiedDrive[] = []
  const copies = new Map<VdiRef, VdiRef>() // a disk may be in two drives
  try {
    for (const vbd of vbds.toSorted((a, b) => slot(a) - slot(b))) {
      await nextTurn() // others, and whoever cancels, are heard between two disks
      signal.throwIfAborted()
      const { empty, type, VDI } = pool.db.get('VBD', vbd)
      const isCopy = !empty && type !== 'CD'
      if (isCopy && !copies.has(VDI)) copies.set(VDI, await copy(call, VDI))
      done.push({ vbd, VDI: copies.get(VDI) ?? VDI, isCopy })
      call.task?.progress((0.9 * done.length) / vbds.length)
    }
    return done
  } catch (error) {
    await destroyCopies(call, done)
    throw error
  }
}

/** Goes on after a cancel: what was made for nothing is removed. */
export async function destroyCopies(call: Call, drives: readonly CopiedDrive[]): Promise<void> {
  const { pool } = call
  for (const { VDI, isCopy } of drives) {
    if (isCopy && pool.db.find('VDI', VDI) !== undefined) await destroyVdi({ ...call, signal: pool.closing }, VDI)
  }
}

/** What a copy of a VM has of its original: its settings, and nothing of its identity or state. */
export function copiedFields(source: VmRecord): Fields<'VM'> {
  const { uuid: _uuid, allowed_operations: _allowed, current_operations: _current, ...settings } = source
  return {
    ...settings,
    power_state: 'Halted',
    VBDs: [],
    VIFs: [],
    VTPMs: [],
    consoles: [],
    crash_dumps: [],
    snapshots: [],
    children: [],
    domid: -1,
    domarch: '',
    blocked_operations: {},
    is_default_template: false,
    is_control_domain: false,
    is_a_snapshot: false,
    ha_always_run: false,
    metrics: undefined,
    guest_metrics: NULL_REF as VmGuestMetricsRef,
    resident_on: NULL_REF as HostRef,
    scheduled_to_be_resident_on: NULL_REF as HostRef,
    suspend_VDI: NULL_REF as VdiRef,
    suspend_SR: NULL_REF as SrRef,
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
  readonly drives: readonly CopiedDrive[]
  readonly keepMac: boolean
  /** Whether devices count as attached where the original's do. */
  readonly attached: boolean
}

/** Drives, cards and TPMs like those of the original. */
export function copyDevices(pool: Pool, draft: Draft, { from, to, drives, keepMac, attached }: DeviceCopy): void {
  const { db } = pool
  const fresh = { VM: to, uuid: '', current_operations: {} } as const
  for (const { vbd: ref, VDI, isCopy } of drives) {
    const vbd = db.get('VBD', ref)
    const other_config = isCopy ? { owner: '', ...vbd.other_config } : vbd.other_config
    const state = attached ? {} : { currently_attached: false, device: '' }
    draft.insert('VBD', { ...vbd, ...fresh, ...state, VDI, empty: VDI === NULL_REF, other_config })
  }
  for (const ref of from.VIFs) {
    const vif = db.get('VIF', ref)
    const MAC = keepMac ? vif.MAC : newMac(pool)
    draft.insert('VIF', { ...vif, ...fresh, MAC, currently_attached: attached && vif.currently_attached })
  }
  for (const ref of from.VTPMs) draft.insert('VTPM', { ...db.get('VTPM', ref), ...fresh })
}
