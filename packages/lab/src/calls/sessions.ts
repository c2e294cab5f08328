import { createHash, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HostRef, SessionRef } from '@tidemark/xenapi'
import type { Database } from '../database/database.ts'
import type { LabOptions } from '../options.ts'
import { failure } from './failure.ts'

/** A session that nobody used for 24 hours is gone; `last_active` moves every 10 minutes. xapi: xapi_globs.ml */
const IDLE_MS = 86_400_000
const ACTIVE_STEP_MS = 600_000
/** Logins of one originator at once, and of those that name none. */
const SESSIONS_MAX = 500
const NAMELESS_MAX = 400

export class Sessions {
  readonly #db: Database
  readonly #options: LabOptions
  readonly #host: () => HostRef

  constructor(db: Database, options: LabOptions, host: () => HostRef) {
    this.#db = db
    this.#options = options
    this.#host = host
  }

  /** @throws XenApiError SESSION_AUTHENTICATION_FAILED, after the delay that keeps guessing slow */
  async login(username: string, password: string, originator: string): Promise<SessionRef> {
    if (!this.#isRoot(username, password)) {
      await sleep(this.#options.loginDelayMs, undefined, { ref: false })
      return failure('SESSION_AUTHENTICATION_FAILED', username, 'Authentication failure')
    }
    const now = this.#options.clock.now()
    return this.#db.insert('session', {
      this_host: this.#host(),
      last_active: now,
      validation_time: now,
      pool: false,
      is_local_superuser: true,
      auth_user_name: username,
      originator,
    })
  }

  /** @throws XenApiError SESSION_INVALID */
  check(session: SessionRef): void {
    const record = this.#db.find('session', session) ?? failure('SESSION_INVALID', session)
    const now = this.#options.clock.now()
    if (now.getTime() - record.last_active.getTime() < ACTIVE_STEP_MS) return
    this.#db.update('session', session, { last_active: now })
  }

  isValid(session: string): boolean {
    return this.#db.find('session', session as SessionRef) !== undefined
  }

  logout(session: SessionRef): void {
    if (this.isValid(session)) this.#db.remove('session', session)
  }

  /**
   * Logs out who was idle for too long, and of too many logins of one kind those that were used least recently. Who has
   * pending tasks stays. xapi: db_gc_util.ml
   */
  collect(busy: ReadonlySet<SessionRef> = new Set()): void {
    const now = this.#options.clock.now().getTime()
    const idle = this.#db.all('session').filter(([ref]) => !busy.has(ref))
    const [young, old] = [
      idle.filter(([, { last_active }]) => now - last_active.getTime() < IDLE_MS),
      idle.filter(([, { last_active }]) => now - last_active.getTime() >= IDLE_MS),
    ]
    const surplus = [...Map.groupBy(young, ([, { originator }]) => originator)].flatMap(([originator, group]) =>
      group
        .toSorted(([, a], [, b]) => b.last_active.getTime() - a.last_active.getTime())
        .slice(originator === '' ? NAMELESS_MAX : SESSIONS_MAX),
    )
    for (const [ref] of [...old, ...surplus]) this.#db.remove('session', ref)
  }

  #isRoot(username: string, password: string): boolean {
    const matches = timingSafeEqual(digest(password), digest(this.#options.password))
    return matches && username === this.#options.username
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
