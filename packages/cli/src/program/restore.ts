import type { Command } from 'commander'
import type { RestoreArguments } from '../commands/restore.ts'
import { selectors, withPool, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addRestore(program: Command, start: Start): void {
  withRepo(withPool(program.command('restore <point>').description('bring a restore point back')))
    .option('--new-vm', 'as a new VM with new disks')
    .option('--over', "over the pool's own disks; the VM must be off")
    .option('--to-dir <directory>', 'as raw files, sparse where the disk is zero')
    .option('--name <name>', 'name of the new VM')
    .option('--disk <which...>', 'only these disks, with --over or --to-dir')
    .option('--sr <storage>', "storage for the new VM's disks, by name or UUID")
    .option('--read-back <source>', 'how disks of the pool are read back and compared: nbd (as without it), vhd or raw')
    .option('--no-read-back', 'trust the pool with what it was given')
    .option('--use-tracking', "with --over: read only what the pool's tracking calls changed before writing")
    .option('--safety-snapshot', 'with --over: take a snapshot of the VM before, and leave it there')
    .option('--dry-run', 'only say what would go where')
    .addHelpText('after', selectors)
    .action((point: string, args: RestoreArguments) =>
      start(
        async (global, out) => (await (await import('../commands/restore.ts')).restore(global, out, point, args)).exit,
        'prompt',
      ),
    )
}
