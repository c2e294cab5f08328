import type { Ref } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import { failure } from '../calls/failure.ts'
import { Journal, type Step } from './journal.ts'
import { definedFields, newRecord } from './record.ts'
import { relationsOf, type Relation } from './relations.ts'
import {
  classNames,
  isEphemeral,
  isVolatile,
  type AnyRecord,
  type AnyRef,
  type ClassName,
  type Fields,
  type Tables,
} from './tables.ts'

/** One object: its record, replaced and never changed, and the generations of its first and last change. */
export interface Row {
  readonly record: AnyRecord
  readonly created: number
  readonly modified: number
}

/** An object that is gone: what event.from says of it. */
export interface Deletion {
  readonly className: ClassName
  readonly ref: AnyRef
  readonly created: number
  readonly deleted: number
}

/** What a change may do. It sees its own work. */
export interface Draft {
  insert<Class extends ClassName>(className: Class, fields: Fields<Class>): Ref<Class>
  update<Class extends ClassName>(className: Class, ref: Ref<Class>, fields: Fields<Class>): void
  remove<Class extends ClassName>(className: Class, ref: Ref<Class>): void
}

/** Objects that a change made, changed or removed, by class. */
export type Touched = ReadonlyMap<ClassName, ReadonlySet<AnyRef>>

/** Fields of one object that follow from others. */
export interface Derived {
  readonly className: ClassName
  readonly ref: AnyRef
  readonly fields: AnyRecord
}

export interface DatabaseOptions {
  readonly directory: string
  readonly newUuid: () => string
  /** What follows from a change and belongs to it. It sees the database as the change left it. */
  readonly derive?: (db: Database, touched: Touched) => Iterable<Derived>
}

/** Deletions that are remembered for event.from; a client that is further behind sees it in valid_ref_counts. */
const DELETIONS_KEPT = 20_000

/** More than an earlier process can have counted since its last line in the journal: logins and tasks are not in it. */
const RESTART_STEP = 1_000_000_000

/** The objects of the pool. All changes are synchronous, whole, and in the journal when they return. */
export class Database {
  readonly #tables = new Map<ClassName, Map<AnyRef, Row>>(classNames.map((name) => [name, new Map()]))
  readonly #byUuid = new Map<ClassName, Map<string, AnyRef>>(classNames.map((name) => [name, new Map()]))
  readonly #journal: Journal
  readonly #newUuid: () => string
  readonly #waiting = new Set<() => void>()
  #deletions: Deletion[] = []
  /** Generation of the newest deletion that is no longer remembered. */
  #forgotten = 0
  readonly #lastChange = new Map<ClassName, number>()
  #generation = 0
  #changing = false
  #undo: (() => void)[] = []
  #steps: Step[] = []
  #touched = new Map<ClassName, Set<AnyRef>>()
  readonly #derive: NonNullable<DatabaseOptions['derive']>

