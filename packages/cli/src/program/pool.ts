import type { Command } from 'commander'
import type { PoolAddArguments } from '../commands/pool.ts'
import type { PoolOptions } from '../connect.ts'
import { minutes } from './numbers.ts'
import { withPool } from './selection.ts'
import type { Start } from './start.ts'

export function addPool(program: Command, start: Start): void {
  const pool = program.command('pool').description('pools by name: their address, certificate and readiness')
  pool
    .command('add <name> <url>')
    .description("show the pool's certificate, pin it, log in, check what a backup needs, and remember it")
    .option('--username <name>', 'XenAPI user', 'root')
    .option('--password-file <file>', 'file with the password; else TIDEMARK_POOL_PASSWORD or a prompt')
    .option('--fingerprint <sha256>', 'accept exactly this certificate, without asking')
    .option('--ca <file>', 'trust these certificate authorities instead of pinning')
    .option('--insecure-nbd', "allow networks with purpose 'insecure_nbd': disks cross them in clear text")
    .option('--outage-minutes <n>', 'how long a run waits for a pool that does not answer (default: 5)', minutes)
    .action((name: string, url: string, args: PoolAddArguments) =>
      start(async (global, out) => (await import('../commands/pool.ts')).poolAdd(global, out, name, url, args)),
    )
  pool
    .command('ls')
    .description('list pools')
    .action(() => start(async (global, out) => (await import('../commands/pool.ts')).poolList(global, out)))
  withPool(pool.command('check').description('tracking, NBD networks, rights, clock and space')).action(
    (args: PoolOptions) =>
      start(async (global, out) => (await import('../commands/pool.ts')).poolCheck(global, out, args)),
  )
}
