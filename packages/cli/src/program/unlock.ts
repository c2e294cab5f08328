import type { Command } from 'commander'
import type { UnlockArguments } from '../commands/repo.ts'
import { withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addUnlock(program: Command, start: Start): void {
  withRepo(program.command('unlock').description('remove locks that programs left behind'))
    .option('--remove-all', 'also locks that may be in use: only when no program works on the repository')
    .action((args: UnlockArguments) =>
      start(async (global, out) => (await import('../commands/repo.ts')).unlock(global, out, args)),
    )
}
