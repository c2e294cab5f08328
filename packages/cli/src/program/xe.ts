import type { Command } from 'commander'
import { CliError } from '../error.ts'
import type { Start } from './start.ts'

/** xe has a syntax of its own: all of its words, `--help` included, go there as they are. */
export function addXe(program: Command, start: Start): void {
  program
    .command('xe [words...]')
    .description("XenServer's command on any pool: 'tidemark xe help'")
    .helpOption(false)
    .allowUnknownOption()
    .action((words: string[]) =>
      start(async (global, out) => {
        if (out.json) throw new CliError('CLI_USAGE', 'xe prints what xe prints; for programs it has --minimal')
        return (await import('../xe/run.ts')).xe(global, words)
      }),
    )
}
