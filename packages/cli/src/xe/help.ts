import type { Command } from './command.ts'
import type { Params } from './params.ts'
import type { Printer } from './printer.ts'
import { xeCommands } from './table.ts'

const usage = `Usage:
  tidemark xe <command>
    [ --pool <name> ]            Pool of the configuration; may be left out when there is one
    [ -s <server> ]              Host of another pool
    [ -p <port> ]                Its port, if not 443
    [ --fingerprint <sha256> | --ca <file> ]
                                 How its certificate is known; a terminal is asked
    [ -u <username> ]            User, if not root
    [ -pwf <password file> ]     User on the first line, password on the second
    [ --nossl ]                  No TLS
    [ --minimal ]                Only values, separated by commas
    [ --trace ]                  Tell where a failure came from
    [ <name>=<value> ... ]       What the command works with

To get help on a specific command:
  tidemark xe help <command>
`

const selectorsHelp =
  " VMs are selected by their fields: 'uuid=…', 'power-state=halted', and 'vm=' for a name or a uuid. Several need --multiple."

/** `help`, `help --all`, `help <command> …`. */
export function help(params: Params, printer: Printer): void {
  const named = params.all.map(([name]) => name).filter((name) => !SWITCHES.has(name))
  for (const name of named) describe(name, printer)
  if (named.length === 0) overview(params.flag('all'), params.flag('minimal'), printer)
}

const SWITCHES = new Set(['minimal', 'all', 'trace'])

function describe(name: string, printer: Printer): void {
  const command = xeCommands.get(name)
  if (command === undefined) return printer.list([`Unknown command '${name}'`])
  const optional = command.takesVms === true ? [...command.optional, '<vm-selectors>'] : command.optional
  printer.table([
    [
      ['command name        ', name],
      ['reqd params     ', command.required.join(', ')],
      ['optional params ', optional.join(', ')],
      ['description     ', `${command.help}${command.takesVms === true ? selectorsHelp : ''}`],
    ],
  ])
}

function overview(isAll: boolean, isMinimal: boolean, printer: Printer): void {
  const commands = [...xeCommands.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const names = (wanted: (command: Command) => boolean) => commands.filter(wanted).map(({ name }) => name)
  const shown = isAll ? names(() => true) : names(({ isCommon }) => isCommon === true)
  if (isMinimal) return printer.list(shown)
  if (!isAll) {
    const pointer = 'To get a full listing of commands:\n  tidemark xe help --all\n'
    printer.list([usage, pointer, 'Common command list\n-------------------\n', ...wrapped(shown)])
    return
  }
  const ours = names(({ isOurs }) => isOurs === true)
  printer.list([usage, 'Full command list\n-----------------\n', ...wrapped(shown)])
  printer.list([`\nNot in XenServer's own xe: ${ours.join(', ')}`])
}

const INDENT = '    '
const WIDTH = 74

/** Names in lines of a terminal's width. */
function wrapped(names: readonly string[]): readonly string[] {
  const lines: string[] = []
  for (const name of names) {
    const last = lines.at(-1)
    if (last === undefined || last.length + name.length > WIDTH) lines.push(INDENT + name)
    else lines[lines.length - 1] = `${last}, ${name}`
  }
  return lines
}
