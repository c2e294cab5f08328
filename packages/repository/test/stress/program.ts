// One program among those that share a repository: forked by stress.ts with its task as JSON. It works until it is told to stop.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  forget,
  isRepositoryError,
  loadPoint,
  openBackend,
  openRepository,
  planContent,
  planForget,
  gridFor,
  prune,
  savePoint,
  writeContent,
  type Repository,
  type Snapshot,
} from '../../src/index.ts'
import { seededRandom } from '../support/random.ts'
import { changedBetween, contentOf, expectVersion, sizeOf } from './disk.ts'
import type { Report, Task } from './stress.ts'

const task = JSON.parse(process.argv[2] ?? '{}') as Task
const random = seededRandom(task.seed * 1009 + task.number * 31 + task.life)
const options = { workers: task.role === 'writer' ? 1 : 0, packSize: 512 << 10 }
let isStopping = false
process.on('message', () => (isStopping = true))

const tell = (report: Report): void => void process.send?.(report)
const rounds = { writer: write, pruner: clear, checker: check, restorer: restore } as const

while (!isStopping) {
  const begun = performance.now()
  try {
    await using repository = await openRepository(openBackend(task.location), task.password, options)
    await rounds[task.role](repository)
  } catch (error) {
    if (!isRepositoryError(error, 'REPOSITORY_LOCKED')) throw error
    tell({ type: 'locked' })
  }
  if (!isStopping) await sleep(pauseAfter(performance.now() - begun))
}
process.exit(0)

/** Whoever needs the repository alone asks more often than those who share it use it: on a slow machine these rest for longer. */
function pauseAfter(workedMs: number): number {
  const isShared = task.role === 'writer' || task.role === 'restorer'
  return isShared ? 200 + random.below(1200) + workedMs * 2 : 50 + random.below(300)
}

/** Backs up the next version of its disk over the newest point. */
async function write(repository: Repository): Promise<void> {
  await using lock = await repository.lock('shared')
  const newest = (await pointsOf(repository, task.number)).at(-1)
  await repository.loadIndex(lock.signal)
  const disk = { seed: task.seed, writer: task.number, blocks: task.blocks }
  const version = newest === undefined ? 0 : newest.version + 1
  const parent = newest && (await loadPoint(repository, newest.snapshot, lock.signal)).disks[0]
  const changes = newest === undefined ? 'all' : changedBetween(disk, newest.version, version)
  const plan = planContent(await parent?.content(), sizeOf(disk), changes, gridFor(sizeOf(disk)))
  const { content } = await writeContent(repository, plan, contentOf(disk, version, plan.reads), undefined, lock.signal)
  const { id } = await savePoint(repository, {
    slug: `vm-${task.number}`,
    time: new Date(),
    hostname: `vm-${task.number}`,
    paths: [`/stress/vm-${task.number}`],
    tags: ['tidemark', `version-${version}`],
    programVersion: 'stress',
    vmJson: Buffer.from('{}'),
    disks: [{ position: 0, vdiUuid: 'one', content }],
  })
  tell({ type: 'point', id, writer: task.number, version })
}

/** Forgets all but the newest points of each writer, and prunes. What it is about to forget is told before. */
async function clear(repository: Repository): Promise<void> {
  await using lock = await repository.lock('exclusive')
  const plan = await planForget(repository, { rules: { last: 3 + random.below(4) }, groupBy: ['host'] }, lock.signal)
  tell({ type: 'forgetting', ids: plan.remove })
  await forget(repository, plan, lock)
  await repository.loadIndex(lock.signal)
  const { bytes } = await prune(repository, lock, { maxUnused: { percent: random.below(10) } })
  tell({ type: 'pruned', freed: bytes.freed })
}

/** Half of the time beside those who write. */
async function check(repository: Repository): Promise<void> {
  await using lock = await repository.lock(random.below(2) === 0 ? 'shared' : 'exclusive')
  const { errors } = await repository.check({ readData: random.below(3) > 0 }, undefined, lock.signal)
  tell({ type: 'checked', lock: lock.kind, errors: errors.map(({ file, message }) => `${file}: ${message}`) })
}

/** Reads a point and compares it with what it must be. */
async function restore(repository: Repository): Promise<void> {
  await using lock = await repository.lock('shared')
  const points = await pointsOf(repository)
  if (points.length === 0) return
  const { snapshot, writer, version } = random.pick(points)
  await repository.loadIndex(lock.signal)
  const content = await (await loadPoint(repository, snapshot, lock.signal)).disks[0]?.content()
  if (content === undefined) throw new Error(`${snapshot.id} has lost its disk`)
  await expectVersion(repository, content, { seed: task.seed, writer, blocks: task.blocks }, version, lock.signal)
  tell({ type: 'restored', id: snapshot.id })
}

/** Points of all writers or of one, by version. */
async function pointsOf(repository: Repository, of?: number) {
  const points: { snapshot: Snapshot; writer: number; version: number }[] = []
  for await (const snapshot of repository.snapshots()) {
    const writer = Number(snapshot.hostname?.slice(3))
    const version = Number(snapshot.tags?.find((tag) => tag.startsWith('version-'))?.slice(8))
    if (of === undefined || of === writer) points.push({ snapshot, writer, version })
  }
  return points.toSorted((a, b) => a.version - b.version)
}
