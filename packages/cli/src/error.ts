/** What went wrong before any part of Tidemark was at work. */
export type CliErrorCode =
  /** Words or options that make no sense together. */
  | 'CLI_USAGE'
  /** The configuration file is missing a name, or is no valid YAML of ours. */
  | 'CLI_CONFIG'
  /** No password could be found. */
  | 'CLI_PASSWORD'
  /** A certificate was shown and not accepted. */
  | 'CLI_TRUST'
  /** A program that the command needs is not installed, or failed. */
  | 'CLI_PROGRAM'
  /** A hook could not be started, failed, or took too long. */
  | 'CLI_HOOK'
  /** A restore point may lack changes, and nobody said that it is to be taken all the same. */
  | 'CLI_SUSPECT'
  /** What `tidemark xe` says in xe's own words: the message is printed as it is. */
  | 'CLI_XE'

/** The one error class of this package. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
