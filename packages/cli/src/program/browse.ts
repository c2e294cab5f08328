import { type Command, Option } from 'commander'
import type { DumpArguments, FindArguments, LsArguments } from '../commands/browse.ts'
import type { CopyArguments } from '../commands/copy.ts'
import type { StatsArguments } from '../commands/stats.ts'
import type { TagArguments } from '../commands/tag.ts'
import { selectors, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addBrowse(program: Command, start: Start): void {
  withRepo(program.command('ls <point> [path]').description('what a restore point has stored'))
    .option('-r, --recursive', 'all below the path')
    .addHelpText('after', selectors)
    .action((point: string, path: string | undefined, args: LsArguments) =>
      start(async (global, out) => (await import('../commands/browse.ts')).ls(global, out, [point, path], args)),
    )
  withRepo(program.command('find <what...>').description('points with a name that fits, or that need a blob or a pack'))
    .option('--vm <vm>', 'only points of this VM')
    .option('-i, --ignore-case', 'names in any case')
    .option('--blob', 'what: IDs of data blobs')
    .option('--tree', 'what: IDs of trees')
    .option('--pack', 'what: IDs of packs: which points a damaged one harms')
    .action((what: string[], args: FindArguments) =>
      start(async (global, out) => (await import('../commands/browse.ts')).find(global, out, what, args)),
    )
  withRepo(program.command('dump <point> <path>').description('a stored file, or a directory as a tar archive'))
    .option('--to <file>', 'a new file; default: standard output')
    .addHelpText('after', selectors)
    .action((point: string, path: string, args: DumpArguments) =>
      start(async (global, out) => (await import('../commands/browse.ts')).dump(global, out, [point, path], args)),
    )
  withRepo(program.command('stats').description('what restore points take: restored, different, stored'))
    .addOption(
      new Option('--by <what>', 'also what each has for itself: what forgetting it frees').choices(['vm', 'point']),
    )
    .action((args: StatsArguments) =>
      start(async (global, out) => (await import('../commands/stats.ts')).stats(global, out, args)),
    )
}

export function addTag(program: Command, start: Start): void {
  withRepo(program.command('tag <point...>').description('add and remove tags of restore points'))
    .option('--add <tag...>', 'tags to add')
    .option('--remove <tag...>', 'tags to remove')
    .addHelpText('after', selectors)
    .action((points: string[], args: TagArguments) =>
      start(async (global, out) => (await import('../commands/tag.ts')).tag(global, out, points, args)),
    )
}

export function addCopy(program: Command, start: Start): void {
  withRepo(program.command('copy [point...]').description('copy restore points, or all, into another repository'))
    .requiredOption('--to <repository>', 'repository of the configuration, a path or a URL')
    .option('--to-password-file <file>', 'file with its password')
    .option('--vm <vm>', 'only points of this VM')
    .option('--tag <tag...>', 'only points that have all of these tags')
    .addHelpText('after', selectors)
    .action((points: string[], args: CopyArguments) =>
      start(async (global, out) => (await import('../commands/copy.ts')).copy(global, out, points, args)),
    )
}
