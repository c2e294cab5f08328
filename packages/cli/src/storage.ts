import { readFile } from 'node:fs/promises'
import {
  hasScheme,
  openBackend,
  parseLocation,
  storageDefaults,
  type Backend,
  type RetryPause,
  type StorageOptions,
} from '@tidemark/repository'
import { fromConfig, type RepositoryConfig } from './config.ts'
import { CliError } from './error.ts'
import { findSecret } from './secret.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Opens the storage of a repository as it is configured. Keys of S3 that the configuration does not name are looked for where AWS's own programs look.
 * @param config the configuration file: paths in an entry are meant from where it is
 * @throws RepositoryError REPOSITORY_INPUT for a URL that is none, CliError CLI_PASSWORD
 */
export async function openStorage(
  config: string,
  name: string,
  entry: RepositoryConfig,
  environment: Environment = process.env,
): Promise<Backend> {
  const url = hasScheme(entry.url) ? entry.url : fromConfig(config, entry.url)
  const location = parseLocation(url)
  const { connections, uploadMiBps, downloadMiBps, retryMinutes, appendOnly } = entry
  const tls = await tlsOf(config, entry)
  return openBackend(url, {
    ...(connections === undefined ? {} : { connections }),
    bandwidth: { upload: inBytes(uploadMiBps), download: inBytes(downloadMiBps) },
    retry: {
      ...storageDefaults.retry,
      ...(retryMinutes === undefined ? {} : { patienceMs: retryMinutes * 60_000 }),
      onPause: tellPause,
    },
    appendOnly: appendOnly === true,
    ...(location.kind === 'rest' ? { rest: { tls, ...(await restLogin(config, name, entry, environment)) } } : {}),
    ...(location.kind === 's3' ? { s3: { tls, ...(await s3Options(config, entry, environment)) } } : {}),
  })
}

const inBytes = (mebibytes: number | undefined): number | undefined =>
  mebibytes === undefined ? undefined : mebibytes * 2 ** 20

/** On the way of errors: what is said there is no part of a result. */
function tellPause({ location, pauseMs, cause }: RetryPause): void {
  const seconds = Math.max(1, Math.round(pauseMs / 1000))
  process.stderr.write(`tidemark: ${location} is away, next try in ${seconds} s: ${cause.message}\n`)
}

async function tlsOf(config: string, { ca, clientCertificate, clientKey }: RepositoryConfig) {
  const read = async (path: string | undefined) => (path === undefined ? undefined : readPem(fromConfig(config, path)))
  const [authority, certificate, key] = await Promise.all([ca, clientCertificate, clientKey].map(read))
  return {
    ...(authority === undefined ? {} : { ca: authority }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new CliError('CLI_CONFIG', `${path} cannot be read`, { cause })
  }
}

/** A user is in the URL or in RESTIC_REST_USERNAME; without one, none is told to the server. */
async function restLogin(
  config: string,
  name: string,
  { url, restPasswordFile }: RepositoryConfig,
  environment: Environment,
): Promise<StorageOptions['rest']> {
  const location = parseLocation(url)
  const inUrl = location.kind === 'rest' ? location.username : ''
  const username = inUrl === '' ? (environment['RESTIC_REST_USERNAME'] ?? '') : inUrl
  if (username === '') return {}
  const password = await findSecret(
    {
      what: `the user ${username} of the server of ${name}`,
      file: restPasswordFile === undefined ? undefined : fromConfig(config, restPasswordFile),
      variables: ['TIDEMARK_REST_PASSWORD', 'RESTIC_REST_PASSWORD'],
      fileVariables: ['TIDEMARK_REST_PASSWORD_FILE'],
      credential: `rest-${name}`,
    },
    environment,
  )
  return { username, password: password.reveal() }
}

async function s3Options(
  config: string,
  { s3 = {} }: RepositoryConfig,
  environment: Environment,
): Promise<StorageOptions['s3']> {
  const { accessKeyId, secretKeyFile, objectLock } = s3
  const region = s3.region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION']
  return {
    ...(region === undefined ? {} : { region }),
    ...(objectLock === undefined ? {} : { objectLock }),
    ...(accessKeyId === undefined || secretKeyFile === undefined
      ? {}
      : { accessKeyId, secretAccessKey: await secretOf(fromConfig(config, secretKeyFile)) }),
  }
}

const secretOf = async (path: string): Promise<string> => (await readPem(path)).trim()
