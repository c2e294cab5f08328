import type { SrRef, TaskRef, VbdRef, VdiRef, VifRef, VmRef, VtpmRef } from '@tidemark/xenapi'
import type { Database, Derived, Touched } from '../database/database.ts'
import type { AnyRef, ClassName } from '../database/tables.ts'
import { allowedOnSr } from './sr-operation.ts'
import { allowedOnVbd } from './vbd-operation.ts'
import { allowedOnVdi } from './vdi-operation.ts'
import { allowedOnVif } from './vif-operation.ts'
import { allowedOnVm } from './vm-operation.ts'

/**
 * What follows from a change and is part of it, so that no client ever sees one without the other: allowed_operations of
 * whatever it may have altered, and the sizes of SRs. Only what differs from before is given.
 */
export function* derivedFields(db: Database, touched: Touched): Generator<Derived> {
  const { VMs, VBDs, VIFs, VDIs, SRs, VTPMs } = affected(db, touched)
  yield* changes(db, 'VM', VMs, (ref) => allowedOnVm(db, ref as unknown as VmRef))
  yield* changes(db, 'VDI', VDIs, (ref) => allowedOnVdi(db, ref as unknown as VdiRef))
  yield* changes(db, 'VBD', VBDs, (ref) => allowedOnVbd(db, ref as unknown as VbdRef))
  yield* changes(db, 'VIF', VIFs, (ref) => allowedOnVif(db, ref as unknown as VifRef))
  yield* changes(db, 'SR', SRs, (ref) => allowedOnSr(db, ref as unknown as SrRef))
  yield* changes(db, 'VTPM', VTPMs, (ref) => allowedOnVtpm(db, ref as unknown as VtpmRef))
  for (const sr of SRs) yield* usage(db, sr)
  yield* changes(db, 'task', touched.get('task') ?? [], (ref) => allowedOnTask(db, ref as unknown as TaskRef))
}

type Refs = Set<AnyRef>

/** What a drive may do depends on its VM and its disk, and the other way round. */
function affected(db: Database, touched: Touched) {
  const of = (className: ClassName): Refs => new Set(touched.get(className))
  const [VMs, VBDs, VIFs, VDIs, SRs, VTPMs] = [of('VM'), of('VBD'), of('VIF'), of('VDI'), of('SR'), of('VTPM')]
  for (const pbd of touched.get('PBD') ?? []) addAll(SRs, [field(db, 'PBD', pbd, 'SR')])
  const pluggedSrs = touched.has('PBD') ? [...SRs] : []
  for (const sr of pluggedSrs) addAll(VDIs, list(db, 'SR', sr, 'VDIs'))
  for (const vdi of touched.get('VDI') ?? []) addAll(SRs, [field(db, 'VDI', vdi, 'SR')])
  for (const vbd of VBDs) addAll(VDIs, [field(db, 'VBD', vbd, 'VDI')])
  for (const vdi of VDIs) addAll(VBDs, list(db, 'VDI', vdi, 'VBDs'))
  for (const vbd of VBDs) addAll(VMs, [field(db, 'VBD', vbd, 'VM')])
  for (const vm of VMs) {
    addAll(VBDs, list(db, 'VM', vm, 'VBDs'))
    addAll(VIFs, list(db, 'VM', vm, 'VIFs'))
    addAll(VTPMs, list(db, 'VM', vm, 'VTPMs'))
  }
  return { VMs, VBDs, VIFs, VDIs, SRs, VTPMs }
}

function addAll(set: Refs, refs: readonly AnyRef[]): void {
  for (const ref of refs) set.add(ref)
}

const field = (db: Database, className: ClassName, ref: AnyRef, name: string): AnyRef =>
  (db.rows(className).get(ref)?.record[name] ?? '') as AnyRef

const list = (db: Database, className: ClassName, ref: AnyRef, name: string): readonly AnyRef[] =>
  (db.rows(className).get(ref)?.record[name] ?? []) as readonly AnyRef[]

function* changes(
  db: Database,
  className: ClassName,
  refs: Iterable<AnyRef>,
  allowed: (ref: AnyRef) => readonly string[],
): Generator<Derived> {
  for (const ref of refs) {
    const before = db.rows(className).get(ref)?.record['allowed_operations'] as readonly string[] | undefined
    if (before === undefined) continue // it is gone
    const now = allowed(ref)
    const same = before.length === now.length && now.every((each, index) => each === before[index])
    if (!same) yield { className, ref, fields: { allowed_operations: now } }
  }
}

function allowedOnVtpm(db: Database, ref: VtpmRef): readonly string[] {
  const { power_state } = db.get('VM', db.get('VTPM', ref).VM)
  return power_state === 'Halted' ? ['destroy'] : []
}

const allowedOnTask = (db: Database, ref: TaskRef): readonly string[] =>
  db.get('task', ref).status === 'pending' ? ['cancel', 'destroy'] : []

/** What the disks of an SR may grow to. What they occupy is known to the storage alone: a scan looks. */
function* usage(db: Database, ref: AnyRef): Generator<Derived> {
  const sr = db.find('SR', ref as unknown as SrRef)
  if (sr === undefined) return
  const virtual_allocation = sr.VDIs.reduce((sum, vdi) => sum + db.get('VDI', vdi).virtual_size, 0)
  if (virtual_allocation !== sr.virtual_allocation) yield { className: 'SR', ref, fields: { virtual_allocation } }
}
