import type { Command } from 'commander'
import type { RepositoryOptions } from '../connect.ts'
import { selectors, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addPoints(program: Command, start: Start): void {
  withRepo(program.command('points [vm]').description('restore points, oldest first')).action(
    (vm: string | undefined, args: RepositoryOptions) =>
      start(async (global, out) => (await import('../commands/points.ts')).points(global, out, vm, args)),
  )
  withRepo(
    program
      .command('show <point>')
      .description('one restore point, its disks and a map of what changed')
      .addHelpText('after', selectors),
  ).action((point: string, args: RepositoryOptions) =>
    start(async (global, out) => (await import('../commands/points.ts')).show(global, out, point, args)),
  )
}
