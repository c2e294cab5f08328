import type { VmOperations, VmRef } from '@tidemark/xenapi'
import { failure } from '../calls/failure.ts'
import { operationKey, type Call } from '../calls/call.ts'

/**
 * Notes in a VM's current_operations what a transfer does with it. What it returns takes the note away.
 * @throws XenApiError OTHER_OPERATION_IN_PROGRESS
 */
export function operateOnVm(call: Call, vm: VmRef, operation: VmOperations): () => void {
  const { db } = call.pool
  const key = operationKey(call) ?? ''
  const { current_operations } = db.get('VM', vm)
  const [other] = Object.entries(current_operations)
  if (other !== undefined) failure('OTHER_OPERATION_IN_PROGRESS', 'VM', vm, other[1], other[0])
  db.update('VM', vm, { current_operations: { ...current_operations, [key]: operation } })
  return () => {
    const now = db.find('VM', vm)
    if (now === undefined) return
    const { [key]: _, ...rest } = now.current_operations
    db.update('VM', vm, { current_operations: rest })
  }
}
