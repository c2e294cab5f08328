import type { VmOperations, VmPowerState, VmRecord, VmRef } from '@tidemark/xenapi'
import { apiEnums } from '@tidemark/xenapi/codec'
import type { Call } from '../calls/call.ts'
import type { Refusal } from '../calls/failure.ts'
import type { Database } from '../database/database.ts'

/** What may be done to a VM, and what is said otherwise. xapi: xapi_vm_lifecycle.ml */

const ANY: readonly VmPowerState[] = ['Halted', 'Paused', 'Suspended', 'Running']
const HALTED: readonly VmPowerState[] = ['Halted']
const RUNNING: readonly VmPowerState[] = ['Running']
const UP: readonly VmPowerState[] = ['Paused', 'Running']
const STARTED: readonly VmPowerState[] = ['Paused', 'Suspended', 'Running']

/** In which states an operation makes sense, in the order in which a refusal lists them. Operations left out: Running. */
const STATES: Readonly<Partial<Record<VmOperations, readonly VmPowerState[]>>> = {
  import: [],
  changing_VCPUs: HALTED,
  changing_static_range: HALTED,
  changing_memory_limits: HALTED,
  changing_shadow_memory: HALTED,
  changing_NVRAM: HALTED,
  make_into_template: HALTED,
  provision: HALTED,
  start: HALTED,
  start_on: HALTED,
  create_vtpm: HALTED,
  unpause: ['Paused'],
  csvm: ['Suspended'],
  resume: ['Suspended'],
  resume_on: ['Suspended'],
  changing_dynamic_range: ['Halted', 'Running'],
  clone: HALTED,
  copy: HALTED,
  create_template: ['Halted', 'Suspended'],
  destroy: ['Halted', 'Suspended'],
  export: ['Halted', 'Suspended'],
  hard_reboot: UP,
  checkpoint: STARTED,
  get_boot_record: STARTED,
  shutdown: STARTED,
  hard_shutdown: STARTED,
  migrate_send: ['Halted', 'Suspended', 'Running'],
  assert_operation_valid: ANY,
  metadata_export: ANY,
  power_state_reset: ANY,
  revert: ANY,
  reverting: ANY,
  snapshot: ANY,
  update_allowed_operations: ANY,
  query_services: ANY,
}

/** A control domain always runs: it is resized while it does. */
const ALSO_OF_RUNNING_HOSTS: ReadonlySet<VmOperations> = new Set([
  'changing_VCPUs',
  'changing_static_range',
  'changing_memory_limits',
])

function statesFor(operation: VmOperations, { is_control_domain, is_a_snapshot }: VmRecord): readonly VmPowerState[] {
  if (is_control_domain && ALSO_OF_RUNNING_HOSTS.has(operation)) return ['Halted', 'Running']
  if (is_a_snapshot && (operation === 'clone' || operation === 'copy')) return ['Halted', 'Suspended']
  return STATES[operation] ?? RUNNING
}

/** Operations of which several may run at once, as long as all of them are of one group. */
const SIDE_BY_SIDE: readonly ReadonlySet<VmOperations>[] = [
  new Set(['clone', 'copy', 'export']),
  new Set(['snapshot', 'checkpoint']),
  new Set(['get_boot_record']),
]

function canRunBeside(operation: VmOperations, others: readonly VmOperations[]): boolean {
  if (SIDE_BY_SIDE.some((group) => group.has(operation) && others.every((other) => group.has(other)))) return true
  if (operation === 'hard_shutdown') return !others.includes('hard_shutdown')
  if (operation === 'hard_reboot') return !others.includes('hard_shutdown') && !others.includes('hard_reboot')
  const [only] = others
  if (others.length !== 1) return false
  if (only === 'snapshot_with_quiesce') return operation === 'snapshot'
  const whileMigrating: readonly VmOperations[] = ['metadata_export', 'clean_shutdown', 'clean_reboot']
  return only === 'migrate_send' && whileMigrating.includes(operation)
}

const FOR_TEMPLATES: ReadonlySet<VmOperations> = new Set([
  'changing_dynamic_range',
  'changing_static_range',
  'changing_memory_limits',
  'changing_shadow_memory',
  'changing_VCPUs',
  'changing_NVRAM',
  'clone',
  'copy',
  'export',
  'metadata_export',
  'provision',
])

const FOR_SNAPSHOTS: ReadonlySet<VmOperations> = new Set([
  'revert',
  'clone',
  'copy',
  'export',
  'destroy',
  'hard_shutdown',
  'metadata_export',
])

const FOR_CONTROL_DOMAINS: ReadonlySet<VmOperations> = new Set([
  'data_source_op',
  'changing_memory_live',
  'awaiting_memory_live',
  'metadata_export',
  'changing_dynamic_range',
  'changing_memory_limits',
  'changing_static_range',
  'start',
  'start_on',
])

const MOVING: ReadonlySet<VmOperations> = new Set(['suspend', 'checkpoint', 'pool_migrate', 'migrate_send'])

/** Why an operation is refused, the first reason in xapi's order; undefined when it may go on. */
export function vmRefusal(db: Database, ref: VmRef, operation: VmOperations): Refusal | undefined {
  const vm = db.get('VM', ref)
  return (
    blocked(ref, vm, operation) ??
    inWrongState(ref, vm, operation) ??
    busy(ref, vm, operation) ??
    ofWrongKind(ref, vm, operation) ??
    ofControlDomain(vm, operation) ??
    ofDevices(db, ref, vm, operation)
  )
}

