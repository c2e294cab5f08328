import type { XePool } from './directory.ts'
import type { Params } from './params.ts'
import type { Printer } from './printer.ts'
import type { Terminal } from './terminal.ts'

/** One command at work. */
export interface Job {
  readonly pool: XePool
  readonly params: Params
  readonly printer: Printer
  readonly terminal: Terminal
}

/** A command of xe: a row of the table that `help` shows. */
export interface Command {
  readonly name: string
  readonly required: readonly string[]
  readonly optional: readonly string[]
  readonly help: string
  /** Listed by plain `help`; the rest only by `help --all`. */
  readonly isCommon?: true
  /** Works on the VMs that the other parameters select. */
  readonly takesVms?: true
  /** Not in XenServer's xe. */
  readonly isOurs?: true
  run(job: Job): Promise<void>
}
