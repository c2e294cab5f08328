import { CommanderError } from 'commander'
import { codeOf, describe, exitCodeOf, exitCodes, Interrupted } from './exit.ts'
import { openOut } from './output/out.ts'
import { buildProgram } from './program.ts'

/** After this many signals somebody means it: no more cleaning up. */
const PATIENCE = 3

const stop = new AbortController()
let signals = 0
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (++signals >= PATIENCE) process.exit(exitCodes.interrupted)
    stop.abort(new Interrupted(`stopped by ${name}`))
  })
}

const json = process.argv.includes('--json')
try {
  await buildProgram({
    out: (asJson) => openOut(asJson, process.stdout, process.stderr),
    signal: stop.signal,
    exit: (code) => (process.exitCode = code),
  }).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  else {
    process.exitCode = exitCodeOf(error)
    if (json)
      process.stdout.write(
        `${JSON.stringify({ type: 'error', code: codeOf(error) ?? null, message: describe(error) })}\n`,
      )
    else process.stderr.write(`tidemark: ${describe(error)}\n`)
  }
}
