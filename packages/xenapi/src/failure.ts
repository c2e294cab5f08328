import { XenApiError } from './error.ts'

/** What the codes that a backup meets mean, in a sentence for people. All codes stay readable without one. */
const explanations: Readonly<Record<string, string>> = {
  SESSION_AUTHENTICATION_FAILED: 'the user name or the password is wrong',
  SESSION_INVALID: 'the session ended: it was logged out, idle for a day, or one of too many',
  HOST_IS_SLAVE: 'this host is a member of a pool; ask its coordinator',
  RBAC_PERMISSION_DENIED: 'the role of this user does not allow the call',
  HANDLE_INVALID: 'the object does not exist any more',
  UUID_INVALID: 'there is no object with this uuid',
  MESSAGE_METHOD_UNKNOWN: 'the server does not know this call: it is older, or newer, than it was written for',
  MESSAGE_PARAMETER_COUNT_MISMATCH: 'the server expects another number of parameters',
  MAP_DUPLICATE_KEY: 'the key exists already',
  OPERATION_NOT_ALLOWED: 'the object does not allow this now',
  OPERATION_BLOCKED: 'somebody blocked this operation on the object',
  OTHER_OPERATION_IN_PROGRESS: 'the object is busy with another operation',
  TOO_MANY_PENDING_TASKS: 'the server has too much to do; try again later',
  TASK_CANCELLED: 'the task was cancelled',
  LICENSE_RESTRICTION: "the pool's licence does not include this feature",
  SR_OPERATION_NOT_SUPPORTED: 'the storage cannot do this',
  SR_BACKEND_FAILURE_457: 'changed block tracking could not be activated on the storage',
  SR_BACKEND_FAILURE_458: 'changed block tracking could not be deactivated on the storage',
  SR_BACKEND_FAILURE_459: 'the log of changed blocks is inconsistent; a full backup starts a new one',
  SR_BACKEND_FAILURE_460:
    'the changed blocks between these two disks cannot be told: no common log leads from one to the other',
  SR_NOT_ATTACHED: 'the storage is not plugged in on any suitable host',
  SR_HAS_NO_PBDS: 'the storage is not connected to any host',
  SR_FULL: 'the storage is full',
  VDI_MISSING: 'the storage does not have this disk',
  VDI_IN_USE: 'the disk is in use: by a running VM, a transfer, or a connection that is not taken down yet',
  VDI_INCOMPATIBLE_TYPE:
    'this kind of disk does not allow the operation; one whose data were destroyed only keeps its log',
  VDI_NO_CBT_METADATA: 'changed block tracking is off for this disk',
  VDI_CBT_ENABLED: 'changed block tracking is on for this disk, which excludes the operation',
  VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION: 'the disk is reset at each boot, which excludes the operation',
  VDI_NOT_MANAGED: 'the disk is not managed by the pool any more',
  VDI_IO_ERROR: 'the disk could not be read or written to its end',
  VDI_TOO_LARGE: 'the disk is too large for this format or storage',
  VDI_LOCATION_MISSING: 'a disk that the VM needs is not there and was not mapped to another',
  VM_BAD_POWER_STATE: 'the VM is not in the power state that this needs',
  DEFAULT_SR_NOT_FOUND: 'the pool has no default storage',
  IMPORT_INCOMPATIBLE_VERSION: 'the metadata come from a newer version than this pool',
  VM_TO_IMPORT_IS_NOT_NEWER_VERSION: 'the existing VM is newer than the one to import',
  DUPLICATE_MAC_SEED: 'another VM has the same generated network addresses',
  INTERNAL_ERROR: 'something unexpected happened inside the server',
}

/** A failure array as an error: `VDI_IN_USE: the disk is in use: … (OpaqueRef:…, destroy)`. The session is masked in it. */
export function failureError(failure: readonly string[], session?: string): XenApiError {
  const [code = 'INTERNAL_ERROR', ...params] = failure.map((text) => masked(text, session))
  const explanation = explanations[code]
  const details = params.filter((text) => text !== '').join(', ')
  const sentence = explanation === undefined ? details : `${explanation}${details === '' ? '' : ` (${details})`}`
  return new XenApiError('XENAPI_FAILURE', sentence === '' ? code : `${code}: ${sentence}`, {
    failure: [code, ...params],
  })
}

/** True when the pool answered with this XenAPI code. */
export const isFailure = (error: unknown, code: string): boolean =>
  error instanceof XenApiError && error.failure?.[0] === code

/** Text without the session reference, which is as good as a password. */
export const masked = (text: string, session: string | undefined): string =>
  session === undefined || session === ''
    ? text
    : text.replaceAll(session, '[session]').replaceAll(encodeURIComponent(session), '[session]')
