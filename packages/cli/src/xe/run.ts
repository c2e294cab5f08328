import { XenApiError, type Session } from '@tidemark/xenapi'
import type { GlobalOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Command } from './command.ts'
import { readCommandLine, type Reach } from './command-line.ts'
import { misread } from './complaint.ts'
import { openXePool, type XePool } from './directory.ts'
import { failureLines } from './failure.ts'
import { help } from './help.ts'
import { openParams, type Params } from './params.ts'
import { openPrinter } from './printer.ts'
import { logInto } from './reach.ts'
import { xeCommands } from './table.ts'
import { processTerminal, type Terminal } from './terminal.ts'

/**
 * `tidemark xe …`: one command of xe on any pool. What xe itself would complain about goes to the standard error in its words;
 * trouble of ours (configuration, network, Ctrl-C) is thrown.
 */
export async function xe(
  global: GlobalOptions,
  args: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<ExitCode> {
  let isTraced = false
  try {
    const { reach, command: name, params: all } = readCommandLine(args)
    const params = openParams(all)
    isTraced = params.flag('trace')
    if (name === 'help') {
      const printer = openPrinter(terminal, params.flag('minimal'))
      help(params, printer)
      printer.end()
      return exitCodes.done
    }
    const command = xeCommands.get(name)
    if (command === undefined) throw misread('Unknown command', name)
    for (const required of command.required) params.need(required)
    return await onPool(global, reach, command, params, terminal)
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'CLI_XE') throw error
    if (error.message !== '') terminal.warn(`${error.message}\n`)
    if (isTraced) terminal.warn(`${error.stack ?? ''}\n`)
    return exitCodes.failed
  }
}

async function onPool(
  global: GlobalOptions,
  reach: Readonly<Reach>,
  command: Command,
  params: Params,
  terminal: Terminal,
): Promise<ExitCode> {
  let pool: XePool | undefined
  let session: Session | undefined
  try {
    session = await logInto(global, reach)
    pool = openXePool(session, global.signal)
    const printer = openPrinter(terminal, params.flag('minimal'))
    await command.run({ pool, params, printer, terminal })
    printer.end()
    return exitCodes.done
  } catch (error) {
    if (!(error instanceof XenApiError) || error.failure === undefined) throw error
    terminal.warn(`${(await saidByPool(pool, error.failure)).join('\n')}\n`)
    if (params.flag('trace')) terminal.warn(`Raised ${error.failure.join(' ')}\n${error.stack ?? ''}\n`)
    return exitCodes.failed
  } finally {
    if (!params.flag('keep-session')) await session?.[Symbol.asyncDispose]()
  }
}

async function saidByPool(pool: XePool | undefined, failure: readonly string[]): Promise<readonly string[]> {
  if (failure[0] === 'SESSION_AUTHENTICATION_FAILED')
    return ['Authentication failed', "For usage run: 'tidemark xe help'"]
  return failureLines(pool, failure)
}
