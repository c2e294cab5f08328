import type { Command } from 'commander'
import type { NbdArguments } from '../commands/nbd.ts'
import { mebibytes } from './numbers.ts'
import { selectors, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addAccess(program: Command, start: Start): void {
  withRepo(program.command('nbd <point> [disk]').description('serve the disks of a restore point over NBD, at once'))
    .option('--socket <path>', 'Unix socket to listen on; default: a private one of its own')
    .option('--listen <host:port>', 'TCP address to listen on instead')
    .option('--tls-cert <file>', "server's certificate, PEM: everything is encrypted then")
    .option('--tls-key <file>', "server's key, PEM")
    .option('--tls-client-ca <file>', 'only clients with a certificate of this authority, PEM')
    .option('--writable', 'take writes, and throw them away at the end')
    .option('--overlay <directory>', 'take writes, and keep them in this directory for the next time')
    .option('--cache <MiB>', 'memory for what was read, per disk', mebibytes, 64)
    .addHelpText('after', selectors)
    .action((point: string, disk: string | undefined, args: NbdArguments) =>
      start(async (global, out) => (await import('../commands/nbd.ts')).nbd(global, out, [point, disk], args)),
    )
}
