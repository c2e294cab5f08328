import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import type { Database } from '../database/database.ts'
import type { Subscription } from './event-queue.ts'
import { classNames, type AnyRecord, type AnyRef, type ClassName } from '../database/tables.ts'

export const eventHandlers: Handlers = {
  'event.from': from,
  'event.inject': inject,
  'event.register': ({ pool, session }, classes: readonly string[]) => {
    pool.eventQueues.register(session, pool.db.generation, classes.map(parseSubscription))
  },
  'event.unregister': ({ pool, session }, classes: readonly string[]) => {
    pool.eventQueues.unregister(session, pool.db.generation, classes.map(parseSubscription))
  },
  'event.next': next,
  'event.get_current_id': ({ pool }) => pool.db.generation,
}

interface PoolEvent {
  readonly id: number
  readonly timestamp: string
  readonly class: string
  readonly operation: 'add' | 'mod' | 'del'
  readonly ref: string
  readonly snapshot?: AnyRecord
}

/** Changes are gathered this long before they go out together; not when only tasks are asked for. xapi: xapi_event.ml */
const GATHER_MS = 50

/** @param timeout seconds; without a change the batch is empty then */
async function from(call: Call, classes: readonly string[], token: string, timeout: number) {
  const { db } = call.pool
  const wanted = classes.map(parseSubscription)
  const since = token === '' ? 0 : parseToken(token)
  const deadline = AbortSignal.any([call.signal, AbortSignal.timeout(Math.max(0, Math.min(timeout, 3600)) * 1000)])
  let events = eventsSince(db, wanted, since)
  while (events.length === 0 && !deadline.aborted) {
    await nextChange(db, deadline)
    call.pool.sessions.check(call.session)
    const onlyTasks = wanted.every(({ className }) => className === 'task')
    events = eventsSince(db, wanted, since)
    if (events.length > 0 && !onlyTasks) {
      await sleep(GATHER_MS)
      events = eventsSince(db, wanted, since)
    }
  }
  return { events, valid_ref_counts: counts(db), token: tokenOf(db.generation) }
}

/** The older way: the server keeps where each login is, and what it wants to know. Blocks until something happens. */
async function next({ pool, session, signal }: Call): Promise<PoolEvent[]> {
  const { db } = pool
  const queue = pool.eventQueues.get(session) ?? failure('SESSION_NOT_REGISTERED', session)
  for (;;) {
    const { since } = queue
    queue.since = db.generation // whatever comes of it is told once
    if (!db.remembersDeletionsSince(since)) failure('EVENTS_LOST')
    const events = eventsSince(db, queue.wanted, since)
    if (events.length > 0) return events.toSorted((a, b) => a.id - b.id)
    signal.throwIfAborted()
    await nextChange(db, signal)
    pool.sessions.check(session)
  }
}

/** @returns a token from just before, so that the next event.from reports the object */
function inject({ pool: { db } }: Call, className: string, ref: AnyRef): string {
  const found = classNames.find((name) => name.toLowerCase() === className.toLowerCase())
  if (found === undefined) return failure('HANDLE_INVALID', className, ref)
  const before = tokenOf(db.generation)
  db.touch(found, ref)
  return before
}

/** `*`, `class` or `class/ref`, whatever the case. A class that we do not have simply never has events. */
function parseSubscription(text: string): Subscription {
  const [, name, ref] = /^(\*|\w+)(?:\/(.+))?$/.exec(text) ?? []
  if (name === undefined) return failure('EVENT_SUBSCRIPTION_PARSE_FAILURE', text)
  if (name === '*') return { className: '*', ref }
  return { className: classNames.find((each) => each.toLowerCase() === name.toLowerCase()), ref }
}

const matches = (wanted: readonly Subscription[], className: ClassName, ref: string): boolean =>
  wanted.some(
    (each) =>
      (each.className === '*' || each.className === className) &&
      (each.ref === undefined || each.ref.toLowerCase() === ref.toLowerCase()),
  )

/** Two numbers, of the database and of the messages; ours are one. */
const tokenOf = (generation: number): string =>
  Array.from([generation, 0], (n) => String(n).padStart(20, '0')).join(',')

function parseToken(token: string): number {
  const [, generation] = /^(\d{1,20}),\d{1,20}$/.exec(token) ?? []
  return generation === undefined ? failure('EVENT_FROM_TOKEN_PARSE_FAILURE', token) : Number(generation)
}

/** In xapi's order: messages, what came, what changed, what went. */
function eventsSince(db: Database, wanted: readonly Subscription[], since: number): PoolEvent[] {
  const events: Record<'message' | 'add' | 'mod' | 'del', PoolEvent[]> = { message: [], add: [], mod: [], del: [] }
  for (const className of classNames) {
    if (db.lastChangeOf(className) <= since) continue
    for (const [ref, { record, created, modified }] of db.rows(className)) {
      if (modified <= since || !matches(wanted, className, ref)) continue
      const operation = created > since ? 'add' : 'mod'
      const event = { id: modified, timestamp: '0.0', class: className.toLowerCase(), operation, ref, snapshot: record }
      events[className === 'message' ? 'message' : operation].push(event as PoolEvent)
    }
  }
  for (const { className, ref, created, deleted } of db.deletions) {
    if (deleted <= since || created > since || !matches(wanted, className, ref)) continue
    events.del.push({ id: deleted, timestamp: '0.0', class: className.toLowerCase(), operation: 'del', ref })
  }
  return [...events.message, ...events.add, ...events.mod, ...events.del]
}

const counts = (db: Database): Record<string, number> =>
  Object.fromEntries(classNames.map((name) => [name.toLowerCase(), db.rows(name).size]))

/** Resolves at the next change, or when the signal aborts. */
function nextChange(db: Database, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      forget()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const forget = db.onChange(done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
