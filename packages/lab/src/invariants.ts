import type { VbdRecord, VdiRef, VmRecord, VmRef } from '@tidemark/xenapi'
import { apiClasses, NULL_REF, parseType, type ApiType } from '@tidemark/xenapi/codec'
import type { Database, DatabaseOptions } from './database/database.ts'
import { RELATIONS } from './database/relations.ts'
import { classNames, isClassName, type AnyRef, type ClassName } from './database/tables.ts'
import type { Storage } from './storage/index.ts'

/** Something about the pool's objects that must never be seen. */
export interface Violation {
  readonly rule:
    | 'every reference resolves'
    | 'both sides of a relation agree'
    | 'an object that belongs to another has one owner'
    | 'a drive holds a disk or is empty'
    | 'slots are used once'
    | 'a disk has one writer'
    | 'power and devices agree'
    | 'operations under way belong to tasks'
    | 'records and disks agree'
    | 'chains of change logs are linear'
    | 'snapshots of one thing have different times'
    | 'what follows from objects is up to date'
  readonly class: ClassName
  readonly ref: string
  readonly detail: string
}

/** What the rules look at. */
export interface Subject {
  readonly db: Database
  readonly storage: Pick<Storage, 'list' | 'has' | 'hasData' | 'isTracked' | 'sizeOf' | 'chainLink'>
  /**
   * Whether nothing is under way: records and disks agree then, and nothing is noted in current_operations. While a call
   * works they may differ.
   */
  readonly idle: boolean
  /** What follows from objects, by how it is derived at every change; left out: not looked at. */
  readonly derive?: DatabaseOptions['derive']
}

/** Every rule that the pool breaks right now; none in a healthy one. Looks at one moment: it never waits. */
export function violations(subject: Subject): readonly Violation[] {
  const { db, idle } = subject
  const rules = [references, relations, owners, drives, slots, writers, power, operations, times]
  return [
    ...rules.flatMap((rule) => rule(db)),
    ...outdated(subject),
    ...(idle ? [...storage(subject), ...idleness(db)] : []),
  ]
}

/** Fields that may outlive what they name, in xapi as here: the object is gone, and the field still says which it was. */
const OUTLIVING: ReadonlySet<string> = new Set([
  'VM.snapshot_of',
  'VDI.snapshot_of',
  'VM.affinity',
  'VM.suspend_SR',
  'pool.default_SR',
  'pool.suspend_image_SR',
  'pool.crash_dump_SR',
  'host.suspend_image_sr',
  'host.crash_dump_sr',
  'session.tasks',
])

function references(db: Database): Violation[] {
  return eachField(db).flatMap(({ className, ref, field, type, value }) => {
    if (OUTLIVING.has(`${className}.${field}`)) return []
    return refsIn(type, value).flatMap(([target, to]): Violation[] => {
      if (to === NULL_REF) return []
      const there = isClassName(target) && db.rows(target).has(to)
      const detail = `${field} names ${target} ${to}, which is not there`
      return there ? [] : [{ rule: 'every reference resolves', class: className, ref, detail }]
    })
  })
}

interface FieldValue {
  readonly className: ClassName
  readonly ref: AnyRef
  readonly field: string
  readonly type: ApiType
  readonly value: unknown
}

function eachField(db: Database): FieldValue[] {
  return classNames.flatMap((className) => {
    const fields = Object.values(apiClasses[className]?.fields ?? {}).map(
      ({ name, type }) => [name, parseType(type)] as const,
    )
    const referring = fields.filter(([, type]) => holdsRefs(type))
    return [...db.rows(className)].flatMap(([ref, { record }]) =>
      referring.map(([field, type]) => ({ className, ref, field, type, value: record[field] })),
    )
  })
}

function holdsRefs(type: ApiType): boolean {
  if (type.kind === 'set') return holdsRefs(type.of)
  if (type.kind === 'map') return holdsRefs(type.key) || holdsRefs(type.value)
  return type.kind === 'ref'
}

/** The references that a value holds, each with its class. */
function refsIn(type: ApiType, value: unknown): (readonly [string, AnyRef])[] {
  if (type.kind === 'ref') return [[type.class, value as AnyRef]]
  if (type.kind === 'set') return (value as readonly unknown[]).flatMap((each) => refsIn(type.of, each))
  if (type.kind !== 'map') return []
  const entries = Object.entries(value as object)
  return entries.flatMap(([key, each]) => [...refsIn(type.key, key), ...refsIn(type.value, each)])
}

