import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { choosePoint, listPoints, type RestorePoint } from '@tidemark/engine'
import {
  dump as dumpEntry,
  findBlobs,
  findNames,
  listEntries,
  type BlobQuery,
  type Repository,
} from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { moment, shortId, size } from '../output/units.ts'

export interface LsArguments extends RepositoryOptions {
  readonly recursive?: boolean
}

export interface FindArguments extends RepositoryOptions {
  readonly vm?: string
  readonly ignoreCase?: boolean
  readonly blob?: boolean
  readonly tree?: boolean
  readonly pack?: boolean
}

export interface DumpArguments extends RepositoryOptions {
  readonly to?: string
}

/** What a restore point has stored, as restic sees it: `vm.json`, disks, bitmaps. */
export async function ls(
  global: GlobalOptions,
  out: Out,
  [selector, path = '/']: readonly [string, string | undefined],
  args: LsArguments,
): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', global.signal)
  const signal = AbortSignal.any([global.signal, lock.signal])
  const { snapshot } = await pointOf(repository, selector, signal)
  let entries = 0
  for await (const { path: at, node } of listEntries(
    repository,
    snapshot.tree,
    path,
    { recursive: args.recursive ?? path === '/' },
    signal,
  )) {
    entries++
    const { type, size: bytes = 0, mtime } = node
    out.event({ type: 'entry', path: at, kind: type, size: bytes, mtime })
    out.say(`${type.padEnd(8)} ${(type === 'file' ? size(bytes) : '').padStart(9)}  ${at}`)
  }
  out.result({ entries }, '')
  return exitCodes.done
}

/** Which points have what fits a pattern, or need a blob, a tree or a pack. */
export async function find(
  global: GlobalOptions,
  out: Out,
  words: readonly string[],
  args: FindArguments,
): Promise<ExitCode> {
  const kinds = (['blob', 'tree', 'pack'] as const).filter((kind) => args[kind] === true)
  const [kind] = kinds
  if (kinds.length > 1) throw new CliError('CLI_USAGE', 'only one of --blob, --tree and --pack')
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', global.signal)
  const signal = AbortSignal.any([global.signal, lock.signal])
  const points = await listPoints(repository, args.vm === undefined ? {} : { vm: args.vm }, signal)
  await repository.loadIndex(signal)
  const found =
    kind === undefined
      ? namesIn(repository, points, words, args, signal)
      : blobsIn(repository, points, { kind, ids: words }, signal)
  let count = 0
  for await (const { snapshot, path } of found) {
    count++
    const id = snapshot.original ?? snapshot.id
    out.event({ type: 'found', point: id, time: snapshot.time.toISOString(), vm: snapshot.hostname, path })
    out.say(`${shortId(id)}  ${moment(snapshot.time)}  ${snapshot.hostname ?? ''}  ${path}`)
  }
  out.result({ found: count }, count === 0 ? 'nothing found' : '')
  return exitCodes.done
}

async function* namesIn(
  repository: Repository,
  points: readonly RestorePoint[],
  patterns: readonly string[],
  { ignoreCase = false }: FindArguments,
  signal: AbortSignal,
) {
  const snapshots = points.map(({ snapshot }) => snapshot)
  for (const pattern of patterns) yield* findNames(repository, snapshots, pattern, { ignoreCase }, signal)
}

const blobsIn = (repository: Repository, points: readonly RestorePoint[], query: BlobQuery, signal: AbortSignal) =>
  findBlobs(
    repository,
    points.map(({ snapshot }) => snapshot),
    query,
    signal,
  )

/** A file of a restore point as it is, a directory as a tar archive. */
export async function dump(
  global: GlobalOptions,
  out: Out,
  [selector, path]: readonly [string, string],
  args: DumpArguments,
): Promise<ExitCode> {
  if (args.to === undefined && out.json)
    throw new CliError('CLI_USAGE', 'with --json the data need a place: --to <file>')
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', global.signal)
  const signal = AbortSignal.any([global.signal, lock.signal])
  const { snapshot } = await pointOf(repository, selector, signal)
  let bytes = 0
  const counted = async function* () {
    for await (const data of dumpEntry(repository, snapshot.tree, path, signal)) {
      bytes += data.length
      yield data
      out.live(`  ${size(bytes)}`)
    }
  }
  if (args.to === undefined)
    await pipeline(Readable.from(counted(), { objectMode: false }), process.stdout, { end: false })
  else {
    await pipeline(Readable.from(counted(), { objectMode: false }), createWriteStream(args.to, { flags: 'wx' }))
    out.result({ path, to: args.to, bytes }, `${size(bytes)} written to ${args.to}`)
  }
  return exitCodes.done
}

/** The order matters: snapshots first, then the index. */
async function pointOf(repository: Repository, selector: string, signal: AbortSignal): Promise<RestorePoint> {
  const points = await listPoints(repository, {}, signal)
  await repository.loadIndex(signal)
  return choosePoint(points, selector)
}
