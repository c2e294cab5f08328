import type { VifOperations, VifRef } from '@tidemark/xenapi'
import type { Refusal } from '../calls/failure.ts'
import type { Database } from '../database/database.ts'
import { vmHoldsDevices } from './vbd-operation.ts'

/** Why an operation on a network card is refused; undefined when it may go on. xapi: xapi_vif_helpers.ml */
export function vifRefusal(db: Database, ref: VifRef, operation: VifOperations): Refusal | undefined {
  const { VM, currently_attached, current_operations } = db.get('VIF', ref)
  const running = Object.entries(current_operations)
  if (running.length > 0) {
    const [refs, names] = [running.map(([key]) => key), running.map(([, name]) => name)]
    return ['OTHER_OPERATION_IN_PROGRESS', 'VIF', ref, `{${names.join('; ')}}`, `{${refs.join('; ')}}`]
  }
  if (operation === 'attach') return undefined
  const vm = db.get('VM', VM)
  if (vm.is_control_domain && operation === 'plug') {
    return ['OPERATION_NOT_ALLOWED', 'Control domain does not support hotplug']
  }
  if (vm.power_state !== 'Running') return ['VM_BAD_POWER_STATE', VM, 'running', vm.power_state.toLowerCase()]
  if (operation === 'plug' && currently_attached) return ['DEVICE_ALREADY_ATTACHED', ref]
  if (operation === 'unplug' && !currently_attached) return ['DEVICE_ALREADY_DETACHED', ref]
  return vmHoldsDevices(VM, vm)
}

const ALL: readonly VifOperations[] = ['attach', 'plug', 'unplug']

/** What VIF.allowed_operations says. */
export const allowedOnVif = (db: Database, vif: VifRef): readonly VifOperations[] =>
  ALL.filter((operation) => vifRefusal(db, vif, operation) === undefined)
