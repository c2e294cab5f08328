// The list of a 16 TiB disk, and what it costs: npm run scale -- disk [--tib 16] [--json]. docs/scale.md
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bytes, endOf, extent, GiB, MiB, TiB, type Extents } from '@tidemark/blocks'
import {
  copySnapshots,
  gridFor,
  initRepository,
  loadPoint,
  localBackend,
  memoryBackend,
  openRepository,
  planContent,
  RepositoryError,
  savePoint,
  sharesOf,
  statsOf,
  writeContent,
  type DiskContent,
  type Repository,
  type Snapshot,
  type SourceChunk,
} from '@tidemark/repository'
import { Sealer } from '../packages/repository/src/format/crypto.ts'
import { openKeyFile } from '../packages/repository/src/format/key.ts'
import { hollowRepository } from '../packages/repository/test/grid/hollow-repository.ts'
import { saveSyntheticIndex, syntheticIds } from '../packages/repository/test/support/synthetic-index.ts'

const PASSWORD = 'scale'
const FILE_BLOBS = 50_000
const SLUG = 'big'
const RUN = 64 * MiB

const { values } = parseArgs({
  options: {
    tib: { type: 'string', default: '16' },
    json: { type: 'boolean', default: false },
    step: { type: 'string' },
    directory: { type: 'string', default: '' },
  },
})
const size = bytes(Number(values.tib) * TiB)
const piece = gridFor(size).base
const pieces = size / piece

const steps = {
  /** The list of a full backup, as if all data had been stored. */
  async full(repository: Repository) {
    const content = { size, length: pieces, ids: syntheticIds(0, pieces), sizes: new Uint32Array(pieces).fill(piece) }
    await save(repository, content)
    return { pieces }
  },
  /** What `tidemark points` and `show` read. */
  async list(repository: Repository) {
    let points = 0
    for await (const snapshot of repository.snapshots()) {
      const { disks } = await loadPoint(repository, snapshot)
      points += disks.length
    }
    return { points }
  },
  /** The pieces of the disk: what a restore, an increment and instant access begin with. */
  async content(repository: Repository) {
    return { pieces: (await contentOfNewest(repository)).length }
  },
  /** What `tidemark stats` counts. */
  async stats(repository: Repository) {
    const { blobs, restoreBytes } = await statsOf(repository, await snapshotsOf(repository))
    return { blobs, restoreTiB: restoreBytes / TiB }
  },
  /** What `tidemark stats --by vm` counts. */
  async shares(repository: Repository) {
    const [share] = await sharesOf(repository, [{ name: SLUG, snapshots: await snapshotsOf(repository) }])
    return { uniqueTiB: (share?.uniqueBytes ?? 0) / TiB }
  },
  /** A copy of all pieces as far as it goes without data: which are needed, in the order of their packs, up to the first read. */
  async copy(repository: Repository) {
    await using target = await initRepository(memoryBackend(), PASSWORD, { workers: 0 })
    const copy = copySnapshots(repository, target, await snapshotsOf(repository))
    const end = await copy.then(
      () => undefined,
      (error: unknown) => error,
    )
    if (!(end instanceof RepositoryError && end.file?.startsWith('data/'))) {
      throw new Error('a copy without data did not end at its first read', { cause: end })
    }
    return { endedAt: end.code }
  },
  /** One hundredth changed, in runs of 64 MiB; its data is counted and not stored. */
  async increment(repository: Repository) {
    const parent = await contentOfNewest(repository)
    const runs = Math.floor(size / 100 / RUN)
    const changed = Array.from({ length: runs }, (_, i) => extent(i * Math.floor(size / runs / piece) * piece, RUN))
    const plan = planContent(parent, size, changed, gridFor(size))
    const { repository: hollow, counted } = hollowRepository()
    const { content } = await writeContent(hollow, plan, somethingIn(plan.reads))
    await save(repository, content)
    return { pieces: content.length, changedGiB: (runs * RUN) / GiB, storedGiB: counted.bytes / GiB }
  },
} as const

if (values.step === undefined) await all()
else await measure(values.step)

async function all(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-scale-'))
  const results: Record<string, unknown> = {}
  try {
    await makeRepository(join(directory, 'repository'))
    for (const step of ['index', 'full', 'list', 'content', 'stats', 'shares', 'copy', 'increment', 'list'] as const) {
      const child = fork(
        fileURLToPath(import.meta.url),
        ['--tib', values.tib, '--step', step, '--directory', directory],
        {
          execArgv: ['--conditions=@tidemark/source'],
        },
      )
      const [figures] = (await once(child, 'message')) as [object]
      await once(child, 'exit')
      results[step] = figures
      if (!values.json) console.log(`${step}: ${JSON.stringify(figures)}`)
    }
    if (values.json) console.log(JSON.stringify(results))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** An empty repository whose index names all pieces of the disk. */
async function makeRepository(path: string): Promise<void> {
  const backend = localBackend(path)
  await (await initRepository(backend, PASSWORD, { workers: 0 }))[Symbol.asyncDispose]()
  const [name = ''] = await readdir(join(path, 'keys'))
  const key = await openKeyFile(await backend.load({ type: 'keys', name }, 'all'), PASSWORD, name)
  if (key === undefined) throw new Error('the key does not open')
  const sealer = new Sealer(key)
  for (let from = 0; from < pieces; from += FILE_BLOBS) {
    await saveSyntheticIndex(backend, sealer, from, Math.min(FILE_BLOBS, pieces - from), piece)
  }
}

async function measure(step: string): Promise<void> {
  const backend = localBackend(join(values.directory, 'repository'))
  const cache = { directory: join(values.directory, 'cache') }
  await using repository = await openRepository(backend, PASSWORD, { workers: 2, cache })
  const began = performance.now()
  await repository.loadIndex()
  const figures = step in steps ? await steps[step as keyof typeof steps](repository) : {}
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024)
  process.send?.({ seconds: Math.round(performance.now() - began) / 1000, peakMiB, ...figures })
}

async function save(repository: Repository, content: DiskContent): Promise<void> {
  await savePoint(repository, {
    slug: SLUG,
    time: new Date(),
    hostname: SLUG,
    paths: [`/pool/${SLUG}`],
    tags: [],
    programVersion: 'scale',
    vmJson: Buffer.from('{}'),
    disks: [{ position: 0, vdiUuid: 'disk', content }],
  })
}

async function snapshotsOf(repository: Repository): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = []
  for await (const each of repository.snapshots()) snapshots.push(each)
  return snapshots
}

async function contentOfNewest(repository: Repository): Promise<DiskContent> {
  const newest = (await snapshotsOf(repository)).reduce((a, b) => (b.time > a.time ? b : a))
  const disk = (await loadPoint(repository, newest)).disks[0]
  if (disk === undefined) throw new Error('the point has no disk')
  return disk.content()
}

async function* somethingIn(extents: Extents): AsyncGenerator<SourceChunk> {
  const some = new Uint8Array(piece).fill(1)
  for (const each of extents) {
    for (let at: number = each.offset; at < endOf(each); at += piece) yield { offset: at, data: some }
  }
}
