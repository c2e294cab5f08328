import type { Command } from 'commander'
import type { CacheCleanArguments } from '../commands/cache.ts'
import { daysOrNone } from './numbers.ts'
import type { Start } from './start.ts'

export function addCache(program: Command, start: Start): void {
  const cache = program.command('cache').description('what this machine keeps of repositories: disposable')
  cache
    .command('ls')
    .description('list it, longest unused first')
    .action(() => start(async (global, out) => (await import('../commands/cache.ts')).cacheList(global, out)))
  cache
    .command('clean')
    .description('remove what was not used for a while')
    .option('--unused <days>', 'days without use', daysOrNone, 30)
    .action((args: CacheCleanArguments) =>
      start(async (global, out) => (await import('../commands/cache.ts')).cacheClean(global, out, args)),
    )
}
