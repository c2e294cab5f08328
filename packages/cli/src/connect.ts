import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { openXenPool } from '@tidemark/engine/xen'
import { systemClock, withPoolBandwidth, type Pool } from '@tidemark/engine'
import { hasScheme, openRepository, type Repository } from '@tidemark/repository'
import { login, XenApiError, type PoolTrust, type Session, type SessionOptions } from '@tidemark/xenapi'
import { fromConfig, loadConfig, type PoolConfig, type RepositoryConfig } from './config.ts'
import { bandwidthOf, limitsOf, type LimitArguments, type PoolLimits } from './limits.ts'
import { CliError } from './error.ts'
import { findSecret, type Secret } from './secret.ts'
import { openStorage } from './storage.ts'

/** Options that every command shares, read once at the top. */
export interface GlobalOptions {
  readonly config: string
  readonly signal: AbortSignal
  /** Directory for indexes of repositories; absent for none. */
  readonly cache?: string
}

export interface PoolOptions extends LimitArguments {
  /** Name of a pool of the configuration; may be left out when there is only one. */
  readonly pool?: string
}

export interface RepositoryOptions {
  /** Name of a repository of the configuration, or a path; may be left out when there is only one. */
  readonly repo?: string
  readonly repoPasswordFile?: string
}

/** A pool that is logged in; leaving it logs out. */
export interface OpenPool extends AsyncDisposable {
  readonly session: Session
  readonly pool: Pool
  /** As configured, or as options say. */
  readonly limits: PoolLimits
}

