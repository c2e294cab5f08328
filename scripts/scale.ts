// A repository of many blobs, and what opening it costs: npm run scale -- --blobs 50000000 [--keep DIR] [--json]. docs/scale.md
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { initRepository, localBackend, openRepository } from '@tidemark/repository'
import { Sealer } from '../packages/repository/src/format/crypto.ts'
import { openKeyFile } from '../packages/repository/src/format/key.ts'
import { saveSyntheticIndex, syntheticIds } from '../packages/repository/test/support/synthetic-index.ts'

const PASSWORD = 'scale'
const FILE_BLOBS = 50_000
const LOOK_UPS = 500_000
const LIST = 4_000_000

const { values } = parseArgs({
  options: {
    blobs: { type: 'string', default: '5000000' },
    keep: { type: 'string' },
    json: { type: 'boolean', default: false },
    measure: { type: 'string' },
  },
})
const blobs = Number(values.blobs)
const say = (text: string): void => (values.json ? console.error(text) : console.log(text))

if (values.measure === undefined) await all()
else await measure(JSON.parse(values.measure) as Measurement)

interface Measurement {
  readonly path: string
  readonly cache?: string
  readonly lookUps: boolean
}

interface Figures {
  readonly openSeconds: number
  readonly cpuSeconds: number
  readonly filesRead: number
  readonly size: number
  readonly peakMiB: number
  readonly knownPerSecond?: number
  readonly unknownPerSecond?: number
  readonly listSeconds?: number
  readonly peakAfterMiB?: number
}

async function all(): Promise<void> {
  const directory = values.keep ?? (await mkdtemp(join(tmpdir(), 'tidemark-scale-')))
  try {
    const path = join(directory, 'repository')
    const cache = join(directory, 'cache')
    await rm(cache, { recursive: true, force: true })
    const names = await makeRepository(path)
    const results: Record<string, Figures> = {}
    const run = async (name: string, measurement: Measurement) => {
      results[name] = await inOwnProcess(measurement)
      say(`${name}: ${JSON.stringify(results[name])}`)
    }
    if (blobs <= 5_000_000) await run('without a cache', { path, lookUps: true })
    await run('first open', { path, cache, lookUps: false })
    await run('second open', { path, cache, lookUps: true })
    const backend = localBackend(path)
    const sealer = await sealerOf(path)
    const added: string[] = []
    for (let i = 0; i < 3; i++)
      added.push(await saveSyntheticIndex(backend, sealer, blobs + i * FILE_BLOBS, FILE_BLOBS))
    await run('three index files more', { path, cache, lookUps: false })
    for (const name of added) await backend.remove({ type: 'index', name })
    await run('three index files less', { path, cache, lookUps: true })
    const bytes = await sizeOf(cache)
    say(
      `the cache takes ${(bytes / blobs).toFixed(1)} bytes a blob, the ${names} index files ${((await sizeOf(join(path, 'index'))) / blobs).toFixed(1)}`,
    )
    if (values.json) console.log(JSON.stringify({ blobs, cacheBytes: bytes, results }))
  } finally {
    if (values.keep === undefined) await rm(directory, { recursive: true, force: true })
  }
}

async function makeRepository(path: string): Promise<number> {
  const files = Math.ceil(blobs / FILE_BLOBS)
  await mkdir(path, { recursive: true })
  const backend = localBackend(path)
  if ((await readdir(path)).length === 0)
    await (await initRepository(backend, PASSWORD, { workers: 0 }))[Symbol.asyncDispose]()
  const sealer = await sealerOf(path)
  const existing = (await readdir(join(path, 'index'))).length
  const began = performance.now()
  for (let i = existing; i < files; i++) await saveSyntheticIndex(backend, sealer, i * FILE_BLOBS, FILE_BLOBS)
  say(`${files - existing} index files of ${FILE_BLOBS} blobs written in ${seconds(began)} s`)
  return files
}

async function sealerOf(path: string): Promise<Sealer> {
  const [name = ''] = await readdir(join(path, 'keys'))
  const key = await openKeyFile(await localBackend(path).load({ type: 'keys', name }, 'all'), PASSWORD, name)
  if (key === undefined) throw new Error(`${path} was made by something else`)
  return new Sealer(key)
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(directory, { recursive: true })) bytes += (await stat(join(directory, name))).size
  return bytes
}

async function inOwnProcess(measurement: Measurement): Promise<Figures> {
  const args = ['--measure', JSON.stringify(measurement), '--blobs', String(blobs)]
  const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--conditions=@tidemark/source'] })
  const [figures] = (await once(child, 'message')) as [Figures]
  await once(child, 'exit')
  return figures
}

async function measure({ path, cache, lookUps }: Measurement): Promise<void> {
  const options = { workers: 0, ...(cache !== undefined && { cache: { directory: cache, onProblem: console.error } }) }
  const backend = localBackend(path)
  let filesRead = 0
  const load: typeof backend.load = (file, range, signal) => {
    if (file.type === 'index') filesRead++
    return backend.load(file, range, signal)
  }
  await using repository = await openRepository({ ...backend, load }, PASSWORD, options)
  const began = performance.now()
  const cpu = process.cpuUsage()
  await repository.loadIndex()
  const { user, system } = process.cpuUsage(cpu)
  const index = repository.blobs.index()
  const figures = {
    openSeconds: seconds(began),
    cpuSeconds: Math.round((user + system) / 1e4) / 100,
    filesRead,
    size: index.size,
    peakMiB: peak(),
  }
  if (!lookUps) return void process.send?.(figures)
  const known = shuffled()
  const knownPerSecond = rate(known, (ids, at) => index.has('data', ids, at))
  const unknownPerSecond = rate(syntheticIds(2 ** 50, LOOK_UPS), (ids, at) => !index.has('data', ids, at))
  const list = syntheticIds(0, Math.min(LIST, blobs))
  const listBegan = performance.now()
  let bytes = 0
  index.findMany('data', list, (_, entry, size) => (bytes += entry < 0 ? Number.NaN : size))
  if (bytes !== (list.length / 32) * 65_536) throw new Error(`the list adds up to ${bytes}`)
  process.send?.({
    ...figures,
    knownPerSecond,
    unknownPerSecond,
    listSeconds: seconds(listBegan),
    peakAfterMiB: peak(),
  })
}

function rate(ids: Uint8Array, isRight: (ids: Uint8Array, at: number) => boolean): number {
  const began = performance.now()
  for (let at = 0; at < ids.length; at += 32) if (!isRight(ids, at)) throw new Error(`wrong about ID ${at / 32}`)
  return Math.round((ids.length / 32 / (performance.now() - began)) * 1000)
}

/** IDs that are known, from all over. */
function shuffled(): Uint8Array {
  const ids = new Uint8Array(LOOK_UPS * 32)
  const step = Math.max(1, Math.floor(blobs / LOOK_UPS))
  for (let i = 0; i < LOOK_UPS; i++) ids.set(syntheticIds((i * step * 7919) % blobs, 1), i * 32)
  return ids
}

function seconds(began: number): number {
  return Math.round(performance.now() - began) / 1000
}

/** The most memory that this process ever had, the whole of it. */
function peak(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024)
}
