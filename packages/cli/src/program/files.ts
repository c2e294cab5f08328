import type { Command } from 'commander'
import type { FilesArguments } from '../commands/files.ts'
import { selectors, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addFiles(program: Command, start: Start): void {
  withRepo(
    program
      .command('files <point> [path...]')
      .description('list or extract files of a restore point, through libguestfs'),
  )
    .option('--disk <which...>', 'only these disks')
    .option('--fs <device>', 'the file system, as listed without a path; default: as the guest mounts them')
    .option('--to <directory>', 'extract the paths to this directory')
    .option('--mount <directory>', 'show all files in this empty directory, until Ctrl-C')
    .addHelpText('after', selectors)
    .action((point: string, paths: string[], args: FilesArguments) =>
      start(async (global, out) => (await import('../commands/files.ts')).files(global, out, [point, paths], args)),
    )
}
