import type { SessionRef } from '@tidemark/xenapi'
import type { ClassName } from '../database/tables.ts'

/** What a client wants to know of: everything, a class, or one object. */
export interface Subscription {
  /** Undefined: a class that the pool does not have. It never has events. */
  readonly className: ClassName | '*' | undefined
  readonly ref: string | undefined
}

interface EventQueue {
  /** The generation up to which its login was told everything. */
  since: number
  wanted: readonly Subscription[]
}

/** Where each login is that follows the pool by event.register and event.next. */
export class EventQueues {
  readonly #queues = new Map<SessionRef, EventQueue>()

  get(session: SessionRef): EventQueue | undefined {
    return this.#queues.get(session)
  }

  register(session: SessionRef, generation: number, wanted: readonly Subscription[]): void {
    const queue = this.#queueOf(session, generation)
    queue.wanted = [...queue.wanted, ...wanted]
  }

  unregister(session: SessionRef, generation: number, unwanted: readonly Subscription[]): void {
    const queue = this.#queueOf(session, generation)
    queue.wanted = queue.wanted.filter((each) => !unwanted.some((other) => isSame(each, other)))
  }

  /** Forgets the logins that ended. */
  keep(isValid: (session: SessionRef) => boolean): void {
    for (const session of this.#queues.keys()) if (!isValid(session)) this.#queues.delete(session)
  }

  #queueOf(session: SessionRef, generation: number): EventQueue {
    const known = this.#queues.get(session)
    if (known !== undefined) return known
    const queue = { since: generation, wanted: [] }
    this.#queues.set(session, queue)
    return queue
  }
}

const isSame = (a: Subscription, b: Subscription): boolean => a.className === b.className && a.ref === b.ref
