import type { Command } from 'commander'
import type { PoolOptions, RepositoryOptions } from '../connect.ts'
import { withPool, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addVm(program: Command, start: Start): void {
  const vm = program.command('vm').description('virtual machines of a pool')
  withRepo(withPool(vm.command('ls').description('VMs with their disks, tracking and newest restore point'))).action(
    (args: PoolOptions & RepositoryOptions) =>
      start(async (global, out) => (await import('../commands/vm.ts')).vmList(global, out, args)),
  )
}
