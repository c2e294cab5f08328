import type { Ref, VdiRef, VmRecord, VmRef, VtpmRecord } from '@tidemark/xenapi'
import {
  apiClasses,
  encodeTyped,
  isStruct,
  NULL_REF,
  parseType,
  structOf,
  type WireStruct,
  type WireValue,
} from '@tidemark/xenapi/codec'
import { isClassName, type AnyRecord, type AnyRef, type ClassName } from '../database/tables.ts'
import { theHost, type Pool } from '../pool.ts'
import { EXPORT_VERSION, type Ova, type XapiVersion } from './ova.ts'
import { describeVtpm } from './vtpm.ts'

export interface ExportScope {
  /** With the snapshots of the VMs, and the parents that they have. */
  readonly snapshots: boolean
  /** As they are: else the VMs are halted, and nothing is attached to them. */
  readonly powerState: boolean
  /** Of vif, vbd, vgpu, vtpm. */
  readonly excluded: ReadonlySet<string>
}

/** xapi writes classes in this order. */
const ORDER = [
  'host',
  'VM',
  'VM_metrics',
  'VM_guest_metrics',
  'VBD',
  'VIF',
  'network',
  'VDI',
  'SR',
  'VTPM',
] as const satisfies readonly ClassName[]

type Chosen = ReadonlyMap<(typeof ORDER)[number], ReadonlySet<AnyRef>>

/** A description, and what its references stand for. */
export interface Description {
  readonly ova: Ova
  /** `Ref:<n>` by reference. */
  readonly ids: ReadonlyMap<string, string>
}

/** Describes VMs with all that belongs to them, in a form that another pool can read. */
export function describeVms(pool: Pool, vms: readonly VmRef[], scope: ExportScope): Description {
  const chosen = choose(pool, vms, scope)
  const ids = new Map<string, string>()
  for (const className of ORDER) for (const ref of chosen.get(className) ?? []) ids.set(ref, `Ref:${ids.size}`)
  const objects = ORDER.flatMap((className) =>
    [...(chosen.get(className) ?? [])].map((ref) => ({
      class: className,
      id: ids.get(ref) ?? NULL_REF,
      snapshot: describe(className, recordOf(pool, className, ref), ids, scope),
    })),
  )
  return { ova: { version: versionOf(pool), objects }, ids }
}

function recordOf({ db }: Pool, className: ClassName, ref: AnyRef): AnyRecord {
  return db.get(className, ref as unknown as Ref<ClassName>) as unknown as AnyRecord
}

/** The release of xapi that this pool says it has. */
export function xapiVersion(pool: Pool): XapiVersion {
  const { software_version } = pool.db.get('host', theHost(pool))
  const [major = 0, minor = 0] = (software_version['xapi'] ?? '').split('.').map(Number)
  return { major, minor }
}

function versionOf(pool: Pool): Record<string, string> {
  const { hostname, software_version } = pool.db.get('host', theHost(pool))
  const { major, minor } = xapiVersion(pool)
  return {
    hostname,
    date: software_version['date'] ?? '',
    product_version: software_version['product_version'] ?? '',
    product_brand: software_version['product_brand'] ?? '',
    build_number: software_version['build_number'] ?? '',
    xapi_major: String(major),
    xapi_minor: String(minor),
    export_vsn: EXPORT_VERSION,
  }
}

function choose(pool: Pool, vms: readonly VmRef[], scope: ExportScope): Chosen {
  const { db } = pool
  const chosen = new Map(ORDER.map((name) => [name, new Set<AnyRef>()]))
  const add = (className: (typeof ORDER)[number], ref: string): void => {
    if (recordExists(pool, className, ref)) chosen.get(className)?.add(ref as AnyRef)
  }
  const family = (vm: VmRef): readonly VmRef[] => {
    const { snapshots, parent } = db.get('VM', vm)
    return scope.snapshots ? [vm, ...snapshots, parent].filter((each) => db.find('VM', each) !== undefined) : [vm]
  }
  for (const vm of vms.flatMap(family)) chooseVm(pool, db.get('VM', vm), { vm, scope, add })
  return chosen
}

interface Choice {
  readonly vm: VmRef
  readonly scope: ExportScope
  readonly add: (className: (typeof ORDER)[number], ref: string) => void
}

