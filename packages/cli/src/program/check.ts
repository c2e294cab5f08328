import type { Command } from 'commander'
import type { CheckArguments } from '../commands/check.ts'
import { withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addCheck(program: Command, start: Start): void {
  withRepo(program.command('check').description('the whole repository: structure, and with --read-data every byte'))
    .option('--read-data', 'read, decrypt and hash every pack')
    .action((args: CheckArguments) =>
      start(async (global, out) => (await import('../commands/check.ts')).check(global, out, args)),
    )
}
