import { CliError } from './error.ts'

/** Exit codes, as `tidemark --help` lists them. */
export const exitCodes = { done: 0, failed: 1, usage: 2, attention: 3, interrupted: 130 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Thrown into everything that waits when somebody presses Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

export function exitCodeOf(error: unknown): ExitCode {
  if (isInterrupted(error)) return exitCodes.interrupted
  return error instanceof CliError && error.code === 'CLI_USAGE' ? exitCodes.usage : exitCodes.failed
}

const isInterrupted = (error: unknown): boolean =>
  error instanceof Interrupted ||
  (error instanceof Error &&
    (isInterrupted(error.cause) || (error instanceof SuppressedError && isInterrupted(error.suppressed))))

/** An error as people read it: its sentence, its code, and below it what caused it. */
export function describe(error: unknown): string {
  const lines: string[] = []
  for (let at: unknown = error, depth = 0; at !== undefined && at !== null && depth < 5; depth++) {
    lines.push(`${depth === 0 ? '' : '  because: '}${sentenceOf(at)}`)
    at = at instanceof Error ? at.cause : undefined
  }
  return [...new Set(lines)].join('\n')
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof SuppressedError)
    return `${sentenceOf(error.suppressed)}; and cleaning up failed: ${sentenceOf(error.error)}`
  const code = codeOf(error)
  return code === undefined ? error.message : `${error.message} [${code}]`
}

/** The code to branch on, of our packages' errors and of Node's. */
export const codeOf = (error: unknown): string | undefined => {
  const inner = error instanceof SuppressedError ? error.suppressed : error
  const code = inner instanceof Error && 'code' in inner ? inner.code : undefined
  return typeof code === 'string' ? code : undefined
}
