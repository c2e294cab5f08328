import { listCache, removeCache } from '@tidemark/repository'
import type { GlobalOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { moment, shortId, size } from '../output/units.ts'

const DAY_MS = 86_400_000

/** What this machine keeps of repositories. */
export async function cacheList({ cache }: GlobalOptions, out: Out): Promise<ExitCode> {
  const directory = directoryOf(cache)
  const found = await listCache(directory)
  const repositories = found.map((each) => ({
    repository: each.repositoryId,
    bytes: each.size,
    usedAt: each.usedAt.toISOString(),
  }))
  const rows = found.map((each) => [shortId(each.repositoryId), size(each.size), moment(each.usedAt)])
  const text = rows.length === 0 ? `nothing in ${directory}` : table(['repository', '>size', 'used'], rows)
  out.result({ directory, repositories }, text)
  return exitCodes.done
}

export interface CacheCleanArguments {
  /** Days without use. */
  readonly unused: number
}

/** Removes what was not used for a while; it is made anew when it is needed. */
export async function cacheClean(
  { cache }: GlobalOptions,
  out: Out,
  { unused }: CacheCleanArguments,
): Promise<ExitCode> {
  const directory = directoryOf(cache)
  const old = (await listCache(directory)).filter(({ usedAt }) => Date.now() - usedAt.getTime() >= unused * DAY_MS)
  for (const each of old) await removeCache(directory, each)
  const bytes = old.reduce((sum, each) => sum + each.size, 0)
  const repositories = old.map(({ repositoryId }) => repositoryId)
  out.result(
    { directory, repositories, bytes },
    `${size(bytes)} of ${old.length} repositories removed from ${directory}`,
  )
  return exitCodes.done
}

function directoryOf(cache: string | undefined): string {
  if (cache !== undefined) return cache
  throw new CliError('CLI_CONFIG', 'there is no cache directory: leave out --no-cache, or give --cache-dir')
}
