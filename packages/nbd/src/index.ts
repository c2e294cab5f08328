export { type NbdAddress } from './channel.ts'
export {
  listExports,
  nbdDefaults,
  openNbd,
  readRuns,
  type BlockStatus,
  type NbdClient,
  type NbdOptions,
} from './client.ts'
export { type NbdTarget } from './connection.ts'
export { NbdError, type NbdErrorCode, type NbdErrorOptions } from './error.ts'
export { type ExportSource, type NbdExport, type NbdExtent } from './export.ts'
export { type PersonalityName } from './personality.ts'
export { type BlockSize } from './range.ts'
export { type ServerTls } from './secure.ts'
export { nbdServerLimits, serveNbd, type NbdServer, type NbdServerLimits, type NbdServerOptions } from './server.ts'
export { type NbdFaults } from './serving.ts'
export { type NbdIdentity, type NbdTrust } from './trust.ts'
