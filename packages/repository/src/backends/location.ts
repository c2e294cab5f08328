import { RepositoryError } from '../error.ts'

/** Where a repository is, as its URL says. */
export type StorageLocation =
  | { readonly kind: 'local'; readonly path: string }
  /** `endpoint`: `https://host[:port]`. `prefix`: without slashes at its ends; may be empty. */
  | { readonly kind: 's3'; readonly endpoint: string; readonly bucket: string; readonly prefix: string }
  /** `url` ends with a slash and has no user in it. */
  | { readonly kind: 'rest'; readonly url: string; readonly username: string }

/** restic reaches these and we do not; rclone does, and speaks restic's REST protocol. */
const OTHERS = new Set(['sftp', 'b2', 'azure', 'gs', 'rclone', 'swift'])

/**
 * Reads a repository's URL as restic spells it: a path, `local:<path>`, `s3:<host>/<bucket>[/<prefix>]`, `s3:https://…`,
 * `rest:https://[user@]<host>[:<port>]/<path>/`.
 * @throws RepositoryError REPOSITORY_INPUT, REPOSITORY_UNSUPPORTED. No message has the password of a URL that has one.
 */
export function parseLocation(url: string): StorageLocation {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9]*):(.*)$/s.exec(url) ?? []
  if (scheme === 's3') return s3Location(rest)
  if (scheme === 'rest') return restLocation(rest)
  if (scheme === 'http' || scheme === 'https') {
    throw new RepositoryError('REPOSITORY_INPUT', `a server is named rest:${scheme}://… or s3:${scheme}://…`)
  }
  if (scheme !== undefined && OTHERS.has(scheme)) {
    throw new RepositoryError(
      'REPOSITORY_UNSUPPORTED',
      `${scheme}: is reached through 'rclone serve restic', as rest:http://…: see docs/backends.md`,
    )
  }
  const path = scheme === 'local' ? rest : url
  if (path === '') throw new RepositoryError('REPOSITORY_INPUT', 'a repository needs a path or a URL')
  return { kind: 'local', path }
}

/** Whether `url` names storage by its kind, and is no path. */
export const hasScheme = (url: string): boolean => /^(local|s3|rest|https?|sftp|b2|azure|gs|rclone|swift):/.test(url)

function s3Location(rest: string): StorageLocation {
  const address = /^https?:\/\//.test(rest) ? rest : `https://${rest.replace(/^\/\//, '')}`
  const parsed = parsedUrl(address, 's3:<host>/<bucket>/<prefix>')
  assertNoCredentials(
    parsed,
    'the keys of S3 come by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or by the AWS profile',
  )
  const [bucket = '', ...prefix] = parsed.pathname.split('/').filter((part) => part !== '')
  if (bucket === '') throw new RepositoryError('REPOSITORY_INPUT', `s3:${parsed.host}: no bucket is named`)
  return {
    kind: 's3',
    endpoint: `${parsed.protocol}//${parsed.host}`,
    bucket: decodeURIComponent(bucket),
    prefix: prefix.map(decodeURIComponent).join('/'),
  }
}

function restLocation(rest: string): StorageLocation {
  const parsed = parsedUrl(rest, 'rest:https://<host>:<port>/<path>/')
  if (parsed.password !== '') {
    assertNoCredentials(parsed, 'the password comes by RESTIC_REST_PASSWORD or a file; the user may stay')
  }
  const username = decodeURIComponent(parsed.username)
  const path = parsed.pathname.endsWith('/') ? parsed.pathname : `${parsed.pathname}/`
  return { kind: 'rest', url: `${parsed.protocol}//${parsed.host}${path}`, username }
}

function parsedUrl(text: string, form: string): URL {
  const parsed = URL.parse(text)
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.host === '') {
    throw new RepositoryError('REPOSITORY_INPUT', `no URL of a repository: one looks like ${form}`)
  }
  return parsed
}

/** URLs are printed, logged and shown in the list of processes. */
function assertNoCredentials({ username, password, host }: URL, advice: string): void {
  if (username === '' && password === '') return
  throw new RepositoryError('REPOSITORY_INPUT', `leave the password out of the URL of ${host}: ${advice}`)
}
