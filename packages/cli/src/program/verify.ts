import type { Command } from 'commander'
import type { VerifyArguments } from '../commands/verify.ts'
import { seconds } from './numbers.ts'
import { selectors, withPool, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addVerify(program: Command, start: Start): void {
  withRepo(withPool(program.command('verify <point>').description('every blob of a point against its ID')))
    .option('--disk <which...>', 'only these disks')
    .option('--against-pool', 'also read the disks on the pool back and compare')
    .option('--vm <vm>', 'compare with the disks of this VM, by position')
    .option(
      '--boot',
      'also restore it to a temporary VM without networks, start that, wait for its guest, and remove it',
    )
    .option('--boot-limit <seconds>', 'how long the guest may take, 600 by default', seconds)
    .option(
      '--boot-sign <key>',
      'wait until the guest writes this key below vm-data/ of its xenstore, not for its agent',
    )
    .option(
      '--boot-script <command>',
      'wait for this command, which finds the VM in TIDEMARK_VM_UUID, not for an agent',
    )
    .option('--sr <storage>', "storage for the temporary VM's disks, by name or UUID")
    .addHelpText('after', selectors)
    .action((point: string, args: VerifyArguments) =>
      start(async (global, out) => (await import('../commands/verify.ts')).verify(global, out, point, args)),
    )
}
