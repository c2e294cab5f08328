import type { Command } from 'commander'
import type { LabArguments, LabSeedArguments } from '../commands/lab.ts'
import { count, port, sizes } from './numbers.ts'
import type { Start } from './start.ts'

export function addLab(program: Command, start: Start): void {
  const group = program
    .command('lab')
    .description('a XenAPI pool in one process, for trying and testing')
    .argument('[directory]', 'where its state is kept', 'lab')
    .option('--address <ip>', 'address to listen on', '127.0.0.1')
    .option('--https-port <port>', 'XenAPI port', port, 8443)
    .option('--nbd-port <port>', 'NBD port', port, 10_809)
    .option('--hosts <count>', 'hosts of a new pool, on successive addresses', count)
    .option('--password-file <file>', 'file with the password of its user root')
    .option('--machines', 'VMs that are started run, in qemu-system-x86_64')
    .option('--faults <file>', 'fault plan, YAML or JSON: what shall go wrong, and when')
    .action((directory: string, args: LabArguments) =>
      start(async (global, out) => (await import('../commands/lab.ts')).lab(global, out, directory, args)),
    )
  group
    .command('seed <directory>')
    .description('make a VM on the running lab of that directory')
    .option('--name <name>', 'name of the VM', 'sample')
    .option('--image <file...>', 'raw files to make disks of')
    .option('--size <bytes...>', 'sizes of empty disks, in bytes', sizes)
    .action((directory: string, args: LabSeedArguments) =>
      start(async (global, out) => (await import('../commands/lab.ts')).labSeed(global, out, directory, args)),
    )
}
