import type { GlobalOptions } from '../connect.ts'
import type { ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'

/**
 * Runs one command with the options that all share. A command's module is imported inside: a backup pays neither time
 * nor memory for the lab.
 */
export type Start = (run: (global: GlobalOptions, out: Out) => Promise<ExitCode>, ending?: Ending) => Promise<void>

/**
 * What a signal does. 'orderly': the command ends when all is tidied, however long that takes. 'prompt': it ends within two seconds, and
 * what it could not tidy in that time is in a journal, for its next run or `doctor`.
 */
type Ending = 'orderly' | 'prompt'
