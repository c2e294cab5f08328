import type { HostRef, VmOperations, VmRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import { assertCanRunOn } from './placement.ts'
import { operateOnVm } from './vm-operation.ts'

/** What is asked of a VM while it runs, as far as it makes sense without a guest. xapi: xapi_vm.ml */
export const vmLiveHandlers: Handlers = {
  'VM.pool_migrate': poolMigrate,
  'VM.assert_can_migrate': migrateStorage,
  'VM.migrate_send': migrateStorage,
  'VM.assert_can_boot_here': ({ pool }, vm: VmRef, host: HostRef) => assertCanRunOn(pool, vm, host),
  'VM.set_VCPUs_number_live': setVcpusLive,
  'VM.add_to_VCPUs_params_live': addVcpuParameter,
  'VM.set_shadow_multiplier_live': setShadowMultiplier,
  'VM.get_boot_record': ({ pool: { db } }, vm: VmRef) => db.get('VM', vm),
  'VM.get_data_sources': ({ pool: { db } }, vm: VmRef) => {
    db.get('VM', vm)
    return []
  },
  'VM.get_cooperative': ({ pool: { db } }, vm: VmRef) => {
    db.get('VM', vm)
    return true
  },
  'VM.maximise_memory': ({ pool: { db } }, vm: VmRef, total: number) => {
    db.get('VM', vm)
    return Math.floor(total / MIB) * MIB
  },
  'VM.send_sysrq': (call, vm: VmRef) => notImplemented(call, vm, 'send_sysrq'),
  'VM.send_trigger': (call, vm: VmRef) => notImplemented(call, vm, 'send_trigger'),
  'VM.query_services': (call, vm: VmRef) => notImplemented(call, vm, 'query_services'),
}

const MIB = 1024 ** 2

/** To another host of the pool that sees the VM's disks. Tracking goes on: the disks stay where they are. */
async function poolMigrate(call: Call, vm: VmRef, host: HostRef): Promise<void> {
  const { pool } = call
  pool.db.get('host', host)
  await operateOnVm(call, vm, 'pool_migrate', () => {
    assertCanRunOn(pool, vm, host)
    pool.db.update('VM', vm, { resident_on: host })
  })
}

/** Disks do not move between storage here. With tracking on they would not on a real pool either: contract/xenapi.md §3.6 */
async function migrateStorage(call: Call, vm: VmRef): Promise<never> {
  const { db } = call.pool
  return operateOnVm(call, vm, 'migrate_send', () => {
    for (const each of [vm, ...db.get('VM', vm).snapshots]) {
      for (const vbd of db.get('VM', each).VBDs) {
        const { VDI } = db.get('VBD', vbd)
        if (db.find('VDI', VDI)?.cbt_enabled === true) failure('VDI_CBT_ENABLED', VDI)
      }
    }
    return failure('NOT_IMPLEMENTED', 'migrate_send')
  })
}

async function setVcpusLive(call: Call, vm: VmRef, number: number): Promise<void> {
  const { db } = call.pool
  await operateOnVm(call, vm, 'changing_VCPUs_live', () => {
    const { VCPUs_max, metrics } = db.get('VM', vm)
    if (number < 1 || number > VCPUs_max) failure('INVALID_VALUE', 'nvcpu', String(number))
    db.change((draft) => {
      draft.update('VM', vm, { VCPUs_at_startup: number })
      if (db.find('VM_metrics', metrics) !== undefined) draft.update('VM_metrics', metrics, { VCPUs_number: number })
    })
  })
}

async function addVcpuParameter(call: Call, vm: VmRef, key: string, value: string): Promise<void> {
  const { db } = call.pool
  await operateOnVm(call, vm, 'changing_VCPUs_live', () =>
    db.update('VM', vm, { VCPUs_params: { ...db.get('VM', vm).VCPUs_params, [key]: value } }),
  )
}

async function setShadowMultiplier(call: Call, vm: VmRef, multiplier: number): Promise<void> {
  const { db } = call.pool
  await operateOnVm(call, vm, 'changing_shadow_memory_live', () => {
    if (multiplier < 1) failure('INVALID_VALUE', 'multiplier', String(multiplier))
    db.update('VM', vm, { HVM_shadow_multiplier: multiplier })
  })
}

const notImplemented = (call: Call, vm: VmRef, operation: VmOperations): Promise<never> =>
  operateOnVm(call, vm, operation, () => failure('NOT_IMPLEMENTED', operation))
