import { NO_SPACE, RepositoryError, type RepositoryErrorCode } from '../error.ts'

/** Codes of S3's answers, and of Node where there was none. Others are judged by their HTTP status. */
const codes: Readonly<Record<string, RepositoryErrorCode>> = {
  NoSuchKey: 'BACKEND_NOT_FOUND',
  NotFound: 'BACKEND_NOT_FOUND',
  NoSuchBucket: 'BACKEND_NOT_FOUND',
  PreconditionFailed: 'BACKEND_EXISTS',
  InvalidRange: 'BACKEND_OUT_OF_RANGE',
  CredentialsProviderError: 'BACKEND_DENIED',
  RequestTimeTooSkewed: 'BACKEND_UNAVAILABLE', // the library has corrected its clock by then
  RequestTimeout: 'BACKEND_UNAVAILABLE',
  ConditionalRequestConflict: 'BACKEND_UNAVAILABLE', // somebody saves the same name at this moment
  OperationAborted: 'BACKEND_UNAVAILABLE',
  QuotaExceeded: 'REPOSITORY_FULL',
  XMinioStorageFull: 'REPOSITORY_FULL',
  XMinioAdminBucketQuotaExceeded: 'REPOSITORY_FULL',
}

const statuses: Readonly<Record<number, RepositoryErrorCode>> = {
  401: 'BACKEND_DENIED',
  403: 'BACKEND_DENIED',
  404: 'BACKEND_NOT_FOUND',
  408: 'BACKEND_UNAVAILABLE',
  412: 'BACKEND_EXISTS',
  416: 'BACKEND_OUT_OF_RANGE',
  429: 'BACKEND_UNAVAILABLE',
  507: 'REPOSITORY_FULL',
}

export interface S3Failure {
  /** S3's code or Node's: `NoSuchKey`, `ECONNREFUSED`. */
  readonly name: string
  readonly status: number | undefined
}

/** What an error of AWS's library says. */
export function s3Failure(error: unknown): S3Failure {
  const { name, code, $metadata } = error as {
    name?: string
    code?: string
    $metadata?: { httpStatusCode?: number }
  }
  const status = $metadata?.httpStatusCode
  return { name: (status === undefined ? (code ?? name) : name) ?? 'Error', status }
}

/**
 * The library's errors carry requests and answers, which have keys and signatures in them: only the sentence of one goes on.
 * @param subject the file as a path inside the repository, or the place
 */
export function asS3Error(error: unknown, subject: string, isFile: boolean, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason
  if (error instanceof RepositoryError) return error
  const { name, status } = s3Failure(error)
  const code = codes[name] ?? (status === undefined ? codeOfNetwork(name) : (statuses[status] ?? byClass(status)))
  const { message } = error as Error
  const said = message === '' || message === name || message === 'UnknownError' ? name : `${name}: ${message}`
  const hint = code === 'REPOSITORY_FULL' ? `; ${NO_SPACE}` : ''
  const text = `${subject}: ${said}${status === undefined ? '' : ` (${status})`}${hint}`
  return new RepositoryError(code, text, {
    cause: new Error(said),
    ...(isFile ? { file: subject } : {}),
  })
}

const byClass = (status: number): RepositoryErrorCode =>
  status >= 500 && status !== 501 ? 'BACKEND_UNAVAILABLE' : 'BACKEND_IO'

/** No answer came. Trust that is missing does not come by waiting. */
const codeOfNetwork = (name: string): RepositoryErrorCode =>
  /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER/.test(name) ? 'BACKEND_DENIED' : 'BACKEND_UNAVAILABLE'
