import type { Ref, VmRef } from '@tidemark/xenapi'
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
import { EXPORT_VERSION, type Ova } from './ova.ts'

export interface ExportScope {
  /** With the snapshots of the VMs. */
  readonly snapshots: boolean
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

/** Describes VMs with all that belongs to them, in a form that another pool can read. */
export function describeVms(pool: Pool, vms: readonly VmRef[], scope: ExportScope): Ova {
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
  return { version: versionOf(pool), objects }
}

function recordOf({ db }: Pool, className: ClassName, ref: AnyRef): AnyRecord {
  return db.get(className, ref as unknown as Ref<ClassName>) as unknown as AnyRecord
}

function versionOf(pool: Pool): Record<string, string> {
  const { hostname, software_version, API_version_major, API_version_minor } = pool.db.get('host', theHost(pool))
  return {
    hostname,
    date: software_version['date'] ?? '',
    product_version: software_version['product_version'] ?? '',
    product_brand: software_version['product_brand'] ?? '',
    build_number: software_version['build_number'] ?? '',
    xapi_major: String(API_version_major),
    xapi_minor: String(API_version_minor),
    export_vsn: EXPORT_VERSION,
  }
}

function choose(pool: Pool, vms: readonly VmRef[], { snapshots, excluded }: ExportScope): Chosen {
  const { db } = pool
  const chosen = new Map(ORDER.map((name) => [name, new Set<AnyRef>()]))
  const add = (className: (typeof ORDER)[number], ref: string): void => {
    if (recordExists(pool, className, ref)) chosen.get(className)?.add(ref as AnyRef)
  }
  const withSnapshots = vms.flatMap((vm) => (snapshots ? [vm, ...db.get('VM', vm).snapshots] : [vm]))
  for (const vm of withSnapshots) {
    const { VBDs, VIFs, VTPMs, metrics, guest_metrics, resident_on, affinity } = db.get('VM', vm)
    add('VM', vm)
    for (const host of [resident_on, affinity]) add('host', host)
    add('VM_metrics', metrics)
    add('VM_guest_metrics', guest_metrics)
    for (const vbd of excluded.has('vbd') ? [] : VBDs) {
      const { VDI } = db.get('VBD', vbd)
      add('VBD', vbd)
      add('VDI', VDI)
      const disk = db.find('VDI', VDI)
      if (disk !== undefined) add('SR', disk.SR)
    }
    for (const vif of excluded.has('vif') ? [] : VIFs) {
      add('VIF', vif)
      add('network', db.get('VIF', vif).network)
    }
    for (const vtpm of excluded.has('vtpm') ? [] : VTPMs) add('VTPM', vtpm)
  }
  return chosen
}

const recordExists = ({ db }: Pool, className: ClassName, ref: string): boolean => db.rows(className).has(ref as AnyRef)

function describe(
  className: ClassName,
  record: AnyRecord,
  ids: ReadonlyMap<string, string>,
  { snapshots }: ExportScope,
): WireStruct {
  const cleaned = className === 'VM' ? cleanedVm(record, snapshots) : withoutOperations(record)
  const wire = encodeTyped(parseType(`${className} record`), cleaned, 'xml')
  if (!isStruct(wire)) throw new TypeError(`a ${className} record that is no struct`)
  return translate(className, wire, ids)
}

const withoutOperations = (record: AnyRecord): AnyRecord =>
  'current_operations' in record ? { ...record, allowed_operations: [], current_operations: {} } : record

function cleanedVm(record: AnyRecord, snapshots: boolean): AnyRecord {
  const cleaned = { ...withoutOperations(record), consoles: [], blobs: {}, crash_dumps: [] }
  if (snapshots) return cleaned
  const alone = { is_a_snapshot: false, snapshot_of: NULL_REF, snapshots: [], snapshot_time: new Date(0) }
  return { ...cleaned, ...alone, parent: NULL_REF, children: [] }
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
