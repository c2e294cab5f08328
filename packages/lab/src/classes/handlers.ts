import type { Handler } from '../calls/call.ts'
import { genericHandlers } from '../calls/generic.ts'
import { eventHandlers } from './event.ts'
import { hostHandlers } from './host.ts'
import { messageHandlers } from './message.ts'
import { networkHandlers } from './network.ts'
import { pbdHandlers } from './pbd.ts'
import { poolHandlers } from './pool.ts'
import { sessionHandlers } from './session.ts'
import { srHandlers } from './sr.ts'
import { taskHandlers } from './task.ts'
import { vbdHandlers } from './vbd.ts'
import { cbtHandlers } from './vdi-cbt.ts'
import { vdiCopyHandlers } from './vdi-copy.ts'
import { vdiHandlers } from './vdi.ts'
import { vifHandlers } from './vif.ts'
import { vmLifeHandlers } from './vm-life.ts'
import { vmLiveHandlers } from './vm-live.ts'
import { vmProvisionHandlers } from './vm-provision.ts'
import { vmResourceHandlers } from './vm-resources.ts'
import { vmRevertHandlers } from './vm-revert.ts'
import { vmSnapshotHandlers } from './vm-snapshot.ts'
import { vmSuspendHandlers } from './vm-suspend.ts'
import { vmHandlers } from './vm.ts'
import { vtpmHandlers } from './vtpm.ts'

let table: ReadonlyMap<string, Handler> | undefined

/** Every message that the pool serves, by `Class.message`. What a class says itself goes before what is generated. */
export function handlers(): ReadonlyMap<string, Handler> {
  table ??= new Map(
    Object.entries({
      ...genericHandlers(),
      ...sessionHandlers,
      ...taskHandlers,
      ...eventHandlers,
      ...poolHandlers,
      ...hostHandlers,
      ...networkHandlers,
      ...srHandlers,
      ...pbdHandlers,
      ...vdiHandlers,
      ...vdiCopyHandlers,
      ...cbtHandlers,
      ...vbdHandlers,
      ...vifHandlers,
      ...vmHandlers,
      ...vmLifeHandlers,
      ...vmLiveHandlers,
      ...vmProvisionHandlers,
      ...vmResourceHandlers,
      ...vmSuspendHandlers,
      ...vmSnapshotHandlers,
      ...vmRevertHandlers,
      ...vtpmHandlers,
      ...messageHandlers,
    }),
  )
  return table
}
