// One run of our library on a raw image, as a process of its own: what a user's program of twenty lines does.
// node job.ts init|backup|restore|check|prune <repository> [<image> [<list of changed blocks>]]
import { readFileSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { bytes, CBT_BLOCK, extent, normalize, type Extents } from '@tidemark/blocks'
import {
  forget,
  gridFor,
  initRepository,
  loadPoint,
  localBackend,
  openRepository,
  planContent,
  planForget,
  prune as prunePacks,
  readFileExtents,
  savePoint,
  writeContent,
  writeToFile,
  type Point,
  type Repository,
  type Snapshot,
} from '@tidemark/repository'

const [job = '', directory = '', image = '', changes] = process.argv.slice(2)
const PASSWORD = 'bench'
const DISK = { position: 0, vdiUuid: '00000000-0000-4000-8000-000000000000' }

const jobs: Readonly<Record<string, () => Promise<void>>> = { init, backup, restore, check, prune }
await jobs[job]?.()

async function init(): Promise<void> {
  await using _ = await initRepository(localBackend(directory), PASSWORD)
}

async function backup(): Promise<void> {
  await using repository = await openRepository(localBackend(directory), PASSWORD)
  await using lock = await repository.lock('shared')
  const newest = changes === undefined ? undefined : await newestPoint(repository)
  await repository.loadIndex()
  const parent = await newest?.disks[0]?.content()
  const size = bytes((await stat(image)).size)
  const plan = planContent(parent, size, changes === undefined ? 'all' : readChanges(changes), gridFor(size))
  const chunks = readFileExtents(image, plan.reads, lock.signal)
  const { content } = await writeContent(repository, plan, chunks, undefined, lock.signal)
  await savePoint(repository, {
    slug: 'bench',
    time: new Date(),
    hostname: 'bench',
    paths: ['/bench/disk'],
    tags: [],
    programVersion: 'bench',
    vmJson: Buffer.from('{}'),
    disks: [{ ...DISK, content }],
  })
}

async function restore(): Promise<void> {
  await using repository = await openRepository(localBackend(directory), PASSWORD)
  await using _ = await repository.lock('shared')
  const content = await (await newestPoint(repository)).disks[0]?.content()
  if (content === undefined) throw new Error('no disk in the newest point')
  await using file = await open(image, 'wx')
  await writeToFile(repository, content, file)
}

async function check(): Promise<void> {
  await using repository = await openRepository(localBackend(directory), PASSWORD)
  await using _ = await repository.lock('shared')
  const { errors } = await repository.check({ readData: true })
  if (errors.length > 0) throw new Error(`${errors.length} findings, the first: ${errors[0]?.message}`)
}

/** Keeps the newest point, and nothing that it does not need. */
async function prune(): Promise<void> {
  await using repository = await openRepository(localBackend(directory), PASSWORD)
  await using lock = await repository.lock('exclusive')
  await forget(repository, await planForget(repository, { rules: { last: 1 } }), lock)
  await prunePacks(repository, lock, { maxUnused: { bytes: 0 } })
}

async function newestPoint(repository: Repository): Promise<Point> {
  let newest: Snapshot | undefined
  for await (const each of repository.snapshots()) if (newest === undefined || each.time > newest.time) newest = each
  if (newest === undefined) throw new Error('no snapshot')
  return loadPoint(repository, newest)
}

function readChanges(path: string): Extents {
  const blocks = JSON.parse(readFileSync(path, 'utf8')) as number[]
  return normalize(blocks.map((block) => extent(block * CBT_BLOCK, CBT_BLOCK)))
}
