import type { HostRef, SessionRef, TaskRecord, TaskRef } from '@tidemark/xenapi'
import type { Database } from '../database/database.ts'
import type { Fields } from '../database/tables.ts'
import type { LabClock } from '../options.ts'
import { apiFailure } from './failure.ts'

/** A task at work: its signal aborts when a client cancels it. */
export interface RunningTask {
  readonly ref: TaskRef
  readonly signal: AbortSignal
  /** @param fraction 0 to 1 */
  progress(fraction: number): void
}

/** A finished task is kept for 65 minutes; a pending one for a day, and then as long as it goes on. xapi: db_gc_util.ml */
const KEPT_MS = 3_900_000
const PENDING_MS = 86_400_000
/** Above this number of tasks, finished ones go before their time. xapi: xapi_globs.ml */
const TASKS_MAX = 200
const EPOCH = new Date(0)

export class Tasks {
  readonly #db: Database
  readonly #clock: LabClock
  readonly #host: () => HostRef
  readonly #running = new Map<TaskRef, AbortController>()
  readonly #owners = new Map<TaskRef, SessionRef>()
  /** How far pending tasks of more than a day had come at the last pass. */
  #probation: ReadonlyMap<TaskRef, number> = new Map()

  constructor(db: Database, clock: LabClock, host: () => HostRef) {
    this.#db = db
    this.#clock = clock
    this.#host = host
  }

  /** Whether no task is worked on. */
  get isIdle(): boolean {
    return this.#running.size === 0
  }

  /** @param owner the login that asked for it: it does not end while the task is pending */
  create(label: string, description = '', owner?: SessionRef): TaskRef {
    const ref = this.#db.insert('task', {
      name_label: label,
      name_description: description,
      created: this.#clock.now(),
      finished: EPOCH,
      status: 'pending',
      resident_on: this.#host(),
      type: '<none/>',
    })
    if (owner !== undefined) this.#owners.set(ref, owner)
    return ref
  }

  /** The logins that have pending tasks. */
  owners(): ReadonlySet<SessionRef> {
    const pending = [...this.#owners].filter(([task]) => this.#db.find('task', task)?.status === 'pending')
    return new Set(pending.map(([, owner]) => owner))
  }

  /** Takes a task, new or a client's own, to be worked on. One that was cancelled before is aborted at once. */
  run(ref: TaskRef): RunningTask {
    const controller = new AbortController()
    this.#running.set(ref, controller)
    const wishes = Object.values(this.#db.find('task', ref)?.current_operations ?? {})
    if (wishes.includes('cancel')) controller.abort(apiFailure('TASK_CANCELLED', ref))
    return { ref, signal: controller.signal, progress: (fraction) => this.#progress(ref, fraction) }
  }

  /** @param result XML text of the value, `<value>…</value>`, or "" */
  succeed(ref: TaskRef, result: string): void {
    this.#finish(ref, { status: 'success', result, progress: 1 })
  }

  fail(ref: TaskRef, failure: readonly string[]): void {
    const status = failure[0] === 'TASK_CANCELLED' ? 'cancelled' : 'failure'
    this.#finish(ref, { status, error_info: failure, progress: 1 })
  }

  /** Forgets the task of a synchronous call. */
  drop(ref: TaskRef): void {
    this.#running.delete(ref)
    this.#remove(ref)
  }

  /** Notes the wish, and tells whoever works on it. */
  cancel(ref: TaskRef): void {
    const { status } = this.#db.get('task', ref)
    if (status !== 'pending') return
    this.#wish(ref, ref, 'cancel')
    this.#running.get(ref)?.abort(apiFailure('TASK_CANCELLED', ref))
  }

  /** Removes a finished task; of a pending one only the wish is noted, and the collector removes it when it has ended. */
  destroy(ref: TaskRef): void {
    const { status } = this.#db.get('task', ref)
    if (status === 'pending') this.#wish(ref, 'task', 'destroy')
    else this.#remove(ref)
  }

  /** One pass of the collector. contract/xenapi.md §1.6 */
  collect(): void {
    const now = this.#clock.now().getTime()
    const all = this.#db.all('task')
    const [finished, pending] = [
      all.filter(([, task]) => isFinished(task)),
      all.filter(([, task]) => !isFinished(task)),
    ]
    const isUnwanted = ([, { current_operations, finished: end }]: Entry): boolean =>
      Object.values(current_operations).includes('destroy') || now - end.getTime() > KEPT_MS
    const old = pending.filter(([, { created }]) => now - created.getTime() > PENDING_MS)
    const hung = old.filter(([ref, { progress }]) => progress <= (this.#probation.get(ref) ?? -1))
    this.#probation = new Map(old.map(([ref, { progress }]) => [ref, progress]))
    const kept = finished.filter((task) => !isUnwanted(task))
    const surplus = kept.length + pending.length - hung.length > TASKS_MAX ? oldest(kept) : []
    for (const [ref] of [...finished.filter(isUnwanted), ...hung, ...surplus]) this.#remove(ref)
  }

  #wish(ref: TaskRef, key: string, operation: 'cancel' | 'destroy'): void {
    const { current_operations } = this.#db.get('task', ref)
    this.#db.update('task', ref, { current_operations: { ...current_operations, [key]: operation } })
  }

  #remove(ref: TaskRef): void {
    this.#owners.delete(ref)
    if (this.#db.find('task', ref) !== undefined) this.#db.remove('task', ref)
  }

  #progress(ref: TaskRef, fraction: number): void {
    const task = this.#db.find('task', ref)
    // each step is an event to every listener: a hundred of them are enough
    if (task?.status === 'pending' && fraction - task.progress >= 0.01) {
      this.#db.update('task', ref, { progress: fraction })
    }
  }

  /** A task that its owner ended meanwhile stays as it is. */
  #finish(ref: TaskRef, outcome: Fields<'task'>): void {
    this.#running.delete(ref)
    if (this.#db.find('task', ref)?.status !== 'pending') return
    this.#db.update('task', ref, { ...outcome, finished: this.#clock.now() })
  }
}

type Entry = readonly [TaskRef, TaskRecord]

const isFinished = ({ status }: TaskRecord): boolean =>
  status === 'success' || status === 'failure' || status === 'cancelled'

/** All but the newest, of which as many stay as there is room beside all finished ones. */
function oldest(finished: readonly Entry[]): readonly Entry[] {
  const room = Math.max(0, TASKS_MAX - finished.length)
  return finished.toSorted(([, a], [, b]) => b.finished.getTime() - a.finished.getTime()).slice(room)
}