  /** @throws LabError LAB_DATABASE_DAMAGED */
  constructor({ directory, newUuid, derive = () => [] }: DatabaseOptions) {
    this.#newUuid = newUuid
    this.#derive = derive
    this.#journal = new Journal(directory, (generation, steps) => {
      this.#generation = generation
      for (const step of steps) this.#replay(step)
      this.#undo = []
    })
    // A token of an earlier process lies before every object: its client gets them all anew.
    this.#generation += RESTART_STEP
    this.#deletions = []
    this.#forgotten = this.#generation
    for (const className of classNames) this.#lastChange.set(className, this.#generation)
    for (const table of this.#tables.values()) {
      for (const [ref, { record }] of table) {
        table.set(ref, { record, created: this.#generation, modified: this.#generation })
      }
    }
    this.#touched = new Map([...this.#tables].map(([className, table]) => [className, new Set(table.keys())]))
    this.#settle()
    this.compact()
  }

  /** Counts the changes. An object whose `modified` is greater than a generation changed after it. */
  get generation(): number {
    return this.#generation
  }

  /** Objects that went away, in order. */
  get deletions(): readonly Deletion[] {
    return this.#deletions
  }

  /** Whether every deletion since a generation is still among `deletions`. */
  remembersDeletionsSince(generation: number): boolean {
    return generation >= this.#forgotten
  }

  /** The generation of the last change to an object of a class; later ones have none. */
  lastChangeOf(className: ClassName): number {
    return this.#lastChange.get(className) ?? 0
  }

  rows(className: ClassName): ReadonlyMap<AnyRef, Row> {
    return this.#table(className)
  }

  /** @throws XenApiError HANDLE_INVALID */
  get<Class extends ClassName>(className: Class, ref: Ref<Class>): Tables[Class] {
    return this.find(className, ref) ?? failure('HANDLE_INVALID', className, ref)
  }

  find<Class extends ClassName>(className: Class, ref: Ref<Class>): Tables[Class] | undefined {
    return this.#table(className).get(ref)?.record as Tables[Class] | undefined
  }

  /** Every object of a class with its reference, in order of their making. */
  all<Class extends ClassName>(className: Class): [Ref<Class>, Tables[Class]][] {
    return [...this.#table(className)].map(([ref, { record }]) => [
      ref as unknown as Ref<Class>,
      record as unknown as Tables[Class],
    ])
  }

  findByUuid<Class extends ClassName>(className: Class, uuid: string): Ref<Class> | undefined {
    return this.#uuids(className).get(uuid) as Ref<Class> | undefined
  }

  /** @throws XenApiError UUID_INVALID */
  byUuid<Class extends ClassName>(className: Class, uuid: string): Ref<Class> {
    return this.findByUuid(className, uuid) ?? failure('UUID_INVALID', className, uuid)
  }

  /**
   * Makes a change: all of it, or, when `edit` or the journal throws, none. Whoever waits for changes is woken.
   * @throws XenApiError HANDLE_INVALID for an object that is not there
   */
  change<Result>(edit: (draft: Draft) => Result): Result {
    if (this.#changing) throw new Error('a change inside of a change')
    this.#changing = true
    const generation = this.#generation
    this.#generation = generation + 1
    const deletions = this.#deletions.length
    this.#undo = []
    this.#steps = []
    this.#touched.clear()
    try {
      const result = edit({
        insert: (className, fields) => this.#insert(className, fields),
        update: (className, ref, fields) => this.#update(className, ref, definedFields(fields)),
        remove: (className, ref) => this.#remove(className, ref),
      })
      this.#settle()
      if (this.#steps.length > 0) this.#journal.append(this.#generation, this.#steps)
      // it has happened: nothing that comes now may fail
      this.#afterChange()
      return result
    } catch (error) {
      for (const step of this.#undo.reverse()) step()
      this.#generation = generation
      this.#deletions.length = deletions
      throw error
    } finally {
      this.#changing = false
    }
  }

  /** One object, one change. */
  update<Class extends ClassName>(className: Class, ref: Ref<Class>, fields: Fields<Class>): void {
    this.change((draft) => draft.update(className, ref, fields))
  }

  insert<Class extends ClassName>(className: Class, fields: Fields<Class>): Ref<Class> {
    return this.change((draft) => draft.insert(className, fields))
  }

  remove<Class extends ClassName>(className: Class, ref: Ref<Class>): void {
    this.change((draft) => draft.remove(className, ref))
  }

  /** Marks an object changed although it is not, as event.inject does. @throws XenApiError HANDLE_INVALID */
  touch(className: ClassName, ref: AnyRef): void {
    this.change(() => this.#update(className, ref, {}))
  }

  /** Calls `wake` at the next change; the answer takes the request back. */
  onChange(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => void this.#waiting.delete(wake)
  }

  /** Writes the journal anew, without history. */
  compact(): void {
    this.#journal.compact(this.#generation, this.#wholes())
  }

  close(): void {
    this.#journal.close()
  }

  /** Brings up to date what follows from the objects touched. */
  #settle(): void {
    const derived = [...this.#derive(this, this.#touched)] // setting them touches more
    for (const { className, ref, fields } of derived) this.#update(className, ref, fields)
  }

  #afterChange(): void {
    if (this.#deletions.length > DELETIONS_KEPT) this.#forgetDeletions()
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) queueMicrotask(wake)
    if (this.#journal.isLong) this.#shorten()
  }

  /** A journal that cannot be written anew is only longer than it need be: it is tried again when it has grown. */
  #shorten(): void {
    try {
      this.compact()
    } catch {
      this.#journal.postpone()
    }
  }

  #forgetDeletions(): void {
    this.#deletions = this.#deletions.slice(-DELETIONS_KEPT / 2)
    this.#forgotten = (this.#deletions[0]?.deleted ?? this.#generation) - 1
  }

  #insert<Class extends ClassName>(className: Class, fields: Fields<Class>): Ref<Class> {
    const ref = `OpaqueRef:${this.#newUuid()}` as AnyRef
    const given = fields as AnyRecord
    const uuid = typeof given['uuid'] === 'string' && given['uuid'] !== '' ? given['uuid'] : this.#newUuid()
    const record = { ...newRecord(className, fields), uuid } as unknown as AnyRecord
    this.#log(className, ['put', className, ref, record])
    this.#put(className, ref, record)
    return ref as unknown as Ref<Class>
  }

  #update(className: ClassName, ref: AnyRef, fields: AnyRecord): void {
    const { record } = this.#row(className, ref)
    const stored = Object.fromEntries(Object.entries(fields).filter(([name]) => !isVolatile(name)))
    if (Object.keys(stored).length > 0) this.#log(className, ['set', className, ref, stored])
    this.#put(className, ref, { ...record, ...fields })
  }

  #remove(className: ClassName, ref: AnyRef): void {
    this.#row(className, ref)
    this.#log(className, ['del', className, ref])
    this.#put(className, ref, undefined)
  }

  #log(className: ClassName, step: Step): void {
    if (!isEphemeral(className)) this.#steps.push(step)
  }

  #replay(step: Step): void {
    const [kind, className, ref] = step
    if (kind === 'del') return this.#put(className, ref, undefined)
    // records of an older version of the lab may lack fields, and a new process has no operations under way
    const record = { ...newRecord(className, {}), ...this.#table(className).get(ref)?.record, ...step[3] } as AnyRecord
    const clean = 'current_operations' in record ? { ...record, current_operations: {} } : record
    if (kind === 'whole') this.#set(className, ref, clean)
    else this.#put(className, ref, clean)
  }

  /** Sets or removes a row, and the places where its references show. */
  #put(className: ClassName, ref: AnyRef, record: AnyRecord | undefined): void {
    const before = this.#table(className).get(ref)?.record
    this.#set(className, ref, record)
    for (const relation of relationsOf(className)) {
      const [left, joined] = [before?.[relation.field], record?.[relation.field]] as (AnyRef | undefined)[]
      if (left === joined) continue
      if (left !== undefined) this.#relist(relation, left, (refs) => refs.filter((each) => each !== ref))
      if (joined !== undefined) this.#relist(relation, joined, (refs) => [...refs, ref])
    }
  }

  #relist({ to, list }: Relation, ref: AnyRef, edit: (refs: readonly AnyRef[]) => readonly AnyRef[]): void {
    const row = ref === NULL_REF ? undefined : this.#table(to).get(ref)
    if (row !== undefined) this.#set(to, ref, { ...row.record, [list]: edit(row.record[list] as readonly AnyRef[]) })
  }

  #set(className: ClassName, ref: AnyRef, record: AnyRecord | undefined): void {
    const table = this.#table(className)
    const uuids = this.#uuids(className)
    const before = table.get(ref)
    const uuidBefore = before?.record['uuid'] as string | undefined
    const uuid = record?.['uuid'] as string | undefined
    this.#undo.push(() => {
      if (uuid !== undefined) uuids.delete(uuid)
      if (uuidBefore !== undefined) uuids.set(uuidBefore, ref)
      if (before === undefined) table.delete(ref)
      else table.set(ref, before)
    })
    if (uuidBefore !== undefined) uuids.delete(uuidBefore)
    if (uuid !== undefined) uuids.set(uuid, ref)
    const created = before?.created ?? this.#generation
    this.#touch(className, ref)
    this.#lastChange.set(className, this.#generation)
    if (record !== undefined) table.set(ref, { record, created, modified: this.#generation })
    else if (table.delete(ref)) this.#deletions.push({ className, ref, created, deleted: this.#generation })
  }

  #touch(className: ClassName, ref: AnyRef): void {
    const refs = this.#touched.get(className)
    if (refs === undefined) this.#touched.set(className, new Set([ref]))
    else refs.add(ref)
  }

  #row(className: ClassName, ref: AnyRef): Row {
    return this.#table(className).get(ref) ?? failure('HANDLE_INVALID', className, ref)
  }

  #table(className: ClassName): Map<AnyRef, Row> {
    return this.#tables.get(className) ?? new Map<AnyRef, Row>()
  }

  #uuids(className: ClassName): Map<string, AnyRef> {
    return this.#byUuid.get(className) ?? new Map<string, AnyRef>()
  }

  *#wholes(): Generator<Step> {
    for (const className of classNames) {
      if (isEphemeral(className)) continue
      for (const [ref, { record }] of this.#table(className)) yield ['whole', className, ref, record]
    }
  }
}
