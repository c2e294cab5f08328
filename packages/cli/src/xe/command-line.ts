import { CliError } from '../error.ts'
import { misread } from './complaint.ts'
import type { Param } from './params.ts'

/** How to reach the pool, from options that stand anywhere on the command line. */
export interface Reach {
  pool?: string
  server?: string
  port?: string
  username?: string
  passwordFile?: string
  fingerprint?: string
  ca?: string
  isPlain?: true
}

export interface CommandLine {
  readonly reach: Readonly<Reach>
  readonly command: string
  readonly params: readonly Param[]
}

/** Options with a value, and their `name=value` forms. */
const reaching: Readonly<Record<string, keyof Omit<Reach, 'isPlain'>>> = {
  '--pool': 'pool',
  '-s': 'server',
  '-h': 'server',
  '-p': 'port',
  '-u': 'username',
  '-pwf': 'passwordFile',
  '--fingerprint': 'fingerprint',
  '--ca': 'ca',
  'server=': 'server',
  'port=': 'port',
  'username=': 'username',
  'passwordfile=': 'passwordFile',
}

/** Options of xe that mean nothing here. */
const IGNORED = new Set(['--debug', '--debug-on-fail'])

/** Reads what stands behind `tidemark xe`. @throws CliError CLI_USAGE for a password, CLI_XE for what is no command line */
export function readCommandLine(args: readonly string[]): CommandLine {
  const reach: Reach = {}
  const params: Param[] = []
  const words: string[] = []
  let wantsHelp = false
  const rest = [...args]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const key = word.startsWith('-') ? word : word.slice(0, word.indexOf('=') + 1)
    const reached = reaching[key]
    if (word === '-pw' || key === 'password=') throw passwordInArguments()
    if (reached !== undefined) reach[reached] = key.endsWith('=') ? word.slice(key.length) : valueOf(word, rest)
    else if (word === '--nossl') reach.isPlain = true
    else if (word === '--traceparent') valueOf(word, rest)
    else if (word === '--help' || word === '-help') wantsHelp = true
    else if (IGNORED.has(word)) continue
    else if (word.startsWith('--')) params.push([word.slice(2), 'true'])
    else if (word.startsWith('-')) throw misread('Syntax error', `Unknown switch: ${word}`)
    else if (words.length === 0) words.push(word)
    else params.push(split(word))
  }
  const [command = 'help'] = words
  if (command.includes('=')) throw misread('Syntax error', 'command name is missing')
  if (!wantsHelp || command === 'help') return { reach, command, params }
  return { reach, command: 'help', params: [[command, ''], ...params] }
}

function valueOf(option: string, rest: string[]): string {
  const value = rest.shift()
  if (value === undefined) throw misread('Syntax error', `Switch ${option} requires a parameter`)
  return value
}

function split(word: string): Param {
  const at = word.indexOf('=')
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
}

const passwordInArguments = () =>
  new CliError(
    'CLI_USAGE',
    'a password among the arguments shows in the process list: use -pwf <file>, TIDEMARK_POOL_PASSWORD or the prompt',
  )
