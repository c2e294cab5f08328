import { choosePoint, listPoints } from '@tidemark/engine'
import { changeTags } from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { shortId } from '../output/units.ts'

export interface TagArguments extends RepositoryOptions {
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
}

/** Adds and removes tags of restore points; those that say what a point is stay. */
export async function tag(
  global: GlobalOptions,
  out: Out,
  selectors: readonly string[],
  { add = [], remove = [], ...args }: TagArguments,
): Promise<ExitCode> {
  if (add.length + remove.length === 0) throw new CliError('CLI_USAGE', 'say what to change: --add or --remove')
  const ours = remove.find((name) => name === 'tidemark' || name.startsWith('vm-'))
  if (ours !== undefined) throw new CliError('CLI_USAGE', `the tag ${ours} says what the point is: it stays`)
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('exclusive', global.signal)
  const signal = AbortSignal.any([global.signal, lock.signal])
  const points = await listPoints(repository, {}, signal)
  const chosen = new Set(selectors.map((selector) => choosePoint(points, selector).snapshot))
  const onProgress = ({ done, total }: { done: number; total: number }) => out.live(`  ${done} of ${total}`)
  const changed = await changeTags(repository, Array.from(chosen), { add, remove }, onProgress, signal)
  const lines = changed.map(({ from, to, tags }) => `${shortId(from)} is ${shortId(to)} now: ${tags.join(',')}`)
  out.result({ changed }, lines.length === 0 ? 'nothing to change' : lines.join('\n'))
  return exitCodes.done
}
