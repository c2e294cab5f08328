import { MiB } from '@tidemark/blocks'
import type { Session } from '@tidemark/xenapi'
import { census, removeLoneDisks, removeVm } from '../support/census.ts'
import { mortal } from '../support/mortal.ts'
import { guestWrites, openBench, type Bench, type Run } from '../support/pool.ts'
import { seeded } from '../support/random.ts'
import { Finding } from './oracle.ts'

const KINDS = ['backup', 'restore', 'new-disk', 'over'] as const
type Kind = (typeof KINDS)[number]

export interface ProcessKillOptions {
  readonly seed: number
  /** How many points of each kind of work are drawn; Infinity for all. */
  readonly each: number
  /** Hears of each point that was played. */
  readonly onPoint: (point: string) => void
}

/**
 * Kills processes with SIGKILL before and after calls to the pool, and at steps of the journal: backups, and restores as a new VM, as new
 * disks and over a disk. Each time the next run must complete, the point be the disk, and the pool be clean.
 * @returns the points in order
 * @throws Finding, naming the point
 */
export async function playProcessKills({ seed, each, onPoint }: ProcessKillOptions): Promise<readonly string[]> {
  await using bench = await openBench({ detachDelayMs: 50 })
  await using admin = await bench.admin()
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ size: 8 * MiB }] })
  const scene = { bench, admin, vdi: vm.disks[0]?.uuid ?? '' }
  const points: string[] = []
  for (const kind of KINDS) {
    await prepare(scene, kind, 'first')
    const { steps } = await mortal(bench, { kind, at: 'pool', vm: 'web' })
    await removeComplete(admin)
    for (const after of drawn(steps.length, each, seed, kind)) {
      const point = `${kind}: killed at ${after}, ${steps[after]}`
      await playOne(scene, kind, after).catch((error: unknown) => {
        throw new Finding(`${point}: ${(error as Error).message}`, { cause: error })
      })
      points.push(point)
      onPoint(point)
    }
  }
  return points
}

interface Killing {
  readonly bench: Bench
  readonly admin: Session
  readonly vdi: string
}

/** Ascending places among `count` steps. */
function drawn(count: number, each: number, seed: number, kind: Kind): readonly number[] {
  const random = seeded(`${seed} ${kind}`)
  const left = Array.from({ length: count }, (_, place) => place)
  while (left.length > each) left.splice(random.int(left.length), 1)
  return left
}

async function playOne(scene: Killing, kind: Kind, after: number): Promise<void> {
  const { bench, admin } = scene
  await prepare(scene, kind, `${kind} ${after}`)
  const { died } = await mortal(bench, { kind, at: 'pool', vm: 'web', after })
  if (!died) throw new Error('it lived: the steps are others than before')
  if (kind === 'backup') await completed(bench.tidemark('backup', 'web', '--audit', 'off'))
  else await bench.tidemark('doctor', '--pool', 'lab') // says 3 for a repository that anybody can delete
  if (kind === 'over') await completed(bench.tidemark('restore', 'web', '--over'))
  await removeComplete(admin)
  if (kind === 'backup') await completed(bench.tidemark('backup', 'web', '--audit', 'off')) // one that went on has the disk of then
  await completed(bench.tidemark('verify', 'web', '--against-pool'))
  const left = JSON.stringify(await census(admin))
  const usual = JSON.stringify({ vms: 1, snapshots: 0, disks: 1, copies: 0, bases: 1 })
  if (left !== usual) throw new Error(`the pool has ${left}, not ${usual}`)
  const broken = await bench.lab.control.invariants()
  if (broken.length > 0) throw new Error(`the pool is no whole: ${JSON.stringify(broken)}`)
}

/** A restore over a disk has something to write, a backup something to read; the other restores have a point. */
async function prepare({ bench, vdi }: Killing, kind: Kind, seed: string): Promise<void> {
  if (kind === 'over' || seed === 'first') await completed(bench.tidemark('backup', 'web', '--audit', 'off'))
  if (kind === 'over' || kind === 'backup') await guestWrites(bench.lab, vdi, [2, 77], seed)
}

async function removeComplete(admin: Session): Promise<void> {
  await removeVm(admin, 'restored')
  await removeLoneDisks(admin)
}

async function completed(run: Promise<Run>): Promise<void> {
  const { code, last } = await run
  if (code !== 0) throw new Error(`the next run ended with ${code}: ${JSON.stringify(last)}`)
}
