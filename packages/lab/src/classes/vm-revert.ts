import type { VdiRef, VmRecord, VmRef } from '@tidemark/xenapi'
import { NULL_REF, XenApiError } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Draft } from '../database/database.ts'
import type { AnyRecord, Fields } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import { cloneVdi, destroyVdi } from './vdi.ts'
import { haltVm, leaveHost } from './vm-life.ts'
import { operateOnVm } from './vm-operation.ts'
import { copiedFields, copyDevices, copyDrives, destroyCopies, type CopiedDrive } from './vm-snapshot.ts'
import { copyMetrics, insertVm, removeMetrics } from './vm.ts'

export const vmRevertHandlers: Handlers = { 'VM.revert': revertVm }

/**
 * Takes a VM back to a snapshot: its disks are destroyed, and clones of the snapshot's take their place, with new uuids
 * and without tracking. All snapshots of a disk then belong to the new one. A VM that is gone is made anew.
 * xapi: xapi_vm_snapshot.ml
 */
async function revertVm(call: Call, snapshot: VmRef): Promise<void> {
  const { pool } = call
  const { db } = pool
  await operateOnVm(call, snapshot, 'revert', () => {
    const { snapshot_of } = db.get('VM', snapshot)
    const vm = db.find('VM', snapshot_of) === undefined ? recreateVm(pool, snapshot) : snapshot_of
    return operateOnVm(call, vm, 'reverting', async () => {
      if (db.get('VM', vm).power_state !== 'Halted') await haltVm(pool, vm)
      try {
        await goBack(call, snapshot, vm)
      } catch (error) {
        if (isStorageFull(error)) throw error
        failure('VM_REVERT_FAILED', snapshot, vm)
      }
    })
  })
}

const isStorageFull = (error: unknown): boolean =>
  error instanceof XenApiError &&
  ['SR_FULL', 'VDI_INCOMPATIBLE_TYPE', 'TASK_CANCELLED'].includes(error.failure?.[0] ?? '')

/** A VM without disks that has the uuid of the one that is gone, and its snapshots. */
function recreateVm(pool: Pool, snapshot: VmRef): VmRef {
  const { db } = pool
  const record = db.get('VM', snapshot)
  const kept = settingsAtSnapshot(record)
  return db.change((draft) => {
    const uuid = typeof kept.uuid === 'string' ? { uuid: kept.uuid } : {}
    const vm = insertVm(pool, draft, { ...copiedFields(record), is_a_template: false, ...uuid, ...kept.fields })
    for (const [other, { snapshot_of }] of db.all('VM')) {
      if (snapshot_of === record.snapshot_of) draft.update('VM', other, { snapshot_of: vm })
    }
    return vm
  })
}

async function goBack(call: Call, snapshot: VmRef, vm: VmRef): Promise<void> {
  const { pool } = call
  const { db } = pool
  await removeOldDisks(call, snapshot, vm)
  const drives = await copyDrives(call, db.get('VM', snapshot).VBDs, cloneVdi)
  const memory = await cloneMemory(call, snapshot, drives)
  const source = db.get('VM', snapshot)
  db.change((draft) => {
    const { VIFs, VTPMs } = db.get('VM', vm)
    for (const vif of VIFs) draft.remove('VIF', vif)
    for (const vtpm of VTPMs) draft.remove('VTPM', vtpm)
    removeMetrics(db, draft, vm)
    const state = {
      power_state: source.power_state,
      suspend_VDI: memory,
      parent: snapshot,
      ...leaveHost(db, draft, vm),
    }
    draft.update('VM', vm, { ...settingsAtSnapshot(source).fields, ...state, ...copyMetrics(db, draft, snapshot) })
    copyDevices(pool, draft, { from: source, to: vm, drives, keepMac: true, attached: memory !== NULL_REF })
    for (const drive of drives) if (drive.isCopy) adoptSnapshots(pool, draft, drive)
  })
}

/** Disks that the snapshot has go; others only lose their drive. */
async function removeOldDisks(call: Call, snapshot: VmRef, vm: VmRef): Promise<void> {
  const { db } = call.pool
  const disksOf = (of: VmRef): VdiRef[] =>
    db.get('VM', of).VBDs.flatMap((vbd) => {
      const { type, VDI } = db.get('VBD', vbd)
      return type === 'CD' || VDI === NULL_REF ? [] : [VDI]
    })
  const originals = new Set(disksOf(snapshot).map((vdi) => db.get('VDI', vdi).snapshot_of))
  const { suspend_VDI, VBDs } = db.get('VM', vm)
  const old = new Set([...disksOf(vm).filter((vdi) => originals.has(vdi)), suspend_VDI])
  db.change((draft) => {
    for (const vbd of VBDs) draft.remove('VBD', vbd)
    draft.update('VM', vm, { suspend_VDI: NULL_REF as VdiRef })
  })
  for (const vdi of old) if (db.find('VDI', vdi) !== undefined) await destroyVdi(call, vdi)
}

async function cloneMemory(call: Call, snapshot: VmRef, drives: readonly CopiedDrive[]): Promise<VdiRef> {
  const { suspend_VDI } = call.pool.db.get('VM', snapshot)
  if (suspend_VDI === NULL_REF) return suspend_VDI
  try {
    return await cloneVdi(call, suspend_VDI)
  } catch (error) {
    await destroyCopies(call, drives)
    throw error
  }
}

/** Whatever was a snapshot of the disk that went is one of the clone now. */
function adoptSnapshots({ db }: Pool, draft: Draft, { vbd, VDI: clone }: CopiedDrive): void {
  const { snapshot_of: gone } = db.get('VDI', db.get('VBD', vbd).VDI)
  if (gone === NULL_REF) return // somebody gave the snapshot a disk of its own
  for (const [vdi, { snapshot_of }] of db.all('VDI')) {
    if (snapshot_of === gone && vdi !== clone) draft.update('VDI', vdi, { snapshot_of: clone })
  }
}

/** What a VM keeps of its own when it goes back. */
const NOT_REVERTED: ReadonlySet<string> = new Set([
  'uuid',
  'suspend_VDI',
  'power_state',
  'parent',
  'children',
  'current_operations',
  'allowed_operations',
  'metrics',
  'guest_metrics',
  'resident_on',
  'scheduled_to_be_resident_on',
  'domid',
  'protection_policy',
  'snapshot_schedule',
  'snapshots',
  'snapshot_of',
  'snapshot_time',
  'is_a_snapshot',
  'tags',
  'affinity',
  'groups',
  'consoles',
  'crash_dumps',
  'blobs',
  'VBDs',
  'VIFs',
  'VGPUs',
  'VUSBs',
  'VTPMs',
  'attached_PCIs',
])

/** The settings that the VM had. A snapshot that came from elsewhere tells them of itself, but for its name. */
function settingsAtSnapshot(snapshot: VmRecord): { readonly fields: Fields<'VM'>; readonly uuid: unknown } {
  const told = parseRecord(snapshot.snapshot_metadata)
  const { name_label: _, is_a_template: __, is_default_template: ___, ...own } = snapshot
  const record: AnyRecord = told ?? { ...own }
  const kept = Object.entries(record).filter(([name]) => name in snapshot && !NOT_REVERTED.has(name))
  return { fields: { ...Object.fromEntries(kept), ha_always_run: false }, uuid: told?.['uuid'] }
}

function parseRecord(text: string): AnyRecord | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as AnyRecord) : undefined
  } catch {
    return undefined // another pool writes it in another way
  }
}
