import { setTimeout as pause } from 'node:timers/promises'
import { BlocksError } from '@tidemark/blocks'
import { EngineError, type Ledger, type Pool } from '@tidemark/engine'
import { openXenPool } from '@tidemark/engine/xen'
import { NbdError } from '@tidemark/nbd'
import { openRepository, RepositoryError, type Repository } from '@tidemark/repository'
import { XenApiError, type Session } from '@tidemark/xenapi'
import type { Random } from '../support/random.ts'
import { isLate, STALL_MS, type Trouble } from './faults.ts'
import { Life, living } from './life.ts'
import { Others } from './meddling.ts'
import { Finding } from './oracle.ts'
import type { Scene } from './scene.ts'
import { faultyStorage } from './storage.ts'

/** What a process of ours works with. */
export interface Tools {
  readonly scene: Scene
  readonly pool: Pool
  readonly repository: Repository
  readonly ledger: Ledger
  readonly life: Life
  readonly trouble: Trouble
  readonly random: Random
  /** What the administrator does once nothing goes wrong any more. */
  readonly afterwards: (() => Promise<void>)[]
}

/** The longest that any piece of work takes, faults and their patience included; far more than any should. */
const HANG_MS = 90_000

/**
 * Does a piece of work in a life of its own, under its troubles.
 * @returns what came of it: the work's own words, `killed …`, or the code of the typed error that ended it
 * @throws Finding for an error of no type, or when it hangs
 */
export async function inLife(
  scene: Scene,
  trouble: Trouble,
  random: Random,
  work: (tools: Tools) => Promise<string>,
): Promise<string> {
  const others = new Others(scene, trouble.others, random.fork('others'))
  const life = new Life(trouble.killAfter, (n) => others.before(n))
  const afterwards: Tools['afterwards'] = []
  await scene.lab.control.planFaults({ seed: scene.seed, faults: [...trouble.lab] })
  const before = await scene.lab.control.faultReport()
  try {
    return await inTime(live({ scene, trouble, random, life, afterwards }, work))
  } catch (error) {
    if (life.killedAt !== undefined) return `killed ${life.killedAt}`
    if (error instanceof Finding) throw error
    const code = codeOf(error)
    if (code === undefined) throw new Finding('an error of no type', { cause: error })
    return code
  } finally {
    life.end()
    if (life.killedAt !== undefined) count(scene, 'kill')
    const skip = before.length - trouble.lab.length
    for (const { at, fired } of (await scene.lab.control.faultReport()).slice(skip)) count(scene, at, fired)
    await scene.lab.control.clearFaults()
    await others.leave()
    if (isLate(trouble)) await pause(STALL_MS)
    await heal(scene.admin)
    for (const act of afterwards) await act()
  }
}

async function live(
  own: Pick<Tools, 'scene' | 'trouble' | 'random' | 'life' | 'afterwards'>,
  work: (tools: Tools) => Promise<string>,
): Promise<string> {
  const { scene, trouble, life } = own
  await using stack = new AsyncDisposableStack()
  const session = await scene.login(trouble.callTimeoutMs)
  stack.defer(async () => {
    if (life.killedAt === undefined) await session[Symbol.asyncDispose]() // a killed process does not log out
  })
  const pool = watched(scene, await openXenPool(living(session, life), poolOptions(scene)))
  const storage = faultyStorage(scene.store, life, trouble.storage, (kind) => count(scene, kind))
  const repository = await openRepository(storage, scene.password, scene.options)
  stack.defer(() => repository[Symbol.asyncDispose]())
  const result = await work({ ...own, pool, repository, ledger: scene.ledger.of(life) })
  return life.killedAt === undefined ? result : `killed ${life.killedAt}`
}

const poolOptions = ({ clock }: Scene) => ({
  clock,
  patience: { forMs: 4000, pauseMsMost: 20, releaseAfterMs: 60 },
  allowInsecureNbd: true,
  connectPatienceMs: 200,
  reconnectPatienceMs: 400,
  nbd: { thread: 'caller', requestTimeoutMs: 3000, connectTimeoutMs: 3000, pauseMs: 20 } as const,
})

/** The pool as the engine sees it; what its disks hold when a snapshot is taken goes to the oracle. */
const watched = ({ machines, oracle }: Scene, pool: Pool): Pool => ({
  ...pool,
  async snapshot(vm, options, signal) {
    const contents = machines.contentsOf(vm.uuid)
    const snapshot = await pool.snapshot(vm, options, signal)
    oracle.taken(snapshot, contents)
    return snapshot
  },
})

function count(scene: Scene, name: string, times = 1): void {
  if (times > 0) scene.fired.set(name, (scene.fired.get(name) ?? 0) + times)
}

async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  const done = new AbortController()
  const late = pause(HANG_MS, undefined, { signal: done.signal }).then(
    () => Promise.reject(new Finding(`it hangs: no end within ${HANG_MS / 1000} s`)),
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}

/** The code of a typed error, or of both that came together. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof SuppressedError) {
    const codes = [codeOf(error.suppressed), codeOf(error.error)]
    return codes.includes(undefined) ? undefined : codes.join(', then ')
  }
  if (error instanceof XenApiError) return error.failure?.[0] ?? error.code
  const isOurs = [EngineError, RepositoryError, NbdError, BlocksError].some((type) => error instanceof type)
  return isOurs ? (error as EngineError).code : undefined
}

/** The administrator plugs what a fault unplugged; a host that restarts is waited for. */
async function heal(admin: Session): Promise<void> {
  for (const [ref, { currently_attached: isPlugged }] of Object.entries(await admin.PBD.get_all_records())) {
    if (!isPlugged) await admin.PBD.plug(ref as Parameters<typeof admin.PBD.plug>[0])
  }
}
