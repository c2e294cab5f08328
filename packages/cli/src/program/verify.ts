import type { Command } from 'commander'
import type { VerifyArguments } from '../commands/verify.ts'
import { selectors, withPool, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addVerify(program: Command, start: Start): void {
  withRepo(withPool(program.command('verify <point>').description('every blob of a point against its ID')))
    .option('--disk <which...>', 'only these disks')
    .option('--against-pool', 'also read the disks on the pool back and compare')
    .option('--vm <vm>', 'compare with the disks of this VM, by position')
    .addHelpText('after', selectors)
    .action((point: string, args: VerifyArguments) =>
      start(async (global, out) => (await import('../commands/verify.ts')).verify(global, out, point, args)),
    )
}
