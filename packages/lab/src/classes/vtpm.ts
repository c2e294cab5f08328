import type { VmRef, VtpmRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import { thePool } from '../pool.ts'
import { operateOnVm } from './vm-operation.ts'

/** Virtual TPMs: a VM has one at most, and only a halted one gets or loses it. xapi: xapi_vtpm.ml */
export const vtpmHandlers: Handlers = {
  'VTPM.create': createVtpm,
  'VTPM.destroy': ({ pool: { db } }, vtpm: VtpmRef) => {
    const { VM } = db.get('VTPM', vtpm)
    const { power_state } = db.get('VM', VM)
    if (power_state !== 'Halted' && power_state !== 'Suspended') {
      failure('VM_BAD_POWER_STATE', VM, 'halted;suspended', power_state.toLowerCase())
    }
    db.remove('VTPM', vtpm)
  },
}

function createVtpm(call: Call, VM: VmRef, is_unique: boolean): Promise<VtpmRef> {
  const { pool } = call
  if (thePool(pool)[1].restrictions['restrict_vtpm'] === 'true') failure('FEATURE_RESTRICTED', 'restrict_vtpm')
  return operateOnVm(call, VM, 'create_vtpm', () =>
    pool.db.insert('VTPM', { VM, is_unique, persistence_backend: 'xapi' }),
  )
}
