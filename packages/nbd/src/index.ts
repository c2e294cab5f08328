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
export { type BlockSize } from './range.ts'
export { type NbdIdentity, type NbdTrust } from './trust.ts'
