import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  repairIndex as repairIndexOf,
  repairPacks as repairPacksOf,
  repairSnapshots as repairSnapshotsOf,
  type CheckFinding,
  type IndexRepair,
  type PacksRepair,
  type Repository,
  type RepositoryLock,
  type Snapshot,
} from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { shortId } from '../output/units.ts'

export interface RepairIndexArguments extends RepositoryOptions {
  readonly readAllPacks?: boolean
  readonly dryRun?: boolean
}

/** Makes the indexes say what the packs hold. */
export async function repairIndex(global: GlobalOptions, out: Out, args: RepairIndexArguments): Promise<ExitCode> {
  return withLock(global, args, async (repository, lock) => {
    const options = { readAllPacks: args.readAllPacks === true, dryRun: args.dryRun === true }
    const onProgress = (progress: { phase: string; done: number; total: number }) => {
      out.event({ type: 'repair', ...progress })
      out.live(`  ${progress.phase} ${progress.done}${progress.total === 0 ? '' : ` of ${progress.total}`}`)
    }
    const repair = await repairIndexOf(repository, lock, options, onProgress, global.signal)
    out.result({ ...repair, dryRun: options.dryRun }, indexText(repair, options.dryRun))
    return repair.unreadablePacks.length === 0 ? exitCodes.done : exitCodes.failed
  })
}

function indexText(repair: IndexRepair, dryRun: boolean): string {
  const lines = [
    ...repair.damagedIndexes.map((name) => `index/${name}: damaged`),
    ...repair.missingPacks.map(
      (name) => `pack ${shortId(name)}: gone; what it held is lost unless it is stored elsewhere`,
    ),
    ...repair.addedPacks.map((name) => `pack ${shortId(name)}: was in no index`),
    ...repair.correctedPacks.map((name) => `pack ${shortId(name)}: an index said something else than the pack`),
    ...repair.unreadablePacks.map(({ file, reason }) => `${file}: ${reason}; 'repair packs' saves what is left of it`),
  ]
  if (lines.length === 0) return 'the indexes are right'
  const done = dryRun ? 'nothing was changed' : `${repair.written} index files written, ${repair.removed} removed`
  return [...lines, done].join('\n')
}

export interface RepairPacksArguments extends RepositoryOptions {
  /** Path or name of another repository. */
  readonly from?: string
  readonly fromPasswordFile?: string
  /** Directory for copies of packs that lose blobs. */
  readonly keep?: string
  readonly dryRun?: boolean
}

/** Saves what is whole in damaged packs: those named, or those that a check of all data finds. */
export async function repairPacks(
  global: GlobalOptions,
  out: Out,
  named: readonly string[],
  args: RepairPacksArguments,
): Promise<ExitCode> {
  const wrong = named.find((name) => !/^[0-9a-f]{64}$/.test(name))
  if (wrong !== undefined)
    throw new CliError('CLI_USAGE', `'${wrong}' is no ID of a pack: 64 hex characters, as check names it`)
  return withLock(global, args, async (repository, lock) => {
    const packs = named.length > 0 ? named : await damagedPacks(repository, out, global.signal)
    await using from = args.from === undefined ? undefined : await openOther(global, args.from, args.fromPasswordFile)
    const keep = async (pack: string, bytes: Uint8Array) => {
      await writeFile(join(args.keep ?? '.', pack), bytes, { mode: 0o600, flush: true }) // the pack is removed next
    }
    const dryRun = args.dryRun === true
    const options = { keep, dryRun, ...(from !== undefined && { from }) }
    const onProgress = (progress: { done: number; total: number }) => {
      out.event({ type: 'repair', phase: 'packs', ...progress })
      out.live(`  packs ${progress.done} of ${progress.total}`)
    }
    const repair = await repairPacksOf(repository, lock, packs, options, onProgress, global.signal)
    out.result({ ...repair, dryRun }, packsText(repair, dryRun))
    return repair.lost.length + repair.unreadable.length === 0 ? exitCodes.done : exitCodes.failed
  })
}

const openOther = (global: GlobalOptions, repo: string, passwordFile: string | undefined) =>
  openRepo(global, { repo, ...(passwordFile !== undefined && { repoPasswordFile: passwordFile }) })

async function damagedPacks(repository: Repository, out: Out, signal: AbortSignal): Promise<string[]> {
  out.say('Looking for damaged packs: all data is read')
  const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }) =>
    out.live(`  ${phase} ${done} of ${total}`)
  const { errors } = await repository.check({ readData: true }, onProgress, signal)
  return Array.from(new Set(errors.flatMap(packOf)))
}

const packOf = ({ file }: CheckFinding): string[] => (file.startsWith('data/') ? [file.slice(-64)] : [])

function packsText({ saved, healed, lost, unreadable, removed }: PacksRepair, dryRun: boolean): string {
  if (removed.length === 0) return 'no pack is damaged'
  return [
    ...lost.map(({ type, id, reason }) => `${type} blob ${shortId(id)}: lost: ${reason}`),
    ...unreadable.map(
      (pack) => `pack ${shortId(pack)}: no index names it and its header is damaged; it is kept as a file`,
    ),
    `${removed.length} damaged packs ${dryRun ? 'to be ' : ''}replaced: ${saved} blobs saved, ${healed} found whole elsewhere, ${lost.length} lost${dryRun ? '; nothing was changed' : ''}`,
    ...(lost.length === 0
      ? []
      : [
          "'tidemark check' names the points that need what is lost; the next backup of such a disk stores it again if it is still there",
        ]),
  ].join('\n')
}

export interface RepairSnapshotsArguments extends RepositoryOptions {
  readonly forget?: boolean
  readonly dryRun?: boolean
}

/** Writes incomplete points anew without what is lost. */
export async function repairSnapshots(
  global: GlobalOptions,
  out: Out,
  args: RepairSnapshotsArguments,
): Promise<ExitCode> {
  return withLock(global, args, async (repository, lock) => {
    const snapshots: Snapshot[] = []
    for await (const snapshot of repository.snapshots(global.signal)) snapshots.push(snapshot)
    const options = { forget: args.forget === true, dryRun: args.dryRun === true }
    const onProgress = (progress: { done: number; total: number }) => {
      out.event({ type: 'repair', phase: 'points', ...progress })
      out.live(`  points ${progress.done} of ${progress.total}`)
    }
    const repairs = await repairSnapshotsOf(repository, lock, snapshots, options, onProgress, global.signal)
    const lines = repairs.flatMap(({ from, to, dropped }) => [
      to === undefined ? `${shortId(from)} is incomplete` : `${shortId(from)} is written anew as ${shortId(to)}`,
      ...dropped.map((path) => `  without ${path}`),
    ])
    out.result({ repairs, ...options }, lines.length === 0 ? 'all points are complete' : lines.join('\n'))
    return repairs.length === 0 ? exitCodes.done : exitCodes.attention
  })
}

async function withLock(
  global: GlobalOptions,
  args: RepositoryOptions,
  work: (repository: Repository, lock: RepositoryLock) => Promise<ExitCode>,
): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('exclusive', global.signal)
  return await work(repository, lock)
}
