/** What a failure of the pool is called, and the names of its parameters in their order. */
export interface FailureText {
  readonly text: string
  readonly params: readonly string[]
}

const failure = (text: string, ...params: readonly string[]): FailureText => ({ text, params })

/**
 * The failures that work with disks and VMs meets. Names of parameters are those of xapi's error table (datamodel_errors), and so
 * are texts that are no more than a phrase; longer ones are told in our words.
 */
export const failureTexts: Readonly<Record<string, FailureText>> = {
  SESSION_INVALID: failure('You gave an invalid session reference. It ended or timed out; log in again.', 'handle'),
  SESSION_NOT_REGISTERED: failure('This session is not registered to receive events.', 'handle'),
  HOST_IS_SLAVE: failure(
    'This host is a supporter of its pool. Make API calls to the coordinator.',
    'Master IP address',
  ),
  RBAC_PERMISSION_DENIED: failure('RBAC permission denied.', 'permission', 'message'),
  HANDLE_INVALID: failure('You gave an invalid object reference. The object may have been deleted.', 'class', 'handle'),
  UUID_INVALID: failure('The uuid you supplied was invalid.', 'type', 'uuid'),
  MESSAGE_METHOD_UNKNOWN: failure('You tried to call a method that does not exist.', 'method'),
  MESSAGE_PARAMETER_COUNT_MISMATCH: failure(
    'You tried to call a method with the wrong number of parameters.',
    'method',
    'expected',
    'received',
  ),
  MESSAGE_REMOVED: failure('This function is no longer available.'),
  MESSAGE_DEPRECATED: failure('This message has been deprecated.'),
  FIELD_TYPE_ERROR: failure('The value specified is of the wrong type', 'field'),
  INVALID_VALUE: failure('The value given is invalid', 'field', 'value'),
  MAP_DUPLICATE_KEY: failure(
    'You tried to add a key-value pair to a map, but that key is already there.',
    'type',
    'param_name',
    'uuid',
    'key',
  ),
  OPERATION_NOT_ALLOWED: failure('You attempted an operation that was not allowed.', 'reason'),
  OPERATION_BLOCKED: failure('You attempted an operation that is blocked for this object.', 'ref', 'code'),
  OTHER_OPERATION_IN_PROGRESS: failure(
    'Another operation involving the object is currently in progress',
    'class',
    'object',
    'operation_type',
    'operation_ref',
  ),
  TOO_MANY_PENDING_TASKS: failure('The request was rejected: the server has too many pending tasks.'),
  TASK_CANCELLED: failure('The task was cancelled.', 'task'),
  EVENT_FROM_TOKEN_PARSE_FAILURE: failure('The event.from token could not be parsed.', 'token'),
  EVENT_SUBSCRIPTION_PARSE_FAILURE: failure('The event subscription could not be parsed.', 'subscription'),
  EVENTS_LOST: failure('Some events have been lost from the queue and cannot be retrieved.'),
  LICENSE_RESTRICTION: failure('The licence of this pool lacks a feature that the operation needs.', 'feature'),
  CANNOT_CONTACT_HOST: failure('The server cannot be contacted: it may be switched off or unreachable.', 'host'),
  NOT_SUPPORTED_DURING_UPGRADE: failure('This operation is not supported during an upgrade.'),
  INTERNAL_ERROR: failure('The server met an internal error; its message may tell more.', 'message'),
  SR_OPERATION_NOT_SUPPORTED: failure(
    "The SR backend does not support the operation (check the SR's allowed operations)",
    'sr',
  ),
  SR_NOT_ATTACHED: failure('The SR is not attached.', 'sr'),
  SR_HAS_NO_PBDS: failure('The SR has no attached PBDs', 'sr'),
  SR_FULL: failure('The SR is full. Requested new size exceeds the maximum size', 'requested', 'maximum'),
  VDI_MISSING: failure('The storage does not have this VDI', 'sr', 'vdi'),
  VDI_IN_USE: failure('The VDI is in use by some other operation', 'vdi', 'operation'),
  VDI_INCOMPATIBLE_TYPE: failure('A VDI of this type does not allow the operation', 'vdi', 'type'),
  VDI_NO_CBT_METADATA: failure('The VDI has no changed block tracking metadata, which the operation needs.', 'vdi'),
  VDI_CBT_ENABLED: failure('CBT is enabled for the VDI, which excludes the operation.', 'vdi'),
  VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION: failure(
    "VDIs in the 'on-boot=reset' mode, and VMs with such VDIs, do not allow the operation.",
  ),
  VDI_NOT_MANAGED: failure('The system does not manage this VDI', 'vdi'),
  VDI_READONLY: failure('The operation required write access but this VDI is read-only', 'vdi'),
  VDI_IS_A_PHYSICAL_DEVICE: failure('The operation cannot be performed on physical device', 'vdi'),
  VDI_TOO_SMALL: failure('The VDI is too small. It needs at least the minimum size.', 'vdi', 'minimum size'),
  VDI_TOO_LARGE: failure('The VDI is too large.', 'vdi', 'maximum size'),
  VDI_NOT_SPARSE: failure('The VDI is not stored sparsely, so differences cannot be told.', 'vdi'),
  VDI_IO_ERROR: failure('I/O errors: the data of the VDI could not be read or written to the end.', 'device'),
  VDI_LOCATION_MISSING: failure('The VDI could not be found in the specified SR', 'sr', 'location'),
  LOCATION_NOT_UNIQUE: failure('A VDI with the specified location already exists within the SR', 'SR', 'location'),
  VM_BAD_POWER_STATE: failure('The VM is not in a power state that allows the operation.', 'vm', 'expected', 'actual'),
  VM_CANNOT_DELETE_DEFAULT_TEMPLATE: failure('You cannot delete the specified default template.', 'vm'),
  VBD_NOT_UNPLUGGABLE: failure('The drive is not marked as unpluggable', 'vbd'),
  VBD_CDS_MUST_BE_READONLY: failure('Read/write CDs are not supported'),
  VBD_IS_EMPTY: failure('Operation could not be performed because the drive is empty', 'vbd'),
  DEVICE_ALREADY_ATTACHED: failure('The device is already attached to a VM', 'device'),
  DEVICE_ALREADY_DETACHED: failure('The device is not currently attached', 'device'),
  DEVICE_ALREADY_EXISTS: failure('A device with the name given already exists on the selected VM', 'device'),
  DEVICE_DETACH_REJECTED: failure('The VM rejected the attempt to detach the device.', 'type', 'ref', 'msg'),
  DEVICE_DETACH_TIMEOUT: failure('The VM did not detach the device in time.', 'type', 'ref'),
  INVALID_DEVICE: failure('The device name is invalid', 'device'),
  NETWORK_INCOMPATIBLE_PURPOSES: failure(
    'The new purpose does not go together with a purpose that this or another network has.',
    'new_purpose',
    'conflicting_purpose',
  ),
  NETWORK_UNMANAGED: failure('The network is not managed by xapi.', 'network'),
  DEFAULT_SR_NOT_FOUND: failure('The default SR reference does not point to a valid SR', 'sr'),
  IMPORT_INCOMPATIBLE_VERSION: failure('The export was made by a product version that this one cannot import'),
  IMPORT_ERROR_PREMATURE_EOF: failure('The VM could not be imported; the file ends too early.'),
  IMPORT_ERROR_UNEXPECTED_FILE: failure(
    'The VM could not be imported because the XVA file is invalid: an unexpected file was encountered.',
    'filename_expected',
    'filename_found',
  ),
  IMPORT_ERROR_FAILED_TO_FIND_OBJECT: failure('The VM could not be imported; an object it needs is missing.', 'id'),
  IMPORT_ERROR_SOME_CHECKSUMS_FAILED: failure('Some data checksums were incorrect; the VM may be corrupt.'),
  IMPORT_ERROR_CANNOT_HANDLE_CHUNKED: failure('Cannot import VM using chunked encoding.'),
  IMPORT_ERROR_ATTACHED_DISKS_NOT_FOUND: failure('The VM could not be imported; its attached disks are missing.'),
  VM_TO_IMPORT_IS_NOT_NEWER_VERSION: failure(
    'The VM is not newer than the existing one, so it is imported only by force.',
    'vm',
    'existing_version',
    'version_to_import',
  ),
  DUPLICATE_MAC_SEED: failure('This MAC seed is already in use by a VM in the pool', 'seed'),
}