export async function openPool({ config, signal }: GlobalOptions, options: PoolOptions): Promise<OpenPool> {
  const { pools } = await loadConfig(config)
  const [name, entry] = choosePool(pools, options.pool)
  const password = await poolPassword(config, name, entry)
  const session = await loginTo(config, entry, password, signal)
  try {
    const limits = limitsOf(entry, options)
    const xen = await openXenPool(session, sourceOf(entry, limits), signal)
    const pool = withPoolBandwidth(xen, bandwidthOf(limits), systemClock)
    const awake = keepAlive(session)
    const learning = learnHosts(session, signal)
    return {
      session,
      pool,
      limits,
      async [Symbol.asyncDispose]() {
        clearInterval(awake)
        await learning.stop()
        await session[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Asks for the hosts of today, not those of the day when the pool was added. Beside the work: a host that is down holds its answer up,
 * and what is not learned is not needed unless the pool fails over.
 */
function learnHosts(session: Session, signal: AbortSignal): { stop(): Promise<void> } {
  const left = new AbortController()
  const either = AbortSignal.any([signal, left.signal])
  const learned = session.members(either).catch((error: unknown) => {
    if (!(error instanceof XenApiError) && !either.aborted) throw error
  })
  return {
    async stop() {
      left.abort()
      await learned
    },
  }
}

const sourceOf = (entry: PoolConfig, { hostConnections }: PoolLimits) => ({
  allowInsecureNbd: entry.insecureNbd,
  reconnectPatienceMs: waitingOf(entry).outageMs,
  ...(hostConnections === undefined ? {} : { hostConnections }),
})

/** A session ends after a day without a call, and reading over NBD is none. */
const KEEP_ALIVE_MS = 600_000

function keepAlive(session: Session): NodeJS.Timeout {
  const ask = () => void session.pool.get_all().catch(() => {}) // the next call that matters tells what is wrong
  return setInterval(ask, KEEP_ALIVE_MS).unref()
}

/** How long a pool may be down, or have too much to do, before that is an error. */
type Waiting = Pick<SessionOptions, 'outageMs' | 'patienceMs'>

/** Waits for nothing: somebody sits in front of the answer. */
export const AT_ONCE: Waiting = { outageMs: 0, patienceMs: 0 }

export async function loginTo(
  config: string,
  entry: PoolConfig,
  password: Secret,
  signal: AbortSignal,
  waiting: Waiting = waitingOf(entry),
): Promise<Session> {
  const trust = await trustOf(config, entry)
  const members = entry.members?.map(({ url, fingerprint }) => ({
    url,
    trust: fingerprint === undefined ? trust : { kind: 'fingerprint' as const, sha256: fingerprint },
  }))
  return login(
    { url: entry.url, trust, members },
    { username: entry.username, password: password.reveal() },
    waiting,
    signal,
  )
}

/** For how long a pool that has too much to do is asked again. */
const PATIENCE_MS = 5 * 60_000

const waitingOf = ({ outageMinutes = 5 }: PoolConfig): Waiting => ({
  outageMs: outageMinutes * 60_000,
  patienceMs: PATIENCE_MS,
})

export const poolPassword = (config: string, name: string, entry: PoolConfig): Promise<Secret> =>
  findSecret({
    what: `the pool ${name}`,
    file: entry.passwordFile === undefined ? undefined : fromConfig(config, entry.passwordFile),
    variables: ['TIDEMARK_POOL_PASSWORD'],
    fileVariables: ['TIDEMARK_POOL_PASSWORD_FILE'],
    credential: `pool-${name}`,
  })

async function trustOf(config: string, { url, fingerprint, ca }: PoolConfig): Promise<PoolTrust> {
  if (url.startsWith('http://')) return { kind: 'plain' }
  if (fingerprint !== undefined) return { kind: 'fingerprint', sha256: fingerprint }
  if (ca !== undefined) return { kind: 'authority', ca: await readFile(fromConfig(config, ca), 'utf8') }
  return { kind: 'system' }
}

export async function openRepo(global: GlobalOptions, options: RepositoryOptions): Promise<Repository> {
  const { name, entry } = await chooseRepo(global.config, options)
  return openConfigured(global, name, entry)
}

/** Opens a repository as it is configured, or is about to be. */
export async function openConfigured(
  { config, signal, cache }: GlobalOptions,
  name: string,
  entry: RepositoryConfig,
): Promise<Repository> {
  const password = await repoPassword(config, name, entry)
  const backend = await openStorage(config, name, entry)
  try {
    return await openRepository(backend, password.reveal(), cacheOptions(cache), signal)
  } catch (error) {
    await backend[Symbol.asyncDispose]()
    throw error
  }
}

const cacheOptions = (directory: string | undefined) =>
  directory === undefined ? {} : { cache: { directory, onProblem: warnOfCache } }

/** A cache that does not work makes commands slower, not wrong. */
function warnOfCache(error: unknown): void {
  process.emitWarning(`the index cache is not used: ${error instanceof Error ? error.message : String(error)}`)
}

/** The repository that the options name, as configured, or at a path or URL of its own. */
export async function chooseRepo(
  config: string,
  options: RepositoryOptions,
): Promise<{ name: string; entry: RepositoryConfig }> {
  const { repositories } = await loadConfig(config)
  const { repo, repoPasswordFile } = options
  const isPlace = repo !== undefined && !(repo in repositories) && (/[/.]/.test(repo) || hasScheme(repo))
  const [name, configured] = isPlace
    ? [basename(repo), { url: placeOf(repo) }]
    : choose(repositories, repo, 'repository', "make one with 'tidemark repo init <name> <url>'")
  const entry = repoPasswordFile === undefined ? configured : { ...configured, passwordFile: resolve(repoPasswordFile) }
  return { name, entry }
}

/** A URL, or a path that is meant from where the command runs. */
export function placeOf(url: string): string {
  const path = url.replace(/^local:/, '')
  return hasScheme(path) ? path : resolve(path)
}

export const repoPassword = (config: string, name: string, { passwordFile }: RepositoryConfig): Promise<Secret> =>
  findSecret({
    what: `the repository ${name}`,
    file: passwordFile === undefined ? undefined : fromConfig(config, passwordFile),
    variables: ['TIDEMARK_REPOSITORY_PASSWORD', 'RESTIC_PASSWORD'],
    fileVariables: ['TIDEMARK_REPOSITORY_PASSWORD_FILE', 'RESTIC_PASSWORD_FILE'],
    credential: `repository-${name}`,
  })

/** @throws CliError CLI_CONFIG when the pool is not configured, or none is named among several */
export const choosePool = (
  pools: Readonly<Record<string, PoolConfig>>,
  name: string | undefined,
): readonly [string, PoolConfig] => choose(pools, name, 'pool', "add one with 'tidemark pool add <name> <url>'")

function choose<Entry>(
  entries: Readonly<Record<string, Entry>>,
  name: string | undefined,
  kind: string,
  advice: string,
): readonly [string, Entry] {
  const names = Object.keys(entries)
  const wanted = name ?? (names.length === 1 ? names[0] : undefined)
  const found = wanted === undefined ? undefined : entries[wanted]
  if (wanted !== undefined && found !== undefined) return [wanted, found]
  if (names.length === 0) throw new CliError('CLI_CONFIG', `no ${kind} is configured; ${advice}`)
  const problem = name === undefined ? `several are configured, so name one` : `'${name}' is not configured`
  throw new CliError('CLI_CONFIG', `${kind}: ${problem}; there are ${names.join(', ')}`)
}
