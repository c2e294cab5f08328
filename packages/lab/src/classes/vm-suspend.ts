import type { HostRef, SrRef, VdiConstructor, VdiRef, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Call, Handlers } from '../calls/call.ts'
import { failure, refuse } from '../calls/failure.ts'
import { thePool, type Pool } from '../pool.ts'
import { assertCanRunOn, hostFor } from './placement.ts'
import { sharingRefusal } from './vbd-operation.ts'
import { createVdi, destroyVdi } from './vdi.ts'
import { bringUp, leaveHost, stopVm } from './vm-life.ts'
import { operateOnVm } from './vm-operation.ts'

/** A VM's memory goes to a disk and comes back. xapi: xapi_xenops.ml */
export const vmSuspendHandlers: Handlers = {
  'VM.suspend': (call, vm: VmRef) => operateOnVm(call, vm, 'suspend', () => suspend(call, vm)),
  'VM.resume': (call, vm: VmRef, paused: boolean) => operateOnVm(call, vm, 'resume', () => resume(call, vm, paused)),
  'VM.resume_on': (call, vm: VmRef, host: HostRef, paused: boolean) => {
    call.pool.db.get('host', host)
    return operateOnVm(call, vm, 'resume_on', () => resume(call, vm, paused, host))
  },
  'VM.set_suspend_VDI': setSuspendVdi,
}

/** The drives and cards of a suspended VM stay attached, in name. */
export async function suspend(call: Call, vm: VmRef): Promise<void> {
  const { pool } = call
  const { db } = pool
  if (pool.machines !== undefined) failure('VM_LACKS_FEATURE', vm) // memory is not kept here
  const suspend_VDI = await createVdi(call, suspendImage(pool, vm))
  db.change((draft) => {
    draft.update('VM', vm, { power_state: 'Suspended', suspend_VDI, ...leaveHost(db, draft, vm) })
  })
}

/** Room for the memory, with what xapi adds. */
function suspendImage(pool: Pool, vm: VmRef): VdiConstructor {
  const { memory_static_max } = pool.db.get('VM', vm)
  return {
    name_label: 'Suspend image',
    name_description: 'Suspend image',
    SR: suspendSr(pool, vm),
    virtual_size: Math.floor(memory_static_max * 1.2 * 1.05) + 100 * 1024 ** 2,
    type: 'suspend',
    sharable: false,
    read_only: false,
    other_config: {},
  }
}

/** The VM's own choice, the host's, then the pool's. @throws XenApiError VM_NO_SUSPEND_SR */
function suspendSr(pool: Pool, vm: VmRef): SrRef {
  const { db } = pool
  const { suspend_SR, resident_on } = db.get('VM', vm)
  const ofHost = db.find('host', resident_on)?.suspend_image_sr
  const choices = [suspend_SR, ofHost, thePool(pool)[1].suspend_image_SR]
  return choices.find((sr) => sr !== undefined && db.find('SR', sr) !== undefined) ?? failure('VM_NO_SUSPEND_SR', vm)
}

export async function resume(call: Call, vm: VmRef, paused: boolean, wanted?: HostRef): Promise<void> {
  const { pool } = call
  const { db } = pool
  const { suspend_VDI, VBDs } = db.get('VM', vm)
  if (db.find('VDI', suspend_VDI) === undefined) {
    stopVm(pool, vm)
    failure('VM_HAS_NO_SUSPEND_VDI', 'VM', vm)
  }
  // while it slept, another VM may have started with one of its disks
  for (const vbd of VBDs) if (db.get('VBD', vbd).currently_attached) refuse(sharingRefusal(db, vbd))
  if (wanted !== undefined) assertCanRunOn(pool, vm, wanted)
  const host = wanted ?? hostFor(pool, vm)
  db.change((draft) => {
    draft.update('VM', vm, { suspend_VDI: NULL_REF as VdiRef })
    bringUp(pool, draft, vm, { power_state: paused ? 'Paused' : 'Running', host })
  })
  await destroyVdi({ ...call, signal: pool.closing }, suspend_VDI)
}

function setSuspendVdi({ pool: { db } }: Call, vm: VmRef, suspend_VDI: VdiRef): void {
  const { power_state } = db.get('VM', vm)
  if (power_state !== 'Suspended') failure('VM_BAD_POWER_STATE', vm, 'suspended', power_state.toLowerCase())
  const { type } = db.get('VDI', suspend_VDI)
  if (type === 'cbt_metadata') failure('VDI_INCOMPATIBLE_TYPE', vm, type)
  db.update('VM', vm, { suspend_VDI })
}
