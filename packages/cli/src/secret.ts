import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { CliError } from './error.ts'

/** A value that does not print: only `reveal` gives it away. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}

/** Where a password may come from, in this order. Never from an argument: those show in the process list. */
export interface SecretSources {
  /** What it opens, for the prompt and for the error: `the repository main`. */
  readonly what: string
  readonly file: string | undefined
  /** Environment variables that hold it. */
  readonly variables: readonly string[]
  /** Environment variables that name a file. */
  readonly fileVariables: readonly string[]
  /** Name of the systemd credential. */
  readonly credential: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws CliError CLI_PASSWORD when no source has it */
export async function findSecret(sources: SecretSources, environment: Environment = process.env): Promise<Secret> {
  const file = sources.file ?? sources.fileVariables.map((name) => environment[name]).find((path) => path !== undefined)
  if (file !== undefined) return readSecret(file, sources.what)
  const value = sources.variables.map((name) => environment[name]).find((text) => text !== undefined)
  if (value !== undefined) return new Secret(value)
  const credentials = environment['CREDENTIALS_DIRECTORY']
  const credential = credentials === undefined ? undefined : await tryRead(join(credentials, sources.credential))
  if (credential !== undefined) return credential
  if (process.stdin.isTTY) return prompt(`Password of ${sources.what}: `)
  throw new CliError(
    'CLI_PASSWORD',
    `no password for ${sources.what}: name a file with it (in the configuration or by option), set ${sources.variables.join(' or ')}, or run on a terminal`,
  )
}

/** A password to be: from a file, `TIDEMARK_NEW_PASSWORD`, or asked for twice. @throws CliError CLI_PASSWORD */
export async function newPassword(file: string | undefined, environment: Environment = process.env): Promise<Secret> {
  const value = environment['TIDEMARK_NEW_PASSWORD']
  const secret =
    file !== undefined
      ? await readSecret(file, 'the new key')
      : value !== undefined
        ? new Secret(value)
        : await promptTwice()
  if (secret.reveal() !== '') return secret
  throw new CliError('CLI_PASSWORD', 'the new password is empty')
}

async function promptTwice(): Promise<Secret> {
  if (!process.stdin.isTTY) {
    throw new CliError(
      'CLI_PASSWORD',
      'no new password: name a file with --new-password-file, set TIDEMARK_NEW_PASSWORD, or run on a terminal',
    )
  }
  const first = await prompt('New password: ')
  const again = await prompt('Once more: ')
  if (first.reveal() === again.reveal()) return first
  throw new CliError('CLI_PASSWORD', 'the two are different: nothing was changed')
}

async function readSecret(file: string, what: string): Promise<Secret> {
  try {
    return new Secret((await readFile(file, 'utf8')).replace(/\r?\n$/, ''))
  } catch (cause) {
    throw new CliError('CLI_PASSWORD', `the password file of ${what}, ${file}, cannot be read`, { cause })
  }
}

const tryRead = (file: string): Promise<Secret | undefined> => readSecret(file, 'the credential').catch(() => undefined)

/** Asks on the terminal and shows nothing of the answer. */
async function prompt(question: string): Promise<Secret> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const ask = createInterface({ input: process.stdin, output: silent, terminal: true })
  try {
    process.stderr.write(question)
    return new Secret(await ask.question(''))
  } finally {
    ask.close()
    process.stderr.write('\n')
  }
}
