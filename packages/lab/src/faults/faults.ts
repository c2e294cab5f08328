import type { ServerResponse } from 'node:http'
import type https from 'node:https'
import type { NbdFaults } from '@tidemark/nbd'
import type { VbdRef, VdiRef } from '@tidemark/xenapi'
import { NULL_REF, type Call as WireCall } from '@tidemark/xenapi/codec'
import { apiFailure } from '../calls/failure.ts'
import type { RunningTask } from '../calls/tasks.ts'
import { LabError } from '../error.ts'
import type { LabHost } from '../host/host.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Pool } from '../pool.ts'
import type { Storage } from '../storage/index.ts'
import { selfSigned } from '../tls/certificate.ts'
import { nbdFaults } from './nbd.ts'
import type { FaultPlan, PlannedFault } from './plan.ts'
import { Power } from './power.ts'
import { PlannedFaults, type FaultReport } from './planned.ts'
import { spoilBitmap } from './bitmaps.ts'
import { guardStorage } from './storage.ts'
import { spoilTransfer, vdiOf } from './transfers.ts'
import { spoilRequest } from './requests.ts'
import { spoilTask, type Work } from './tasks.ts'
import { gateTls } from './tls.ts'
import { pause } from './wait.ts'
import { befall } from './world.ts'

/**
 * Everything that goes wrong on purpose. Each method is one point of the lab's work, called there in one line; whether
 * something happens, and what, is decided here. docs/faults.md lists points and actions.
 */
export class Faults {
  /** What switches hosts off and on. */
  readonly power = new Power()
  readonly #planned = new PlannedFaults()
  readonly #pool: () => Pool
  #shorts = 0

  /** @param pool asked for when something happens, because the pool has the faults as a part */
  constructor(pool: () => Pool) {
    this.#pool = pool
  }

  /** @throws LabError LAB_FAULT_PLAN */
  plan(plan: FaultPlan): void {
    this.#planned.plan(plan)
  }

  /** One fault without a name of its own. */
  planShort(name: string, fault: Omit<PlannedFault, 'id'>): void {
    this.plan({ faults: [{ ...fault, id: `${name} ${++this.#shorts}` } as PlannedFault] })
  }

  report(): readonly FaultReport[] {
    return this.#planned.report()
  }

  /** @throws LabError LAB_FAULT_UNFIRED */
  assertFired(): void {
    const idle = this.report().filter(({ fired }) => fired === 0)
    if (idle.length === 0) return
    const sentences = idle.map(({ id, at, seen }) => `'${id}' (${seen} events at ${at} fitted it)`)
    throw new LabError('LAB_FAULT_UNFIRED', `planned faults that never happened: ${sentences.join(', ')}`)
  }

  clear(): void {
    this.#planned.clear()
  }

  /**
   * A call has come in; nothing is checked yet.
   * @returns the body of the reply; undefined: the client got what it gets
   */
  async request(
    { method, params }: WireCall,
    request: { readonly response: ServerResponse; readonly work: () => Promise<string> },
  ): Promise<string | undefined> {
    const fired = this.#planned.event('request', { method })
    if (fired === undefined) return request.work()
    const [session] = params
    return spoilRequest(this.#pool(), fired, { ...request, session: typeof session === 'string' ? session : '' })
  }

  /** A call is about to be served: it has passed its checks. @throws XenApiError when it shall fail */
  async call(method: string): Promise<void> {
    const action = this.#planned.event('call', { method })?.action
    if (action === undefined) return
    if (action.action === 'delay') return pause(action.ms, this.#pool().closing)
    if (action.action !== 'fail') return befall(this.#pool(), action)
    const [code = 'INTERNAL_ERROR', ...params] = action.failure
    throw apiFailure(code, ...params)
  }

  /** A call that has a task is served. @throws XenApiError when it shall fail, and what `work` throws */
  async task<Result>(method: string, task: RunningTask, work: Work<Result>): Promise<Result> {
    const fired = this.#planned.event('task', { method })
    return fired === undefined ? work() : spoilTask(this.#pool(), fired, task, work)
  }

  /** An answer of list_changed_blocks, in base64, true or not. Without a changed block there is nothing to lie about. */
  bitmap(facts: { readonly vdi: string; readonly base: string }, bitmap: Uint8Array): string {
    const fired = bitmap.some((byte) => byte !== 0) ? this.#planned.event('bitmap', facts) : undefined
    return fired === undefined ? Buffer.from(bitmap).toString('base64') : spoilBitmap(fired, bitmap)
  }

  /** The control domain gives a disk back. Resolves to whether its VBD stays, for a client to unplug. */
  async stays(vbd: VbdRef): Promise<boolean> {
    const { db, closing } = this.#pool()
    const vdi = db.find('VDI', db.find('VBD', vbd)?.VDI ?? (NULL_REF as VdiRef))?.uuid
    const fired = this.#planned.event('detach', { vdi })
    if (fired === undefined) return false
    if (fired.action.ms === undefined) return true
    await pause(fired.action.ms, closing)
    return false
  }

  /** A handler of data is at work. @throws what `work` throws, and XenApiError when the transfer shall fail */
  async transfer<Result>(exchange: Exchange, work: () => Promise<Result>): Promise<Result> {
    const pool = this.#pool()
    const { path } = exchange
    const fired = this.#planned.event('transfer', { path, vdi: vdiOf(pool, exchange) })
    return fired === undefined ? work() : spoilTransfer(pool, fired, exchange, work)
  }

  /** Stands before the storage: media can break, and SRs can be out of reach or full. */
  storage(storage: Storage): Storage {
    return guardStorage(storage, this.#pool, this.#planned)
  }

  /** What the NBD server of a host asks. */
  nbd(host: LabHost): NbdFaults {
    const { uuid } = this.#pool().db.get('host', host.ref)
    const impostor = this.#impostor(host)
    return nbdFaults(this.#pool(), uuid, this.#planned, async () => ({ ...(await impostor()), mode: 'required' }))
  }

  /** Stands before the HTTPS server of a host. @param open makes the same server with another certificate */
  https(host: LabHost, server: https.Server, open: (shown: SelfSigned) => https.Server): void {
    const { uuid } = this.#pool().db.get('host', host.ref)
    const impostor = this.#impostor(host)
    const decide = () => this.#planned.event('https', { host: uuid })?.action.action
    gateTls(server, decide, async () => open(await impostor()))
  }

  /** A certificate that is not the host's, with the host's name in it; made when it is needed. */
  #impostor({ hostname, address }: LabHost): () => Promise<SelfSigned> {
    let made: Promise<SelfSigned> | undefined
    return () => (made ??= selfSigned({ hostname, address, now: this.#pool().options.clock.now() }))
  }
}

type SelfSigned = Awaited<ReturnType<typeof selfSigned>>
