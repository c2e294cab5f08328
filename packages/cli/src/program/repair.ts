import type { Command } from 'commander'
import type { RepairIndexArguments, RepairPacksArguments, RepairSnapshotsArguments } from '../commands/repair.ts'
import { withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addRepair(program: Command, start: Start): void {
  const repair = program.command('repair').description('make a damaged repository whole, or save what is left of it')
  withRepo(repair.command('index').description('make the indexes say what the packs hold'))
    .option('--read-all-packs', 'read the header of every pack, not only of those that the indexes have wrong')
    .option('--dry-run', 'only say what is wrong')
    .action((args: RepairIndexArguments) =>
      start(async (global, out) => (await import('../commands/repair.ts')).repairIndex(global, out, args)),
    )
  withRepo(
    repair
      .command('packs [pack...]')
      .description('save what is whole in damaged packs; without names a check of all data finds them'),
  )
    .option('--from <repository>', 'another repository to take lost blobs from')
    .option('--from-password-file <file>', "file with the other repository's password")
    .option('--keep <directory>', 'where packs that lose blobs are kept (default: here)')
    .option('--dry-run', 'only say what would be saved, and what is lost')
    .action((packs: string[], args: RepairPacksArguments) =>
      start(async (global, out) => (await import('../commands/repair.ts')).repairPacks(global, out, packs, args)),
    )
  withRepo(repair.command('snapshots').description('write incomplete points anew, without the disks that are lost'))
    .option('--forget', 'and remove the incomplete ones')
    .option('--dry-run', 'only say which they are')
    .action((args: RepairSnapshotsArguments) =>
      start(async (global, out) => (await import('../commands/repair.ts')).repairSnapshots(global, out, args)),
    )
}
