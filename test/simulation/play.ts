import { listPoints } from '@tidemark/engine'
import { openRepository } from '@tidemark/repository'
import { inspect } from 'node:util'
import type { Random } from '../support/random.ts'
import { expectCleanPool } from './census.ts'
import { calm, drawTrouble, type Trouble, type Work } from './faults.ts'
import { Finding } from './oracle.ts'
import { openScene, type Foundation, type Length, type Scene } from './scene.ts'
import { backup, removeVm, restore, restoreBack, retire, tidy } from './steps.ts'
import { inLife, type Tools } from './work.ts'

const HOUR_MS = 3600_000

/** What became of one seed. */
export interface Played {
  readonly seed: number
  /** Points compared byte by byte, each time counted. */
  readonly points: number
  /** How often each fault happened. */
  readonly fired: ReadonlyMap<string, number>
  /** What happened, a line each. */
  readonly trace: readonly string[]
  /** What was wrong; undefined when nothing was. */
  readonly failure: string | undefined
}

/** Plays the schedule of a seed: VMs live, are backed up, restored and forgotten, and things go wrong. Never throws for what it finds. */
export async function playSeed(seed: number, length: Length, foundation: Foundation): Promise<Played> {
  await using scene = await openScene(seed, length, foundation)
  const { trace, fired, oracle } = scene
  let failure: string | undefined
  try {
    await play(scene)
  } catch (error) {
    failure = error instanceof Finding && error.cause === undefined ? error.message : inspect(error, { depth: 5 })
  }
  return { seed, points: oracle.compared, fired, trace, failure }
}

async function play(scene: Scene): Promise<void> {
  const { random, machines, clock, length } = scene
  const isShort = length === 'short'
  const vms = isShort ? 1 : random.pick([1, 1, 1, 1, 1, 1, 2, 2, 2, 4])
  for (let n = 0; n < vms; n++) await machines.create(random.fork(`vm ${n}`))
  const steps = isShort ? 2 + random.int(2) : 3 + random.int(4)
  for (let n = 0; n < steps; n++) {
    const own = random.fork(`step ${n}`)
    for (const vm of machines.all) if (own.chance(70)) scene.trace.push(await machines.live(vm, own))
    await takeStep(scene, n, own)
    clock.skip(own.pick([HOUR_MS / 4, 6 * HOUR_MS, 24 * HOUR_MS]))
  }
  await close(scene, random.fork('end'))
}

type Step = (tools: Tools) => Promise<string>

async function takeStep(scene: Scene, n: number, random: Random): Promise<void> {
  const { uuid, name } = random.pick(scene.machines.all)
  const steps: readonly (readonly [number, string, Work, Step])[] = [
    [64, `backup of ${name}`, 'backup', (tools) => backup(tools, uuid)],
    [12, 'restore', 'restore', restore],
    [6, 'restore over', 'restore', restoreBack],
    [12, 'forget and prune', 'retire', retire],
    [6, 'doctor', 'tidy', tidy],
  ]
  const [, title, work, step] = drawStep(steps, n < 2 ? 0 : random.int(100))
  const trouble = drawTrouble(random, { work, storages: scene.storages })
  scene.trace.push(`${n}: ${title}${described(trouble)}`)
  const result = await inLife(scene, trouble, random, step)
  scene.trace.push(`   ${result}`)
}

function drawStep<Each extends readonly [number, ...unknown[]]>(steps: readonly Each[], drawn: number): Each {
  let left = drawn
  const found = steps.find(([weight]) => (left -= weight) < 0)
  if (found === undefined) throw new RangeError(`no step for ${drawn}`)
  return found
}

function described({ lab, storage, killAfter, others }: Trouble): string {
  const parts = [
    ...lab.map(
      ({ at, match, after = 0, do: action }) =>
        `${at} ${JSON.stringify(match)} after ${after}: ${JSON.stringify(action)}`,
    ),
    ...storage.map(({ kind, after, times }) => `storage ${kind} after ${after}, ${times} times`),
    ...others.map(({ name, after }) => `after ${after} calls ${name}`),
    ...(killAfter === Infinity ? [] : [`killed after ${killAfter} calls`]),
  ]
  return parts.length === 0 ? '' : `; ${parts.join('; ')}`
}

/** Nothing goes wrong any more: one pass of the janitor must clean the pool, every VM must have a point again, and all must be right. */
async function close(scene: Scene, random: Random): Promise<void> {
  const { clock, machines, trace } = scene
  clock.skip(25 * HOUR_MS) // nobody goes on with a run that was cut
  trace.push('end: doctor', `   ${await inLife(scene, calm, random, tidy)}`)
  await removeComplete(scene)
  if (scene.length === 'full') await expectAllRight(scene)
  else await expectClean(scene)
  for (const vm of machines.all) {
    const result = await inLife(scene, calm, random, (tools) => backup(tools, vm.uuid))
    trace.push(`end: backup of ${vm.name}`, `   ${result}`)
    if (!result.startsWith('point ') || result.includes('somebody')) {
      throw new Finding(`with nothing in its way the backup of ${vm.name} ended with: ${result}`)
    }
    clock.skip(HOUR_MS)
  }
  const restored = await inLife(scene, calm, random, restore)
  trace.push('end: restore', `   ${restored}`)
  if (!restored.endsWith('equal')) throw new Finding(`with nothing in its way a restore ended with: ${restored}`)
  await expectAllRight(scene)
}

/** A restore that was killed after its work was done leaves a VM that is nobody's leftover: its administrator has it. */
export async function removeComplete({ admin, trace }: Scene): Promise<void> {
  for (const { uuid, name_label: name } of Object.values(await admin.VM.get_all_records())) {
    if (!name.startsWith('restored ')) continue
    trace.push(`end: '${name}' was complete`)
    await removeVm(admin, uuid)
  }
}

/** The pool alone, which costs less than all points. */
export async function expectClean(scene: Scene): Promise<void> {
  await using repository = await openRepository(scene.store, scene.password, scene.options)
  await repository.loadIndex()
  await expectCleanPool(scene, repository, await listPoints(repository))
}

export async function expectAllRight(scene: Scene): Promise<void> {
  await using repository = await openRepository(scene.store, scene.password, scene.options)
  await repository.unlock('stale')
  const points = await scene.oracle.compare(repository)
  const { errors } = await repository.check({ readData: true })
  if (errors.length > 0) throw new Finding(`the repository is damaged: ${JSON.stringify(errors)}`)
  await expectCleanPool(scene, repository, points)
}
