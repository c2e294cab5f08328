import { hostname, userInfo } from 'node:os'
import type { Backend } from './backends/backend.ts'
import { systemClock, type Clock } from './clock.ts'
import { isRepositoryError, RepositoryError, unlessGone } from './error.ts'
import { decodeConfig, encodeConfig, newConfig, type Config } from './format/config.ts'
import { Sealer, type MasterKey } from './format/crypto.ts'
import { kdfDefaults, type KdfParameters } from './format/kdf.ts'
import { encodeKeyFile, newMasterKey, openKeyFile } from './format/key.ts'
import { sha256Hex } from './id.ts'
import { IndexCache } from './index-cache/index-cache.ts'
import { makeRepository, type Repository } from './repository.ts'
import { damaged } from './unpacked.ts'
import { writerDefaults } from './writer.ts'

export interface RepositoryOptions {
  /** Threads that compress, encrypt and the reverse; 0 does it on the calling thread. */
  readonly workers: number
  /** A pack is closed when it reaches this size, in bytes. */
  readonly packSize: number
  /** zstd level of data. */
  readonly dataLevel: number
  /** Open each blob again before it is stored, as restic does. */
  readonly verifyWrites: boolean
  /** Cost of deriving a key from a new password. */
  readonly kdf: KdfParameters
  /** `Repository.chunkerPolynomial` of another repository: restic then cuts files alike in both, and a copy shares them. Only `init` uses it. */
  readonly chunkerPolynomial: string
  /** Key file to try first: `Repository.keyName` of the last time. */
  readonly keyHint: string
  /** Name of this machine in locks and keys. In a container: something unique. */
  readonly hostname: string
  readonly username: string
  /** Process in locks. */
  readonly pid: number
  readonly clock: Clock
  /** Where to keep what is known of repositories; without it all index files are read each time, into memory. */
  readonly cache: CacheOptions
}

/** A cache on this machine: safe to delete at any time, shared by several processes and repositories. */
export interface CacheOptions {
  /** Holds a directory for each repository, named by its ID; made when it is not there. */
  readonly directory: string
  /** Told what kept the cache from being used or written. Such a problem makes things slower, never fail. */
  readonly onProblem?: (error: unknown) => void
}

export const repositoryDefaults = {
  ...writerDefaults,
  workers: 2,
  kdf: kdfDefaults,
  keyHint: '',
  chunkerPolynomial: '',
  clock: systemClock,
} as const satisfies Partial<RepositoryOptions>

/** restic tries that many as well: each costs a whole key derivation. */
const KEYS_MAX = 20

/**
 * Makes a repository of restic's format v2: the key file first, then the config, whose arrival makes it exist.
 * @throws RepositoryError REPOSITORY_EXISTS when a config, key or snapshot is there
 */
export async function initRepository(
  backend: Backend,
  password: string,
  options: Partial<RepositoryOptions> = {},
  signal?: AbortSignal,
): Promise<Repository> {
  const complete = completed(options)
  await assertUnused(backend, signal)
  await backend.create(signal)
  const key = newMasterKey()
  const origin = { created: complete.clock.now(), username: complete.username, hostname: complete.hostname }
  const keyFile = await encodeKeyFile(key, password, complete.kdf, origin)
  const keyName = sha256Hex(keyFile)
  await backend.save({ type: 'keys', name: keyName }, keyFile, signal)
  const config = newConfig(complete.chunkerPolynomial)
  const sealed = new Sealer(key).seal(encodeConfig(config))
  try {
    await backend.save({ type: 'config', name: '' }, sealed, signal)
  } catch (error) {
    try {
      if (await isOurs(backend, sealed)) return joined(backend, complete, config, key, keyName, true) // only the answer was lost
      await backend.remove({ type: 'keys', name: keyName }) // a key without its config: another program was first
    } catch (cleaning) {
      throw new SuppressedError(cleaning, error)
    }
    throw error
  }
  return joined(backend, complete, config, key, keyName, true)
}

/**
 * Opens a repository of format v2, made by restic or by us.
 * @throws RepositoryError REPOSITORY_NOT_FOUND, REPOSITORY_PASSWORD, REPOSITORY_DAMAGED, REPOSITORY_UNSUPPORTED
 */
