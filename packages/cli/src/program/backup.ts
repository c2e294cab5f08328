import { type Command, InvalidArgumentError, Option } from 'commander'
import type { BackupArguments } from '../commands/backup-options.ts'
import { byteCount } from './byte-count.ts'
import { withPool, withRepo } from './selection.ts'
import { count, hostConnections, rate } from './numbers.ts'
import type { Start } from './start.ts'

export function addBackup(program: Command, start: Start): void {
  const selecting = (command: Command) =>
    withRepo(withPool(command))
      .option('--full', 'read everything, whatever the tracking says')
      .addOption(
        new Option('--source <kind>', 'how to read in full: a VHD stream shows the holes').choices([
          'nbd',
          'vhd',
          'raw',
        ]),
      )
      .option('--all', 'all VMs, or all that fit the options below')
      .option('--vm-tag <tag...>', 'VMs with one of these tags')
      .addOption(
        new Option('--power-state <state...>', 'VMs in one of these states').choices(['running', 'halted', 'paused']),
      )
      .option('--sr <storage...>', 'VMs with a disk on one of these, by name or UUID')
      .option('--not <vm...>', 'but not these VMs')
      .option('--not-tag <tag...>', 'nor those with one of these tags')
      .option('--disk <which...>', 'only these disks, by position, name or UUID')
      .option('--exclude <which...>', 'all disks but these')
  selecting(program.command('plan [vm...]').description('what the next run would do to each disk, and why')).action(
    (vms: string[], args: BackupArguments) =>
      start(async (global, out) => (await import('../commands/plan.ts')).plan(global, out, vms, args)),
  )
  selecting(
    program.command('backup [vm...]').description('one restore point of each VM, by changed blocks where possible'),
  )
    .option('--tag <tag...>', 'tags for the restore point')
    .option(
      '--audit <runs>',
      "compare the blocks that the pool calls unchanged, all within so many runs; or 'off' (default: 100)",
      auditRuns,
    )
    .option(
      '--unusual <factor>',
      "tell when so many times the usual amount of a disk changed, or it stops to compress; or 'off' (default: 10)",
      unusualFactor,
    )
    .option(
      '--unusual-at-least <size>',
      'tell from this size on, and of so much that is new when it does not compress as usual (default: 1G, 128M)',
      byteCount,
    )
    .option('--vms-at-once <n>', 'back so many VMs up at once (default: 2)', count)
    .option('--host-vms <n>', 'and so many that run on one host (default: no limit)', count)
    .option('--disks-at-once <n>', 'read so many disks at once, of all VMs (default: 4)', count)
    .option('--storage-disks <n>', 'and so many of one storage (default: no limit)', count)
    .option('--storage-snapshots <n>', 'have so many snapshots open on one storage (default: no limit)', count)
    .option('--host-connections <n>', 'make so many NBD connections to one host (default: 8)', hostConnections)
    .option('--read-rate <MiB/s>', 'read no faster from the pool, all disks together', rate)
    .option('--storage-read-rate <MiB/s>', 'nor from one storage', rate)
    .option('--ignore-space', 'take the snapshot although it might fill the storage')
    .option('--no-resume', 'begin anew, whatever was cut before; and keep nothing on the pool, should this be cut')
    .option(
      '--hook <event=command...>',
      'run a line of the shell at an event, beside the configured hooks (docs/hooks.md)',
    )
    .option('--no-hooks', 'run no hooks at all')
    .action((vms: string[], args: BackupArguments) =>
      start(
        async (global, out) => (await (await import('../commands/backup.ts')).backup(global, out, vms, args)).exit,
        'prompt',
      ),
    )
}

/** @throws InvalidArgumentError */
function auditRuns(text: string): number | 'off' {
  if (text === 'off') return 'off'
  const runs = Number(text)
  if (!Number.isInteger(runs) || runs < 1) throw new InvalidArgumentError("a number of runs, or 'off'")
  return runs
}

/** @throws InvalidArgumentError */
function unusualFactor(text: string): number | 'off' {
  if (text === 'off') return 'off'
  const factor = Number(text)
  if (!Number.isFinite(factor) || factor < 1) throw new InvalidArgumentError("a number from 1 on, or 'off'")
  return factor
}
