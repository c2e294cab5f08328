import type { TaskRef } from '@tidemark/xenapi'
import type { Database } from '../database/database.ts'
import type { LabOptions } from '../options.ts'
import type { Call } from './call.ts'
import { failure, type Refusal } from './failure.ts'
import type { Tasks } from './tasks.ts'

/** One operation on one object. */
export interface Operation {
  readonly class: 'VM' | 'VDI' | 'SR' | 'VBD' | 'VIF' | 'VTPM'
  readonly ref: string
  /** As current_operations will name it. */
  readonly operation: string
  /** Why it cannot be done now; OTHER_OPERATION_IN_PROGRESS is worth waiting for. */
  refusal(): Refusal | undefined
}

/** More calls than these do not wait for busy objects: TOO_MANY_PENDING_TASKS. xapi: helpers.ml */
const WAITING_MAX = 100

interface OperationsOptions {
  readonly db: Database
  readonly tasks: Tasks
  readonly options: Pick<LabOptions, 'busyWaitMs'>
}

/**
 * The operations under way: each is noted in current_operations of its objects, by its task. Whatever a running one
 * excludes waits for its end, first come first served, and fails when that takes too long. contract/xenapi.md §1.6
 */
export class Operations {
  readonly #db: Database
  readonly #tasks: Tasks
  readonly #busyWaitMs: number
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor({ db, tasks, options }: OperationsOptions) {
    this.#db = db
    this.#tasks = tasks
    this.#busyWaitMs = options.busyWaitMs
  }

  /**
   * Does `work` as operations on one or more objects, on all of them or on none.
   * @throws XenApiError what an object refuses the operation with; OTHER_OPERATION_IN_PROGRESS only after waiting
   */
  async during<Result>(call: Call, operations: readonly Operation[], work: () => Promise<Result>): Promise<Result> {
    this.#running++
    const task = call.task?.ref ?? this.#tasks.create('internal')
    let noted = false
    try {
      await this.#begin(call, operations, task)
      noted = true
      return await work()
    } finally {
      if (noted) this.#forget(operations, task)
      if (call.task === undefined) this.#tasks.drop(task)
      this.#running--
      this.#wake()
    }
  }

  get isIdle(): boolean {
    return this.#running === 0
  }

  /** Resolves when nobody works or waits any more. */
  async idle(): Promise<void> {
    while (!this.isIdle) await this.#change(NEVER)
  }

  /** Waits until nothing refuses the operations, and notes them in the same step. */
  async #begin({ signal, session }: Call, operations: readonly Operation[], task: TaskRef): Promise<void> {
    let deadline: AbortSignal | undefined
    for (;;) {
      signal.throwIfAborted()
      const refusal = firstRefusal(operations)
      if (refusal === undefined) return this.#note(operations, task)
      deadline ??= AbortSignal.timeout(this.#busyWaitMs)
      if (refusal[0] !== 'OTHER_OPERATION_IN_PROGRESS' || deadline.aborted) failure(...refusal)
      if (this.#waiting.size >= WAITING_MAX && session !== '') failure('TOO_MANY_PENDING_TASKS')
      await this.#change(AbortSignal.any([signal, deadline]))
    }
  }

  /** Resolves when an operation has ended, or the signal aborts. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }

  #wake(): void {
    const waiting = [...this.#waiting] // who still has to wait comes back
    for (const wake of waiting) wake()
  }

  #note(operations: readonly Operation[], task: TaskRef): void {
    this.#edit(operations, (before, operation) => ({ ...before, [task]: operation }))
  }

  #forget(operations: readonly Operation[], task: TaskRef): void {
    this.#edit(operations, (before) => without(before, task))
  }

  #edit(operations: readonly Operation[], edit: (before: Noted, operation: string) => Noted): void {
    this.#db.change((draft) => {
      for (const { class: className, ref, operation } of operations) {
        const record = this.#db.find(className, ref as never) as { current_operations: Noted } | undefined
        if (record === undefined) continue // the operation removed it
        const current_operations = edit(record.current_operations, operation)
        draft.update(className, ref as never, { current_operations } as never)
      }
    })
  }
}

const NEVER = new AbortController().signal

type Noted = Readonly<Record<string, string>>

const without = (noted: Noted, task: TaskRef): Noted =>
  Object.fromEntries(Object.entries(noted).filter(([key]) => key !== task))

function firstRefusal(operations: readonly Operation[]): Refusal | undefined {
  for (const each of operations) {
    const refusal = each.refusal()
    if (refusal !== undefined) return refusal
  }
  return undefined
}