function relations(db: Database): Violation[] {
  const rule = 'both sides of a relation agree'
  return RELATIONS.flatMap(({ from, field, to, list }) => {
    const listed = [...db.rows(to)].flatMap(([owner, { record }]) =>
      (record[list] as readonly AnyRef[]).map((ref) => [owner, ref] as const),
    )
    const pairs = new Set(listed.map(([owner, ref]) => `${owner} ${ref}`))
    const missing = [...db.rows(from)].flatMap(([ref, { record }]): Violation[] => {
      const owner = record[field] as AnyRef
      if (!db.rows(to).has(owner) || pairs.has(`${owner} ${ref}`)) return []
      return [{ rule, class: from, ref, detail: `${to} ${owner} does not list it in ${list}` }]
    })
    const surplus = listed.flatMap(([owner, ref]): Violation[] => {
      if (db.rows(from).get(ref)?.record[field] === owner) return []
      return [{ rule, class: to, ref: owner, detail: `${list} has ${ref}, whose ${field} is another` }]
    })
    const twice: Violation[] =
      pairs.size === listed.length ? [] : [{ rule, class: to, ref: '', detail: `${list} names something twice` }]
    return [...missing, ...surplus, ...twice]
  })
}

/** Objects that live and die with another. */
const PARTS = [
  { part: 'VM_metrics', owner: 'VM', field: 'metrics' },
  { part: 'VM_guest_metrics', owner: 'VM', field: 'guest_metrics' },
  { part: 'host_metrics', owner: 'host', field: 'metrics' },
] as const

function owners(db: Database): Violation[] {
  return PARTS.flatMap(({ part, owner, field }) => {
    const owned = Map.groupBy(db.rows(owner).values(), ({ record }) => record[field] as AnyRef)
    return [...db.rows(part).keys()].flatMap((ref): Violation[] => {
      const count = owned.get(ref)?.length ?? 0
      const detail = `${count} objects of ${owner} have it as ${field}`
      return count === 1 ? [] : [{ rule: 'an object that belongs to another has one owner', class: part, ref, detail }]
    })
  })
}

function drives(db: Database): Violation[] {
  return db.all('VBD').flatMap(([ref, vbd]) => {
    const wrong = [
      vbd.empty !== (vbd.VDI === NULL_REF) && `empty is ${String(vbd.empty)}, and the disk is ${vbd.VDI}`,
      vbd.empty && vbd.type !== 'CD' && `an empty ${vbd.type}`,
      vbd.VM === NULL_REF && 'it belongs to no VM',
      vbd.currently_attached &&
        !vbd.empty &&
        db.find('VDI', vbd.VDI)?.type === 'cbt_metadata' &&
        'a disk without data is attached',
    ]
    return found('a drive holds a disk or is empty', 'VBD', ref, wrong)
  })
}

function slots(db: Database): Violation[] {
  return db.all('VM').flatMap(([ref, { VBDs, VIFs }]) => {
    const drivesIn = VBDs.map((vbd) => db.find('VBD', vbd)?.userdevice)
    const cards = VIFs.map((vif) => db.find('VIF', vif)?.device)
    return found('slots are used once', 'VM', ref, [
      new Set(drivesIn).size < drivesIn.length && `drives in ${drivesIn.join(' ')}`,
      new Set(cards).size < cards.length && `cards in ${cards.join(' ')}`,
    ])
  })
}

function writers(db: Database): Violation[] {
  return db.all('VDI').flatMap(([ref, { VBDs, sharable }]) => {
    // the drives of a suspended VM are attached in name only
    const users = VBDs.map((vbd) => db.find('VBD', vbd)).filter(
      (vbd) => vbd?.currently_attached && db.find('VM', vbd.VM)?.power_state !== 'Suspended',
    )
    const writing = new Set(users.filter((vbd) => vbd?.mode === 'RW').map((vbd) => vbd?.VM))
    const guests = new Set(users.map((vbd) => vbd?.VM).filter((vm) => vm !== undefined && !isHost(db, vm)))
    return found('a disk has one writer', 'VDI', ref, [
      !sharable && writing.size > 1 && `${writing.size} VMs write`,
      !sharable && writing.size > 0 && guests.size > 1 && `${guests.size} VMs use it, and one writes`,
    ])
  })
}

const isHost = (db: Database, vm: VmRef): boolean => db.find('VM', vm)?.is_control_domain === true

function power(db: Database): Violation[] {
  return db.all('VM').flatMap(([ref, vm]) => {
    const vbds = vm.VBDs.map((vbd) => db.find('VBD', vbd)).filter((vbd) => vbd !== undefined)
    return found('power and devices agree', 'VM', ref, [
      ...(vm.power_state === 'Halted' ? halted(db, vm, vbds) : []),
      ...(vm.power_state === 'Running' || vm.power_state === 'Paused' ? running(vm) : []),
      vm.is_a_snapshot && !vm.is_a_template && vm.power_state === 'Running' && 'a running snapshot',
    ])
  })
}

function halted(db: Database, vm: VmRecord, vbds: readonly VbdRecord[]): (string | false)[] {
  return [
    vbds.some(({ currently_attached }) => currently_attached) && 'halted, and a drive is attached',
    vm.VIFs.some((vif) => db.find('VIF', vif)?.currently_attached) && 'halted, and a card is attached',
    vm.resident_on !== NULL_REF && 'halted, and resident on a host',
    vm.domid !== -1 && `halted, and its domid is ${vm.domid}`,
  ]
}

