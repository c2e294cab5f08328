import { CliError } from '../error.ts'

/** Asked for something that cannot be done: `Error: …`. */
export const refused = (text: string): CliError => new CliError('CLI_XE', `Error: ${text}`)

/** A command line that cannot be read: what is wrong, and where help is. */
export const misread = (problem: string, detail: string): CliError =>
  new CliError('CLI_XE', `${problem}: ${detail}\nFor usage run: 'tidemark xe help'`)

/** A parameter of the class that does not exist. xe shows it like a failure of the pool. */
export const noSuchField = (name: string): CliError =>
  new CliError('CLI_XE', `Error code: Missing parameter\nError parameters: ${name}`)

/** A failure whose words are out: what is left is the exit code. */
export const alreadyTold = (): CliError => new CliError('CLI_XE', '')

/** What the pool would call OPERATION_NOT_ALLOWED, if it were asked. */
export const notAllowed = (reason: string): CliError =>
  new CliError('CLI_XE', `You attempted an operation that was not allowed.\nreason: ${reason}`)
