import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { Document, parseDocument } from 'yaml'
import { z } from 'zod'
import { CliError } from './error.ts'

const poolConfig = z.strictObject({
  url: z.string(),
  username: z.string().default('root'),
  /** SHA-256 of the server's certificate, pinned at first contact. */
  fingerprint: z.string().optional(),
  /** File of certificate authorities that vouch for the server. */
  ca: z.string().optional(),
  /** Its hosts as they were when it was added: any may be the coordinator tomorrow. Pinned if the pool is. */
  members: z.array(z.strictObject({ url: z.string(), fingerprint: z.string().optional() })).optional(),
  passwordFile: z.string().optional(),
  /** Whether disks may cross the network in clear text (purpose insecure_nbd). */
  insecureNbd: z.boolean().default(false),
  /** For how long a run waits for a pool that does not answer. Default 5. */
  outageMinutes: z.number().min(0).optional(),
})

const repositoryConfig = z.strictObject({
  url: z.string(),
  passwordFile: z.string().optional(),
})

const configSchema = z.strictObject({
  pools: z.record(z.string(), poolConfig).default({}),
  repositories: z.record(z.string(), repositoryConfig).default({}),
})

export type PoolConfig = z.infer<typeof poolConfig>
export type RepositoryConfig = z.infer<typeof repositoryConfig>
export type Config = z.infer<typeof configSchema>

/** The configuration file that counts when none is named. */
export function configPath(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = environment['TIDEMARK_CONFIG']
  if (named !== undefined) return named
  return join(environment['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'tidemark', 'config.yaml')
}

/** A file that does not exist is an empty configuration. @throws CliError CLI_CONFIG */
export async function loadConfig(path: string): Promise<Config> {
  return validate(await readDocument(path), path)
}

/** Adds or replaces one pool or repository; comments and order of the rest stay. */
export async function saveEntry(
  path: string,
  kind: 'pools' | 'repositories',
  name: string,
  entry: PoolConfig | RepositoryConfig,
): Promise<void> {
  const document = await readDocument(path)
  document.setIn([kind, name], Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)))
  validate(document, path)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const partial = `${path}.partial`
  await writeFile(partial, document.toString(), { mode: 0o600 })
  await rename(partial, path)
}

/** Paths in the file are meant from where the file is. */
export const fromConfig = (config: string, path: string): string =>
  isAbsolute(path) ? path : resolve(dirname(config), path)

async function readDocument(path: string): Promise<Document> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new CliError('CLI_CONFIG', `${path} cannot be read`, { cause: error })
  })
  const document: Document = text === '' ? new Document({}) : parseDocument(text)
  const [broken] = document.errors
  if (broken !== undefined) throw new CliError('CLI_CONFIG', `${path} is no valid YAML: ${broken.message}`)
  return document
}

function validate(document: Document, path: string): Config {
  const parsed = configSchema.safeParse(document.toJS() ?? {})
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new CliError('CLI_CONFIG', `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
}
