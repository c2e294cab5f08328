import type { Command } from 'commander'
import type { RepositoryOptions } from '../connect.ts'
import { withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addDoctor(program: Command, start: Start): void {
  withRepo(
    program
      .command('doctor')
      .description("prove what backups rest on: whether somebody with this machine's credentials could destroy them"),
  ).action((args: RepositoryOptions) =>
    start(async (global, out) => (await import('../commands/doctor.ts')).doctor(global, out, args)),
  )
}
