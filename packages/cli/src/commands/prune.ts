import { prune as pruneRepository, pruneFigures } from '@tidemark/repository'
import type {
  MaxUnused,
  PruneFigures,
  PruneOptions,
  PruneProgress,
  Repository,
  RepositoryLock,
} from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { size } from '../output/units.ts'

/** What `prune` takes, and `forget --prune` as well. */
export interface PruneLimits {
  readonly maxUnused?: MaxUnused
  /** Bytes. */
  readonly maxRepackSize?: number
  readonly repackCacheableOnly?: boolean
  readonly repackSmall?: boolean
  readonly repackUncompressed?: boolean
}

export interface PruneArguments extends RepositoryOptions, PruneLimits {
  readonly dryRun?: boolean
}

/** Frees what no restore point needs. */
export async function prune(global: GlobalOptions, out: Out, args: PruneArguments): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('exclusive', global.signal)
  const dryRun = args.dryRun === true
  const figures = await pruneLocked(repository, lock, out, args, { dryRun, without: [] }, global.signal)
  out.result({ dryRun, ...figures }, figuresText(figures, dryRun))
  return exitCodes.done
}

/** A prune, or its figures, under a lock that is held. */
export async function pruneLocked(
  repository: Repository,
  lock: RepositoryLock,
  out: Out,
  limits: PruneLimits,
  { dryRun, without }: { readonly dryRun: boolean; readonly without: PruneOptions['without'] },
  signal: AbortSignal,
): Promise<PruneFigures> {
  const {
    maxUnused,
    maxRepackSize,
    repackCacheableOnly = false,
    repackSmall = false,
    repackUncompressed = false,
  } = limits
  const options = {
    repackCacheableOnly,
    repackSmall,
    repackUncompressed,
    without,
    ...(maxUnused !== undefined && { maxUnused }),
    ...(maxRepackSize !== undefined && { maxRepackBytes: maxRepackSize }),
  }
  const onProgress = (progress: PruneProgress) => {
    out.event({ type: 'prune', ...progress })
    out.live(`  ${phases[progress.phase]} ${progress.done} of ${progress.total}`)
  }
  return (dryRun ? pruneFigures : pruneRepository)(repository, lock, options, onProgress, signal)
}

const phases = {
  snapshots: 'what points need: point',
  packs: 'packs',
  repack: 'repacking: pack',
  index: 'writing indexes: of file',
  delete: 'removing: file',
} as const satisfies Record<PruneProgress['phase'], string>

export function figuresText({ blobs, bytes, packs }: PruneFigures, dryRun: boolean): string {
  const rows = [
    ['needed by points', String(blobs.used), size(bytes.used)],
    ['stored more than once', String(blobs.duplicate), size(bytes.duplicate)],
    ['needed by none', String(blobs.unused), size(bytes.unused)],
    ['in packs of no index', '', size(bytes.unindexed)],
  ]
  const would = dryRun ? 'would be ' : ''
  return [
    table(['what', '>blobs', '>bytes'], rows),
    '',
    `packs: ${packs.used} needed whole, ${packs.partlyUsed} in part, ${packs.unused + packs.unindexed} not at all`,
    `${packs.repack} packs (${size(bytes.repack)}) ${would}repacked, ${packs.remove} ${would}removed`,
    `${size(bytes.freed)} ${would}freed; ${size(bytes.remainingUnused)} that no point needs ${dryRun ? 'would remain' : 'remain'}`,
  ].join('\n')
}