function chooseVm(pool: Pool, record: VmRecord, { vm, scope: { excluded, powerState }, add }: Choice): void {
  const { db } = pool
  const { VBDs, VIFs, VTPMs, metrics, guest_metrics, resident_on, affinity, suspend_VDI, power_state } = record
  const addDisk = (vdi: VdiRef): void => {
    const disk = db.find('VDI', vdi)
    add('VDI', vdi)
    if (disk !== undefined) add('SR', disk.SR)
  }
  add('VM', vm)
  for (const host of [resident_on, affinity]) add('host', host)
  add('VM_metrics', metrics)
  add('VM_guest_metrics', guest_metrics)
  for (const vbd of excluded.has('vbd') ? [] : VBDs) {
    add('VBD', vbd)
    addDisk(db.get('VBD', vbd).VDI)
  }
  for (const vif of excluded.has('vif') ? [] : VIFs) {
    add('VIF', vif)
    add('network', db.get('VIF', vif).network)
  }
  for (const vtpm of excluded.has('vtpm') ? [] : VTPMs) add('VTPM', vtpm)
  if (powerState && power_state === 'Suspended') addDisk(suspend_VDI)
}

const recordExists = ({ db }: Pool, className: ClassName, ref: string): boolean => db.rows(className).has(ref as AnyRef)

function describe(
  className: ClassName,
  record: AnyRecord,
  ids: ReadonlyMap<string, string>,
  scope: ExportScope,
): WireStruct {
  if (className === 'VTPM') {
    const vtpm = record as unknown as VtpmRecord
    return describeVtpm(vtpm, idOf(ids, vtpm.VM))
  }
  const wire = encodeTyped(parseType(`${className} record`), cleaned(className, record, scope), 'xml')
  if (!isStruct(wire)) throw new TypeError(`a ${className} record that is no struct`)
  return translate(className, wire, ids)
}

/** What is of no use to another pool is left out. */
function cleaned(className: ClassName, record: AnyRecord, scope: ExportScope): AnyRecord {
  const idle = 'current_operations' in record ? { ...record, allowed_operations: [], current_operations: {} } : record
  if (className === 'VM') return cleanedVm(idle, scope)
  if (className === 'host') return { ...idle, ...HOST_SECRETS }
  return !scope.powerState && 'currently_attached' in idle ? { ...idle, currently_attached: false } : idle
}

/** Of a host only its identity matters. */
const HOST_SECRETS = {
  license_params: {},
  external_auth_type: '',
  external_auth_service_name: '',
  external_auth_configuration: {},
  logging: {},
  supported_bootloaders: [],
  cpu_configuration: {},
  other_config: {},
  capabilities: [],
  software_version: {},
  sched_policy: '',
  ha_statefiles: [],
  ha_network_peers: [],
  tags: [],
  blobs: {},
}

function cleanedVm(record: AnyRecord, { snapshots, powerState }: ExportScope): AnyRecord {
  const always = { ...record, consoles: [], blobs: {}, crash_dumps: [], protection_policy: NULL_REF }
  const halted = powerState ? always : { ...always, power_state: 'Halted', suspend_VDI: NULL_REF }
  if (snapshots) return halted
  const alone = { is_a_snapshot: false, snapshot_of: NULL_REF, snapshots: [], snapshot_time: new Date(0) }
  return { ...halted, ...alone, transportable_snapshot_id: '', parent: NULL_REF, children: [] }
}

/** Replaces the references inside a record by those of the file; what the file lacks is null. */
function translate(className: ClassName, wire: WireStruct, ids: ReadonlyMap<string, string>): WireStruct {
  const fields = isClassName(className) ? apiClasses[className]?.fields : undefined
  return structOf(
    Object.entries(wire).map(([name, value]) => {
      const type = parseType(fields?.[name]?.type ?? 'string')
      if (type.kind === 'ref') return [name, idOf(ids, value)]
      if (type.kind !== 'set' || type.of.kind !== 'ref' || !Array.isArray(value)) return [name, value]
      return [name, (value as readonly WireValue[]).map((item) => idOf(ids, item)).filter((id) => id !== NULL_REF)]
    }),
  )
}

const idOf = (ids: ReadonlyMap<string, string>, ref: WireValue): string =>
  (typeof ref === 'string' ? ids.get(ref) : undefined) ?? NULL_REF
