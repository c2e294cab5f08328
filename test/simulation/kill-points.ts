import { seeded } from '../support/random.ts'
import { calm } from './faults.ts'
import { Finding } from './oracle.ts'
import { expectAllRight, removeComplete } from './play.ts'
import { layFoundation, openScene, type Scene } from './scene.ts'
import { backup, restore, retire, tidy } from './steps.ts'
import { inLife } from './work.ts'

/** A call before or after which a process was killed, as `backup: killed before Async.VM.snapshot`. */
export type KillPoint = string

export interface KillOptions {
  /** Of all points, each so many-th; 1 for all. */
  readonly every: number
  /** Hears of each point that was played. */
  readonly onPoint: (point: KillPoint) => void
}

/**
 * Kills a backup and a restore before and after every call to the pool, to the journal and to the storage. Each time the next run must
 * complete, the pool be clean, and every point right.
 * @returns the points in order
 * @throws Finding, naming the point
 */
export async function playKillPoints({ every, onPoint }: KillOptions): Promise<readonly KillPoint[]> {
  await using foundation = await layFoundation()
  await using scene = await openScene(0, 'short', foundation)
  await scene.machines.create(seeded('kill points'))
  const points: KillPoint[] = []
  for (const kind of ['backup', 'restore'] as const) {
    await complete(scene, 'the backup before')
    for (let n = 0; ; n += every) {
      const result = await killedAt(scene, kind, n)
      if (!result.startsWith('killed')) break
      const point = `${kind}: ${result}`
      await recover(scene, kind, point, points.length % 2 === 0 ? tidy : restore)
      points.push(point)
      onPoint(point)
      if (points.length % 10 === 0) await inLife(scene, calm, seeded('retire'), retire)
    }
  }
  return points
}

async function killedAt(scene: Scene, kind: 'backup' | 'restore', n: number): Promise<string> {
  const [vm] = scene.machines.all
  if (vm === undefined) throw new Error('the scene has no VM')
  await scene.machines.scribble(vm, seeded(`write ${n}`))
  const trouble = { ...calm, killAfter: n }
  return inLife(scene, trouble, seeded('work'), kind === 'backup' ? (tools) => backup(tools, vm.uuid) : restore)
}

/** What the next run makes of it, or what the doctor or the next restore makes of a restore. */
async function recover(scene: Scene, kind: 'backup' | 'restore', point: KillPoint, next: typeof tidy): Promise<void> {
  try {
    if (kind === 'backup') await complete(scene, point)
    else await inLife(scene, calm, seeded('next'), next)
    await removeComplete(scene)
    await expectAllRight(scene)
  } catch (error) {
    throw new Finding(`${point}: ${(error as Error).message}`, { cause: error })
  }
}

async function complete(scene: Scene, point: KillPoint): Promise<void> {
  for (const { uuid } of scene.machines.all) {
    const result = await inLife(scene, calm, seeded('work'), (tools) => backup(tools, uuid))
    if (!result.startsWith('point ')) throw new Finding(`${point}: the next run ended with ${result}`)
  }
  scene.clock.skip(3600_000)
}