const running = (vm: VmRecord): (string | false)[] => [
  vm.resident_on === NULL_REF && `${vm.power_state}, and on no host`,
  vm.domid < 0 && `${vm.power_state}, and its domid is ${vm.domid}`,
  vm.is_a_template && `${vm.power_state}, and a template`,
]

function operations(db: Database): Violation[] {
  const ofObjects = noted(db).filter(({ className }) => className !== 'task') // a task's own are wishes
  return ofObjects.flatMap(({ className, ref, keys }) =>
    found(
      'operations under way belong to tasks',
      className,
      ref,
      keys.map((key) => db.rows('task').get(key)?.record['status'] !== 'pending' && `${key} is no pending task`),
    ),
  )
}

const idleness = (db: Database): Violation[] =>
  noted(db).flatMap(({ className, ref, keys }) =>
    found('operations under way belong to tasks', className, ref, [
      keys.length > 0 && className !== 'task' && `nothing is under way, but ${keys.join(' ')}`,
    ]),
  )

function noted(db: Database): { className: ClassName; ref: AnyRef; keys: AnyRef[] }[] {
  return classNames.flatMap((className) =>
    [...db.rows(className)].flatMap(([ref, { record }]) => {
      const keys = Object.keys(record['current_operations'] ?? {}) as AnyRef[]
      return keys.length > 0 ? [{ className, ref, keys }] : []
    }),
  )
}

function times(db: Database): Violation[] {
  return (['VM', 'VDI'] as const).flatMap((className) =>
    [...db.rows(className)].flatMap(([ref, { record }]) => {
      const of = (record['snapshots'] as readonly AnyRef[]).map(
        (each) => db.rows(className).get(each)?.record['snapshot_time'],
      )
      const distinct = new Set(of.map((time) => (time as Date | undefined)?.getTime()))
      return found('snapshots of one thing have different times', className, ref, [
        distinct.size < of.length && `${of.length} snapshots, ${distinct.size} times`,
      ])
    }),
  )
}

function storage({ db, storage: disks }: Subject): Violation[] {
  const stored = new Set(disks.list())
  const known = new Set(db.all('VDI').map(([, { uuid }]) => uuid))
  const unknown = [...stored].filter((id) => !known.has(id))
  return [
    ...unknown.flatMap((id) => found('records and disks agree', 'VDI', id, [`the disk ${id} has no record`])),
    ...db
      .all('VDI')
      .flatMap(([ref, vdi]) =>
        stored.has(vdi.uuid) ? [...agreement(disks, ref, vdi), ...chain(disks, ref, vdi.uuid)] : [],
      ),
  ]
}

/** Derived anew for every object, nothing changes. */
function outdated({ db, derive = () => [] }: Subject): Violation[] {
  const all = new Map(classNames.map((className) => [className, new Set(db.rows(className).keys())]))
  return [...derive(db, all)].flatMap(({ className, ref, fields }) =>
    found('what follows from objects is up to date', className, ref, [`it should be ${JSON.stringify(fields)}`]),
  )
}

interface Stored {
  readonly uuid: string
  readonly type: string
  readonly cbt_enabled: boolean
  readonly virtual_size: number
}

const agreement = (disks: Subject['storage'], ref: VdiRef, vdi: Stored): Violation[] =>
  found('records and disks agree', 'VDI', ref, [
    vdi.cbt_enabled !== disks.isTracked(vdi.uuid) &&
      `cbt_enabled is ${String(vdi.cbt_enabled)}, the log says otherwise`,
    (vdi.type === 'cbt_metadata') === disks.hasData(vdi.uuid) && `type is ${vdi.type}, the data say otherwise`,
    vdi.virtual_size !== disks.sizeOf(vdi.uuid) && `virtual_size is ${vdi.virtual_size}, not ${disks.sizeOf(vdi.uuid)}`,
  ])

/** Each log and its neighbours name one another, and going on from any log comes to an end. */
function chain(disks: Subject['storage'], ref: VdiRef, id: string): Violation[] {
  const link = disks.chainLink(id)
  if (link === undefined) return []
  const { parent, child } = link
  return found('chains of change logs are linear', 'VDI', ref, [
    parent !== undefined && disks.chainLink(parent)?.child !== id && `its parent ${parent} does not lead to it`,
    child !== undefined && disks.chainLink(child)?.parent !== id && `its child ${child} does not lead back`,
    goesRound(disks, id) && 'the chain goes round',
  ])
}

function goesRound(disks: Subject['storage'], id: string): boolean {
  const seen = new Set<string>()
  for (let at: string | undefined = id; at !== undefined; at = disks.chainLink(at)?.child) {
    if (seen.has(at)) return true
    seen.add(at)
  }
  return false
}

const found = (
  rule: Violation['rule'],
  className: ClassName,
  ref: string,
  details: readonly (string | false)[],
): Violation[] => details.flatMap((detail) => (detail === false ? [] : [{ rule, class: className, ref, detail }]))
