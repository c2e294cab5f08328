import { setTimeout as pause } from 'node:timers/promises'
import { LabError } from '@tidemark/lab'
import { XenApiError } from '@tidemark/xenapi'
import type { Random } from '../support/random.ts'
import type { Scene } from './scene.ts'

/** What others do to the pool in the middle of our work. Resolves to what puts it right once the work is over. */
type Act = (scene: Scene, random: Random) => Promise<(() => Promise<void>) | undefined>

/** An act, and the call of ours to the outside that it comes before. */
export interface Meddling {
  readonly name: ActName
  /** So many calls pass before. */
  readonly after: number
}

type ActName = keyof typeof ACTS

/** Coordinators fail over, hosts go and come, and administrators do what they do; the likelihoods are those of `NAMES`. */
const ACTS = {
  /** Under load, or by `pool.designate_new_master`: the old one is a member from then on. */
  'another host becomes the coordinator': async (scene, random) => {
    await failOver(scene, random.maybe(await members(scene)))
    return restarted
  },
  'the coordinator dies, and another host takes over': async (scene, random) => {
    const [old, next] = [await coordinator(scene), random.maybe(await members(scene))]
    if (next === undefined) return undefined
    await scene.lab.control.stopHost(old)
    if (random.chance(50)) await pause(150) // until then nobody serves the pool
    await failOver(scene, next)
    return async () => {
      await restarted()
      await scene.lab.control.startHost(old)
    }
  },
  /** A restart of the toolstack: sessions and tasks are forgotten, connections end, storage and NBD go on. */
  'the toolstack restarts': async (scene, random) => {
    const [old, next] = [await coordinator(scene), random.maybe(await members(scene))]
    await failOver(scene, next)
    if (next !== undefined) await failOver(scene, old)
    return restarted
  },
  'a host is away': async ({ lab }, random) => {
    const { uuid } = random.pick(lab.hosts)
    await lab.control.stopHost(uuid)
    return () => lab.control.startHost(uuid)
  },
  'a host is away for a moment': async ({ lab }, random) => {
    const { uuid } = random.pick(lab.hosts)
    await lab.control.stopHost(uuid)
    const back = pause(random.pick([10, 300])).then(() => lab.control.startHost(uuid))
    back.catch(() => {}) // whoever waits for it is told
    return () => back
  },
  'sessions expire': async ({ lab }) => {
    await lab.control.expireSessions()
    return undefined
  },
  'switched on or off': async ({ machines }, random) => {
    const vm = random.pick(machines.all)
    await machines.power(vm)
    return undefined
  },
  'migrated to another host': async ({ admin, machines }, random) => {
    const { ref } = random.pick(machines.all)
    const here = await admin.VM.get_resident_on(ref)
    const to = random.maybe((await admin.host.get_all()).filter((host) => host !== here))
    if (to !== undefined) await admin.VM.pool_migrate(ref, to, {})
    return undefined
  },
  'tracking breaks or is switched off': async ({ machines }, random) => {
    await machines.untrack(random.pick(machines.all), random)
    return undefined
  },
  'storage is unplugged': async ({ admin }, random) => {
    const all = Object.entries(await admin.PBD.get_all_records()).filter(([, { currently_attached: is }]) => is)
    const chosen = random.maybe(all)
    if (chosen !== undefined) await admin.PBD.unplug(chosen[0] as Parameters<typeof admin.PBD.unplug>[0])
    return undefined // the work's own end plugs what is not plugged
  },
} as const satisfies Readonly<Record<string, Act>>

/** Fail-over is what resuming is for, so it comes more often. */
const NAMES: readonly ActName[] = [
  'another host becomes the coordinator',
  'the coordinator dies, and another host takes over',
  ...(Object.keys(ACTS) as ActName[]),
]

export const drawMeddling = (random: Random): Meddling => ({ name: random.pick(NAMES), after: random.int(120) })

/** The others on a pool, in the middle of one piece of work of ours. */
export class Others {
  readonly #scene: Scene
  readonly #acts: readonly Meddling[]
  readonly #random: Random
  readonly #under: ReturnType<typeof meddle>[] = []

  constructor(scene: Scene, acts: readonly Meddling[], random: Random) {
    this.#scene = scene
    this.#acts = acts
    this.#random = random
  }

  /** Does what comes before the `n`th call of ours. */
  async before(n: number): Promise<void> {
    for (const act of this.#acts) {
      if (act.after !== n) continue
      const done = meddle(this.#scene, act, this.#random)
      this.#under.push(done)
      await done
    }
  }

  /** Puts right what they did. Our work may have ended, by another call of it, before an act of theirs did: it is waited for. */
  async leave(): Promise<void> {
    for (const done of this.#under) await (await done)?.()
  }
}

/**
 * Does it. What the pool refuses, or cannot do now, does not happen. @returns what puts it right; undefined: nothing has to
 * be, or nothing happened
 */
async function meddle(scene: Scene, { name }: Meddling, random: Random): Promise<(() => Promise<void>) | undefined> {
  try {
    const act: Act = ACTS[name]
    const undo = await act(scene, random)
    scene.fired.set('others', (scene.fired.get('others') ?? 0) + 1)
    return undo
  } catch (error) {
    if (error instanceof XenApiError || error instanceof LabError) return undefined
    throw error
  }
}

/** Until it is over, connections to the pool are cut: what an administrator did just then would be lost. */
const restarted = (): Promise<void> => pause(150)

async function coordinator({ admin }: Scene): Promise<string> {
  const [pool] = Object.values(await admin.pool.get_all_records())
  if (pool === undefined) throw new Error('no pool')
  return admin.host.get_uuid(pool.master)
}

async function members(scene: Scene): Promise<string[]> {
  const master = await coordinator(scene)
  return scene.lab.hosts.flatMap(({ uuid }) => (uuid === master ? [] : uuid))
}

/** @param to undefined: there is no other host, and nothing happens */
async function failOver({ lab }: Scene, to: string | undefined): Promise<void> {
  if (to !== undefined) await lab.control.appointCoordinator(to)
}
