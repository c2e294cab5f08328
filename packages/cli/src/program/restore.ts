import type { Command } from 'commander'
import type { RestoreArguments } from '../commands/restore.ts'
import { rate } from './numbers.ts'
import { selectors, withPool, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addRestore(program: Command, start: Start): void {
  withRepo(withPool(program.command('restore <point>').description('bring a restore point back')))
    .option('--new-vm', 'as a new VM with new disks')
    .option('--new-disk', 'as new disks, of no VM or, with --attach-to, of one')
    .option('--over', "over the pool's own disks; the VM must be off")
    .option('--to-dir <directory>', 'as raw files, sparse where the disk is zero')
    .option('--name <name>', 'name of the new VM')
    .option('--disk <which...>', 'only these disks (0, xvda, a name, a UUID), with --new-disk, --over or --to-dir')
    .option('--attach-to <vm>', 'with --new-disk: the VM that gets the disks; it may run')
    .option(
      '--sr <storage>',
      'storage for new disks, by name or UUID; without it the one of the same UUID, else of the same name',
    )
    .option('--map-sr <old=new...>', 'storage by storage of the point, by name or UUID')
    .option('--map-network <old=new...>', 'network by network of the point, by name or UUID; new may be none')
    .option('--mac <keep|new>', 'addresses of network cards; without it those are kept that no other VM has')
    .option('--write-rate <MiB/s>', 'write no faster to the pool', rate)
    .option('--read-rate <MiB/s>', 'read back no faster', rate)
    .option('--accept-suspect', 'also a point that may lack changes, which `points` calls SUSPECT')
    .option('--plan', 'only show what would be made, as a difference to the point')
    .option(
      '--read-back <source>',
      'how disks of the pool are read back and compared: auto (as without it), nbd, vhd or raw',
    )
    .option('--no-read-back', 'trust the pool with what it was given')
    .option('--use-tracking', "with --over: read only what the pool's tracking calls changed before writing")
    .option('--safety-snapshot', 'with --over: take a snapshot of the VM before, and leave it there')
    .option('--dry-run', 'the same as --plan')
    .addHelpText('after', selectors)
    .action((point: string, args: RestoreArguments) =>
      start(
        async (global, out) => (await (await import('../commands/restore.ts')).restore(global, out, point, args)).exit,
        'prompt',
      ),
    )
}
