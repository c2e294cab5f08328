import type { Command } from 'commander'
import type { DoctorArguments } from '../commands/doctor.ts'
import { withPool, withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addDoctor(program: Command, start: Start): void {
  withRepo(
    withPool(
      program
        .command('doctor')
        .description(
          "prove what backups rest on: whether somebody with this machine's credentials could destroy them; with --pool, mend what crashed runs left there",
        ),
    ),
  )
    .option('--dry-run', 'change nothing on the pool: only say what would be done')
    .option('--no-resume', 'also remove snapshots that the next backup could go on with')
    .action((args: DoctorArguments) =>
      start(async (global, out) => (await import('../commands/doctor.ts')).doctor(global, out, args)),
    )
}
