import { parseGroupBy, parseSpan, type KeepCount, type MaxUnused } from '@tidemark/repository'
import { InvalidArgumentError, type Command } from 'commander'
import type { ForgetArguments } from '../commands/forget.ts'
import type { PruneArguments } from '../commands/prune.ts'
import { withRepo } from './selection.ts'
import { byteCount } from './byte-count.ts'
import type { Start } from './start.ts'

/** Which points stay, and the space of what does not. */
export function addRetention(program: Command, start: Start): void {
  withLimits(
    withFilters(
      withRules(
        withRepo(
          program
            .command('forget [snapshot...]')
            .description('forget restore points: by rules for what to keep, or those that are named'),
        ),
      ),
    ),
  )
    .option('--ignore-unusual', 'also what is held because later changes of the VM were unusual')
    .option('--dry-run', 'only say what would stay and go, and why')
    .option('--prune', 'free their space at once')
    .addHelpText('after', examples)
    .action((snapshots: string[], args: ForgetArguments) =>
      start(async (global, out) => (await import('../commands/forget.ts')).forget(global, out, snapshots, args)),
    )
  withLimits(withRepo(program.command('prune').description('free the space of what no restore point needs')))
    .option('--dry-run', 'only say how much')
    .action((args: PruneArguments) =>
      start(async (global, out) => (await import('../commands/prune.ts')).prune(global, out, args)),
    )
}

const examples = `
A point stays when any rule keeps it. Rules apply to each VM on its own, and mean what they mean to restic:
  tidemark forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run
  tidemark forget --vm 3f0c2a54-... --keep-within 14d --prune
  tidemark forget 3f9a2c81`

const withRules = (command: Command): Command => {
  for (const every of ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'])
    command.option(
      `--keep-${every} <n>`,
      every === 'last' ? "the newest n, or 'unlimited'" : `${every} points`,
      keepCount,
    )
  for (const every of ['', '-hourly', '-daily', '-weekly', '-monthly', '-yearly'])
    command.option(
      `--keep-within${every} <span>`,
      `${every === '' ? 'all' : every.slice(1)} within a span before the newest: 1y5m7d2h`,
      span,
    )
  return command
    .option('--keep-tag <tags...>', 'points with all tags of a list: a,b')
    .option('--unsafe-allow-remove-all', 'let a VM lose its last point')
}

const withFilters = (command: Command): Command =>
  command
    .option('--vm <uuid...>', 'only points of these VMs')
    .option('--host <name...>', 'only points of these hosts')
    .option('--tag <tags...>', 'only points with all tags of a list: a,b')
    .option('--path <path...>', 'only points with all these paths')
    .option('--group-by <what>', 'vm, or host,paths,tags with any left out (default: vm)', groupBy)

const withLimits = (command: Command): Command =>
  command
    .option('--max-unused <limit>', "space that may stay unused: 5%, 200M, 'unlimited' (default: 5%)", maxUnused)
    .option('--max-repack-size <size>', 'repack at most so much: 10G', byteCount)
    .option('--repack-cacheable-only', 'repack only packs of trees')
    .option('--repack-small', 'merge packs below 80% of the usual size')
    .option('--repack-uncompressed', 'compress what is stored raw')

function keepCount(text: string): KeepCount {
  if (text === 'unlimited') return text
  const value = Number(text)
  if (text !== '' && Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError("a whole number, or 'unlimited'")
}

const span = (text: string) => parsed(() => parseSpan(text))
const groupBy = (text: string) => parsed(() => parseGroupBy(text))

function parsed<Value>(parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

function maxUnused(text: string): MaxUnused {
  if (text === 'unlimited') return text
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? []
  if (percent === undefined) return { bytes: byteCount(text) }
  if (Number(percent) < 100) return { percent: Number(percent) }
  throw new InvalidArgumentError('a share is below 100%')
}