export async function openRepository(
  backend: Backend,
  password: string,
  options: Partial<RepositoryOptions> = {},
  signal?: AbortSignal,
): Promise<Repository> {
  const complete = completed(options)
  const sealed = await loadConfig(backend, signal)
  const { key, name } = await findKey(backend, password, complete.keyHint, signal)
  const plain = new Sealer(key).open(sealed)
  if (plain === undefined) throw damaged('config', 'the MAC does not verify')
  return joined(backend, complete, decodeConfig(plain), key, name, false)
}

type CompleteOptions = Omit<RepositoryOptions, 'cache'> & Partial<Pick<RepositoryOptions, 'cache'>>

function completed(options: Partial<RepositoryOptions>): CompleteOptions {
  const machine = { hostname: hostname(), username: currentUser(), pid: process.pid }
  return { ...repositoryDefaults, ...machine, ...options }
}

/** A container's user may have no name. */
function currentUser(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? '')
  }
}

function joined(
  backend: Backend,
  options: CompleteOptions,
  config: Config,
  key: MasterKey,
  keyName: string,
  isNew: boolean,
): Repository {
  const { clock, workers, hostname: host, username, pid, packSize, dataLevel, verifyWrites, cache } = options
  return makeRepository({
    backend,
    id: config.id,
    keyName,
    key,
    kdf: options.kdf,
    chunkerPolynomial: config.chunkerPolynomial,
    clock,
    owner: { hostname: host, username, pid },
    workers,
    writer: { packSize, dataLevel, verifyWrites },
    cache: cache === undefined ? undefined : openCache(cache, config.id),
    isNew,
  })
}

function openCache({ directory, onProblem = () => {} }: CacheOptions, repositoryId: string): IndexCache {
  return new IndexCache({ directory, repositoryId, onProblem })
}

async function assertUnused(backend: Backend, signal?: AbortSignal): Promise<void> {
  for (const type of ['config', 'keys', 'snapshots'] as const) {
    for await (const { name } of backend.list(type, signal)) {
      const what = type === 'config' ? 'a repository' : `${type}/${name}`
      throw new RepositoryError('REPOSITORY_EXISTS', `${backend.location} holds ${what} already`)
    }
  }
}

/** Whether the repository's config is the one that was to be saved. */
async function isOurs(backend: Backend, sealed: Uint8Array): Promise<boolean> {
  const there = await backend.load({ type: 'config', name: '' }, 'all').catch(unlessGone)
  return there !== undefined && Buffer.compare(there, sealed) === 0
}

async function loadConfig(backend: Backend, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    return await backend.load({ type: 'config', name: '' }, 'all', signal)
  } catch (cause) {
    if (!isRepositoryError(cause, 'BACKEND_NOT_FOUND')) throw cause
    throw new RepositoryError('REPOSITORY_NOT_FOUND', `there is no repository at ${backend.location}`, { cause })
  }
}

async function findKey(backend: Backend, password: string, hint: string, signal?: AbortSignal) {
  const names: string[] = []
  for await (const { name } of backend.list('keys', signal)) names.push(name)
  names.sort((a, b) => Number(b === hint) - Number(a === hint))
  let broken: RepositoryError | undefined
  for (const name of names.slice(0, KEYS_MAX)) {
    const file = `keys/${name}`
    const bytes = await backend.load({ type: 'keys', name }, 'all', signal)
    try {
      const key = await openKeyFile(bytes, password, file)
      if (key !== undefined) return { key, name }
      if (sha256Hex(bytes) !== name) broken ??= damaged(file, 'its SHA-256 differs from its name')
    } catch (error) {
      if (!isRepositoryError(error, 'REPOSITORY_DAMAGED')) throw error
      broken ??= error // another key may still open
    }
  }
  if (broken !== undefined) throw broken
  if (names.length === 0) throw damaged('keys', 'there is no key file')
  throw new RepositoryError('REPOSITORY_PASSWORD', `no key of ${backend.location} opens with this password`)
}
