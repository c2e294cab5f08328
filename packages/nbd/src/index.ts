export { type NbdAddress } from './channel.ts'
export {
  borrowRuns,
  nbdDefaults,
  openNbd,
  readRuns,
  type BlockStatus,
  type NbdClient,
  type NbdOptions,
} from './client.ts'
export { type NbdTarget } from './connection.ts'
export { type NbdFaults, type NbdReplyFault, type NbdReplyInfo } from './faults.ts'
export { describeExport, listExports, type ExportDescription } from './inquire.ts'
export { type Loan } from './memory.ts'
export { NbdError, type NbdErrorCode, type NbdErrorOptions } from './error.ts'
export { type ExportSource, type NbdExport, type NbdExtent } from './export.ts'
export { type PersonalityName } from './personality.ts'
export { type BlockSize } from './range.ts'
export { type ServerTls } from './secure.ts'
export { nbdServerLimits, serveNbd, type NbdServer, type NbdServerLimits, type NbdServerOptions } from './server.ts'
export { type NbdIdentity, type NbdTrust } from './trust.ts'
