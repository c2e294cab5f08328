import type { HostRef, TaskRef } from '@tidemark/xenapi'
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

/** A finished task is kept for 65 minutes. xapi: db_gc_util.ml */
const KEPT_MS = 3_900_000
const EPOCH = new Date(0)

export class Tasks {
  readonly #db: Database
  readonly #clock: LabClock
  readonly #host: () => HostRef
  readonly #running = new Map<TaskRef, AbortController>()

  constructor(db: Database, clock: LabClock, host: () => HostRef) {
    this.#db = db
    this.#clock = clock
    this.#host = host
  }

  /** Whether no task is worked on. */
  get isIdle(): boolean {
    return this.#running.size === 0
  }

  create(label: string, description = ''): TaskRef {
    return this.#db.insert('task', {
      name_label: label,
      name_description: description,
      allowed_operations: ['cancel', 'destroy'],
      created: this.#clock.now(),
      finished: EPOCH,
      status: 'pending',
      resident_on: this.#host(),
      type: '<none/>',
    })
  }

  /** Takes a task, new or a client's own, to be worked on. */
  run(ref: TaskRef): RunningTask {
    const controller = new AbortController()
    this.#running.set(ref, controller)
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
    if (this.#db.find('task', ref) !== undefined) this.#db.remove('task', ref)
  }

  /** Notes the wish, and tells whoever works on it. */
  cancel(ref: TaskRef): void {
    const { status, current_operations } = this.#db.get('task', ref)
    if (status !== 'pending') return
    this.#db.update('task', ref, { current_operations: { ...current_operations, [ref]: 'cancel' } })
    this.#running.get(ref)?.abort(apiFailure('TASK_CANCELLED', ref))
  }

  /** Removes a finished task; a pending one is removed when it ends. */
  destroy(ref: TaskRef): void {
    const { status, current_operations } = this.#db.get('task', ref)
    if (status === 'pending' && this.#running.has(ref)) {
      this.#db.update('task', ref, { current_operations: { ...current_operations, [ref]: 'destroy' } })
      return
    }
    this.#db.remove('task', ref)
  }

  /** Removes the tasks that ended long ago. */
  collect(): void {
    const now = this.#clock.now().getTime()
    for (const [ref, { status, finished }] of this.#db.all('task')) {
      if (status !== 'pending' && now - finished.getTime() > KEPT_MS) this.#db.remove('task', ref)
    }
  }

  #progress(ref: TaskRef, fraction: number): void {
    const task = this.#db.find('task', ref)
    // each step is an event to every listener: a hundred of them are enough
    if (task?.status === 'pending' && fraction - task.progress >= 0.01) {
      this.#db.update('task', ref, { progress: fraction })
    }
  }

  #finish(ref: TaskRef, outcome: Fields<'task'>): void {
    this.#running.delete(ref)
    const task = this.#db.find('task', ref)
    if (task === undefined) return
    const finished = this.#clock.now()
    if (Object.values(task.current_operations).includes('destroy')) this.#db.remove('task', ref)
    else this.#db.update('task', ref, { ...outcome, allowed_operations: [], current_operations: {}, finished })
  }
}