function blocked(ref: VmRef, { blocked_operations }: VmRecord, operation: VmOperations): Refusal | undefined {
  const code = blocked_operations[operation]
  return code === undefined ? undefined : ['OPERATION_BLOCKED', ref, code]
}

function inWrongState(ref: VmRef, vm: VmRecord, operation: VmOperations): Refusal | undefined {
  const states = statesFor(operation, vm)
  if (states.includes(vm.power_state)) return undefined
  const expected = states.map((state) => state.toLowerCase()).join(', ')
  return ['VM_BAD_POWER_STATE', ref, expected, vm.power_state.toLowerCase()]
}

function busy(ref: VmRef, { current_operations }: VmRecord, operation: VmOperations): Refusal | undefined {
  const running = Object.entries(current_operations)
  const [first] = running
  if (first === undefined) return undefined
  const names = running.map(([, name]) => name)
  if (canRunBeside(operation, names)) return undefined
  const texts = running.length === 1 ? [first[1], first[0]] : [list(names), list(running.map(([key]) => key))]
  return ['OTHER_OPERATION_IN_PROGRESS', 'VM', ref, ...texts]
}

const list = (texts: readonly string[]): string => `{${texts.join(',')}}`

function ofWrongKind(ref: VmRef, vm: VmRecord, operation: VmOperations): Refusal | undefined {
  if (vm.is_a_snapshot) {
    if (!FOR_SNAPSHOTS.has(operation)) return ['VM_IS_SNAPSHOT', ref, operation]
  } else if (vm.is_a_template) {
    const gone = operation === 'destroy' || operation === 'migrate_send'
    const allowed = FOR_TEMPLATES.has(operation) || (gone && !isDefaultTemplate(vm))
    if (!allowed) return ['VM_IS_TEMPLATE', ref, operation]
  }
  if (operation === 'provision' && !vm.is_a_template) return ['ONLY_PROVISION_TEMPLATE']
  if (operation === 'revert' && !vm.is_a_snapshot) return ['ONLY_REVERT_SNAPSHOT']
  const { nomigrate, 'nested-virt': nested } = vm.platform
  if (MOVING.has(operation) && (isTrue(nomigrate) || isTrue(nested))) return ['VM_IS_IMMOBILE', ref]
  return undefined
}

const isTrue = (text: string | undefined): boolean => text === '1' || text?.toLowerCase() === 'true'

export const isDefaultTemplate = ({ is_default_template, other_config }: VmRecord): boolean =>
  is_default_template || isTrue(other_config['default_template'])

function ofControlDomain({ is_control_domain, domid }: VmRecord, operation: VmOperations): Refusal | undefined {
  if (!is_control_domain) return undefined
  if ((operation === 'changing_VCPUs' || operation === 'destroy') && domid === 0) {
    return ['OPERATION_NOT_ALLOWED', 'This operation is not allowed on dom0']
  }
  const allowed = FOR_CONTROL_DOMAINS.has(operation) || operation === 'changing_VCPUs' || operation === 'destroy'
  return allowed ? undefined : ['OPERATION_NOT_ALLOWED', 'This operation is not allowed on a control domain']
}

const FREEZING: ReadonlySet<VmOperations> = new Set(['checkpoint', 'snapshot', 'suspend', 'snapshot_with_quiesce'])

function ofDevices(db: Database, ref: VmRef, vm: VmRecord, operation: VmOperations): Refusal | undefined {
  if (operation === 'snapshot_with_quiesce') return ['VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED', ref]
  if (operation === 'query_services' && !isTrue(vm.other_config['is_system_domain'])) return ['NOT_SYSTEM_DOMAIN', ref]
  if (FREEZING.has(operation)) {
    const disks = vm.VBDs.map((vbd) => db.find('VDI', db.get('VBD', vbd).VDI))
    if (disks.some((disk) => disk?.on_boot === 'reset')) return ['VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION']
  }
  if (operation === 'create_vtpm' && vm.VTPMs.length > 0) return ['VTPM_MAX_AMOUNT_REACHED', String(vm.VTPMs.length)]
  return undefined
}

/** Operations that are never listed, although they may be valid. */
const UNLISTED: ReadonlySet<string> = new Set<VmOperations>([
  'create_template',
  'power_state_reset',
  'csvm',
  'get_boot_record',
  'send_sysrq',
  'send_trigger',
  'query_services',
  'shutdown',
  'call_plugin',
  'changing_memory_live',
  'awaiting_memory_live',
  'changing_memory_limits',
  'changing_shadow_memory_live',
  'changing_VCPUs',
  'assert_operation_valid',
  'data_source_op',
  'update_allowed_operations',
  'import',
  'reverting',
])

const LISTED = (apiEnums['vm_operations'] ?? []).filter((each) => !UNLISTED.has(each)) as VmOperations[]

/** What VM.allowed_operations says. */
export const allowedOnVm = (db: Database, vm: VmRef): readonly VmOperations[] =>
  LISTED.filter((operation) => vmRefusal(db, vm, operation) === undefined)

/** Runs an operation on a VM, noted in its current_operations while it runs. */
export function operateOnVm<Result>(
  call: Call,
  vm: VmRef,
  operation: VmOperations,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  const { db, operations } = call.pool
  const noted = { class: 'VM', ref: vm, operation, refusal: () => vmRefusal(db, vm, operation) } as const
  return operations.during(call, [noted], async () => work())
}
