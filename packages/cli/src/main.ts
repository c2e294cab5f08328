import { CommanderError } from 'commander'
import { codeOf, describe, exitCodeOf, exitCodes, Interrupted } from './exit.ts'
import { openOut } from './output/out.ts'
import { buildProgram } from './program.ts'

/** How long a command that ends promptly may tidy: on a busy machine a process takes half a second to end. */
const TIDYING_MS = 1400

const stop = new AbortController()
const json = process.argv.includes('--json')
let isPrompt = false
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(exitCodes.interrupted) // a second one: somebody means it
    stop.abort(new Interrupted(`stopped by ${name}`))
    if (isPrompt) setTimeout(leave, TIDYING_MS, name).unref()
  })
}

/** Nothing is waited for any more: what the run made on the pool is in its journal. */
function leave(name: string): void {
  tell(
    new Interrupted(`stopped by ${name}; what is left on the pool is seen to by the next run, or by 'tidemark doctor'`),
  )
  process.exit(exitCodes.interrupted)
}

function tell(error: unknown): void {
  if (json) {
    const line = { type: 'error', code: codeOf(error) ?? null, message: describe(error) }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  } else process.stderr.write(`tidemark: ${describe(error)}\n`)
}

try {
  await buildProgram({
    out: (asJson) => openOut(asJson, process.stdout, process.stderr),
    signal: stop.signal,
    endPromptly: () => (isPrompt = true),
    exit: (code) => (process.exitCode = code),
  }).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  else {
    process.exitCode = exitCodeOf(error)
    tell(error)
  }
}
