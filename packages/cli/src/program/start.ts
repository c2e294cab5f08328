import type { GlobalOptions } from '../connect.ts'
import type { ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'

/**
 * Runs one command with the options that all share. A command's module is imported inside: a backup pays neither time
 * nor memory for the lab.
 */
export type Start = (run: (global: GlobalOptions, out: Out) => Promise<ExitCode>) => Promise<void>
