import { resolve } from 'node:path'
import { hasScheme, initRepository, parseLocation, renewRetention, type Renewed } from '@tidemark/repository'
import { fromConfig, loadConfig, repositoryEntry, saveEntry, type RepositoryConfig } from '../config.ts'
import {
  openConfigured,
  openRepo,
  placeOf,
  repoPassword,
  type GlobalOptions,
  type RepositoryOptions,
} from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { openStorage } from '../storage.ts'

/** What `repo init` and `repo add` take: the parts of a repository's configuration, by option. */
export interface RepoInitArguments {
  readonly passwordFile?: string
  readonly appendOnly?: boolean
  readonly connections?: number
  readonly uploadLimit?: number
  readonly downloadLimit?: number
  readonly ca?: string
  readonly clientCert?: string
  readonly clientKey?: string
  readonly restPasswordFile?: string
  readonly s3Region?: string
  readonly s3KeyId?: string
  readonly s3SecretFile?: string
  readonly objectLockDays?: number
  readonly objectLockMode?: 'governance' | 'compliance'
}

/** Makes a repository and remembers it. */
export async function repoInit(
  global: GlobalOptions,
  out: Out,
  name: string,
  url: string,
  args: RepoInitArguments,
): Promise<ExitCode> {
  const entry = entryOf(url, args)
  const password = await repoPassword(global.config, name, entry)
  await using backend = await openStorage(global.config, name, entry)
  await using repository = await initRepository(backend, password.reveal(), {}, global.signal)
  await saveEntry(global.config, 'repositories', name, entry)
  out.result(
    { repository: name, id: repository.id, path: entry.url },
    `repository '${name}' (${repository.id.slice(0, 10)}) made in ${backend.location}\n` +
      'Without its password nothing in it can ever be read: keep the password where this machine cannot lose it.',
  )
  return exitCodes.done
}

/** Remembers a repository that exists, made by us or by restic. */
export async function repoAdd(
  global: GlobalOptions,
  out: Out,
  name: string,
  url: string,
  args: RepoInitArguments,
): Promise<ExitCode> {
  const entry = entryOf(url, args)
  await using repository = await openConfigured(global, name, entry)
  await saveEntry(global.config, 'repositories', name, entry)
  out.result(
    { repository: name, id: repository.id, path: entry.url },
    `repository '${name}' (${repository.id.slice(0, 10)}) in ${repository.backend.location}`,
  )
  return exitCodes.done
}

/** Paths are kept absolute: the configuration may lie elsewhere. @throws RepositoryError REPOSITORY_INPUT, before anything is asked or made */
function entryOf(url: string, args: RepoInitArguments): RepositoryConfig {
  const place = placeOf(url)
  parseLocation(place)
  const path = (file: string | undefined) => (file === undefined ? undefined : resolve(file))
  const { s3Region: region, s3KeyId: accessKeyId, objectLockDays: days, objectLockMode: mode = 'governance' } = args
  const s3 = defined({
    region,
    accessKeyId,
    secretKeyFile: path(args.s3SecretFile),
    objectLock: days === undefined ? undefined : { mode, days },
  })
  const entry = defined({
    url: place,
    passwordFile: path(args.passwordFile),
    appendOnly: args.appendOnly,
    connections: args.connections,
    uploadMiBps: args.uploadLimit,
    downloadMiBps: args.downloadLimit,
    ca: path(args.ca),
    clientCertificate: path(args.clientCert),
    clientKey: path(args.clientKey),
    restPasswordFile: path(args.restPasswordFile),
    s3: Object.keys(s3).length === 0 ? undefined : s3,
  })
  return repositoryEntry(entry)
}

const defined = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

export async function repoList(global: GlobalOptions, out: Out): Promise<ExitCode> {
  const { repositories } = await loadConfig(global.config)
  const rows = Object.entries(repositories).map(([name, { url }]) => [
    name,
    hasScheme(url) ? url : fromConfig(global.config, url),
  ])
  out.result({ repositories }, rows.length === 0 ? 'no repositories' : table(['repository', 'URL'], rows))
  return exitCodes.done
}

/** Opens a repository and says what it is: the quickest proof that path and password are right. */
export async function repoShow(global: GlobalOptions, out: Out, args: RepositoryOptions): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  let snapshots = 0
  for await (const _ of repository.snapshots(global.signal)) snapshots++
  out.result({ id: repository.id, snapshots }, `repository ${repository.id.slice(0, 10)}, ${snapshots} snapshots`)
  return exitCodes.done
}

/** Keeps everything that is in a repository with Object Lock from removal for as long as what is new. */
export async function repoRenew(global: GlobalOptions, out: Out, args: RepositoryOptions): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  const onProgress = ({ files }: Renewed) => out.live(`${files} files`)
  const renewed = await renewRetention(repository, { onProgress }, global.signal)
  const days = repository.backend.retention?.days ?? 0
  out.result({ ...renewed, days }, `${renewed.extended} of ${renewed.files} files kept for ${days} days from now`)
  return exitCodes.done
}

export interface UnlockArguments extends RepositoryOptions {
  readonly removeAll?: boolean
}

/** Removes locks that nobody holds any more, as `restic unlock` does; all of them when somebody knows that nobody works. */
export async function unlock(global: GlobalOptions, out: Out, args: UnlockArguments): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  const removed = await repository.unlock(args.removeAll === true ? 'all' : 'stale', global.signal)
  out.result({ removed }, removed === 1 ? '1 lock removed' : `${removed} locks removed`)
  return exitCodes.done
}
