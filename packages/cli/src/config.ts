import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { Document, parseDocument } from 'yaml'
import { z } from 'zod'
import { CliError } from './error.ts'

/** What runs of a pool keep to, docs/limits.md. */
const poolLimits = z.strictObject({
  /** VMs that are backed up at once. Default 2. */
  vms: z.int().min(1).max(64).optional(),
  /** Of those, VMs that run on one host. */
  hostVms: z.int().min(1).optional(),
  /** Disks that are read at once, of all VMs. Default 4. */
  disks: z.int().min(1).max(64).optional(),
  /** The same on each storage repository. */
  storageDisks: z.int().min(1).optional(),
  /** Snapshots that are open at once on each storage repository. */
  storageSnapshots: z.int().min(1).optional(),
  /** NBD connections to each host. xapi has 16 on a host for all its clients. Default 8. */
  hostConnections: z.int().min(1).max(16).optional(),
  /** Mean rates, in MiB per second: what is read of the pool's disks, of those of each storage repository, and what restores write. */
  readMiBps: z.number().positive().optional(),
  storageReadMiBps: z.number().positive().optional(),
  writeMiBps: z.number().positive().optional(),
})

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
  limits: poolLimits.optional(),
})

/** Object Lock of a bucket: each file is kept for so many days after its upload. */
const objectLock = z.strictObject({
  mode: z.enum(['governance', 'compliance']).default('governance'),
  days: z.int().min(1).max(36_500),
})

const s3Config = z
  .strictObject({
    region: z.string().optional(),
    /** Else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine's role. */
    accessKeyId: z.string().optional(),
    secretKeyFile: z.string().optional(),
    objectLock: objectLock.optional(),
  })
  .refine(({ accessKeyId, secretKeyFile }) => (accessKeyId === undefined) === (secretKeyFile === undefined), {
    message: 'accessKeyId and secretKeyFile go together',
  })

const repositoryConfig = z
  .strictObject({
    /** A path, `s3:https://host/bucket/prefix` or `rest:https://user@host:8000/path/`: no secret is in it. */
    url: z.string(),
    passwordFile: z.string().optional(),
    /** true: remove nothing but locks, and doctor insists that the storage holds us to it. false: removal is meant to be possible. */
    appendOnly: z.boolean().optional(),
    /** Requests under way at a time. */
    connections: z.int().min(1).max(256).optional(),
    /** Mean rates, in MiB per second. */
    uploadMiBps: z.number().positive().optional(),
    downloadMiBps: z.number().positive().optional(),
    /** For how long storage that does not answer is tried again. */
    retryMinutes: z.number().min(0).optional(),
    /** File of certificate authorities that vouch for the server. */
    ca: z.string().optional(),
    clientCertificate: z.string().optional(),
    clientKey: z.string().optional(),
    restPasswordFile: z.string().optional(),
    s3: s3Config.optional(),
  })
  .refine(({ clientCertificate, clientKey }) => (clientCertificate === undefined) === (clientKey === undefined), {
    message: 'clientCertificate and clientKey go together',
  })

/** In the order in which they come. */
export const HOOK_EVENTS = [
  'before-run',
  'before-vm',
  'before-snapshot',
  'after-snapshot',
  'after-vm',
  'after-run',
] as const

/** A command that a backup runs, docs/hooks.md. */
const hookConfig = z
  .strictObject({
    on: z.enum(HOOK_EVENTS),
    /** A program and its arguments, as they are. */
    command: z.tuple([z.string().min(1)], z.string()).optional(),
    /** A line for `sh -c`, as it is: what it is about is in its environment. */
    shell: z.string().min(1).optional(),
    /** Names of pools of this file. Default: all. */
    pools: z.array(z.string()).min(1).optional(),
    /** Names or UUIDs. Default, with `vmTags` absent too: all. */
    vms: z.array(z.string()).min(1).optional(),
    vmTags: z.array(z.string()).min(1).optional(),
    timeoutSeconds: z.number().positive().max(86_400).default(60),
    /** What a failing one means before something: that it is not done, or that it is done and somebody should look. Default stop. */
    onFailure: z.enum(['stop', 'warn']).optional(),
  })
  .refine(({ command, shell }) => (command === undefined) !== (shell === undefined), {
    message: 'a hook has either a command or a shell line',
  })
  .refine(({ on, vms, vmTags }) => !on.endsWith('-run') || (vms === undefined && vmTags === undefined), {
    message: 'a hook of the whole run knows no VMs',
  })
  .refine(({ on, onFailure }) => on.startsWith('before-') || onFailure !== 'stop', {
    message: 'there is nothing left to stop after it',
  })

const configSchema = z.strictObject({
  pools: z.record(z.string(), poolConfig).default({}),
  repositories: z.record(z.string(), repositoryConfig).default({}),
  hooks: z.array(hookConfig).optional(),
})

export type PoolConfig = z.infer<typeof poolConfig>
export type RepositoryConfig = z.infer<typeof repositoryConfig>
export type Hook = z.infer<typeof hookConfig>
export type Config = z.infer<typeof configSchema>

/** An entry that was put together from options. @throws CliError CLI_USAGE */
export function repositoryEntry(entry: unknown): RepositoryConfig {
  const parsed = repositoryConfig.safeParse(entry)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new CliError('CLI_USAGE', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
}

/** A hook that was put together from an option. @throws CliError CLI_USAGE */
export function hookEntry(entry: unknown): Hook {
  const parsed = hookConfig.safeParse(entry)
  if (parsed.success) return parsed.data
  throw new CliError('CLI_USAGE', `--hook: ${parsed.error.issues[0]?.message ?? 'not valid'}`)
}

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
