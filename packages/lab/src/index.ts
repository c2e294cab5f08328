export { openLabControl } from './control/client.ts'

export {
  type CallFault,
  type LabControl,
  type LabHostInfo,
  type LabInfo,
  type MadeDisk,
  type MadeVm,
  type NewDisk,
  type NewVm,
} from './control/interface.ts'
export { type Violation } from './invariants.ts'
export { LabError, type LabErrorCode } from './error.ts'
export { type FaultPlan } from './faults/plan.ts'
export { type FaultReport } from './faults/planned.ts'
export { startLab, type Lab } from './lab.ts'
export { type NbdConnections } from './nbd/connections.ts'
export { type NbdReads } from './nbd/reads.ts'
export {
  labDefaults,
  type LabClock,
  type LabOptions,
  type LabRandom,
  type LabSettings,
  type LabStorage,
} from './options.ts'
