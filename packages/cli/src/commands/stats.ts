import { listPoints, vmNameOf, vmOf, type RestorePoint } from '@tidemark/engine'
import { sharesOf, statsOf, type StatsProgress } from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { shortId, size } from '../output/units.ts'

export interface StatsArguments extends RepositoryOptions {
  readonly by?: 'vm' | 'point'
}

/** What restore points take: all together, and with `--by` what each VM or point has for itself. */
export async function stats(global: GlobalOptions, out: Out, args: StatsArguments): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', global.signal)
  const signal = AbortSignal.any([global.signal, lock.signal])
  const points = await listPoints(repository, {}, signal)
  await repository.loadIndex(signal)
  const snapshots = points.map(({ snapshot }) => snapshot)
  const onProgress = (progress: StatsProgress) => {
    out.event({ type: 'stats', ...progress })
    out.live(`  ${progress.done} of ${progress.total}`)
  }
  const all = await statsOf(repository, snapshots, onProgress, signal)
  const shares = args.by === undefined ? [] : await sharesOf(repository, groupsOf(points, args.by), onProgress, signal)
  const rows = shares.map(({ name, snapshots: count, storedBytes, uniqueBytes }) => [
    name,
    String(count),
    size(storedBytes),
    size(uniqueBytes),
  ])
  const lines = [
    `points     ${all.snapshots}`,
    `restored   ${size(all.restoreBytes)} in ${all.files} files`,
    `different  ${size(all.plainBytes)} in ${all.blobs} blobs: each byte serves ${all.dedupFactor.toFixed(2)} times`,
    `stored     ${size(all.storedBytes)}: compressed ${all.compressionRatio.toFixed(2)} to 1`,
    ...(rows.length === 0 ? [] : ['', table([args.by ?? '', '>points', '>stored', '>alone'], rows)]),
  ]
  out.result({ ...all, ...(args.by !== undefined && { by: args.by, shares }) }, lines.join('\n'))
  return exitCodes.done
}

function groupsOf(points: readonly RestorePoint[], by: 'vm' | 'point') {
  const groups = Map.groupBy(points, (point) => (by === 'point' ? point.id : (vmOf(point) ?? vmNameOf(point))))
  return Array.from(groups.values(), (members) => {
    const [first] = members
    const name = first === undefined ? '' : vmNameOf(first)
    const snapshots = members.map(({ snapshot }) => snapshot)
    return { name: by === 'vm' || first === undefined ? name : `${shortId(first.id)} ${name}`, snapshots }
  })
}
