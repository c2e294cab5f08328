import { systemClock, type Clock } from '../clock.ts'
import { withoutRemoval } from './append-only.ts'
import type { Backend } from './backend.ts'
import { withBandwidth, type Bandwidth } from './bandwidth.ts'
import { withConnections } from './connections.ts'
import { localBackend } from './local.ts'
import { parseLocation, type StorageLocation } from './location.ts'
import { restBackend, type RestOptions } from './rest.ts'
import { s3Backend, type S3Options } from './s3.ts'
import { retryDefaults, withRetry, type RetryOptions } from './retry.ts'

export interface StorageOptions {
  /** Calls under way at a time, to storage behind a network. */
  readonly connections: number
  readonly bandwidth: Bandwidth
  readonly retry: Omit<RetryOptions, 'clock'>
  /** Never remove anything but locks: see `withoutRemoval`. */
  readonly appendOnly: boolean
  readonly rest: Partial<RestOptions>
  readonly s3: Partial<S3Options>
  readonly clock: Clock
}

export const storageDefaults = {
  connections: 5,
  bandwidth: {},
  retry: retryDefaults,
  appendOnly: false,
  rest: {},
  s3: {},
  clock: systemClock,
} as const satisfies StorageOptions

/**
 * Opens the storage that a URL names: a path, `s3:…`, `rest:…`, as restic spells them. Nothing is asked of it yet.
 * @throws RepositoryError REPOSITORY_INPUT, REPOSITORY_UNSUPPORTED
 */
export function openBackend(url: string, options: Partial<StorageOptions> = {}): Backend {
  const complete = { ...storageDefaults, ...options }
  const location = parseLocation(url)
  return wrapped(adapterOf(location, complete), location.kind, complete)
}

function adapterOf(location: StorageLocation, { rest, s3, connections }: StorageOptions): Backend {
  switch (location.kind) {
    case 'local':
      return localBackend(location.path)
    case 'rest': {
      const { username } = location
      return restBackend(location.url, { connections, ...rest, ...(username === '' ? {} : { username }) })
    }
    case 's3':
      return s3Backend({ connections, ...s3, ...location })
    default:
      return location satisfies never
  }
}

/** The one place that decides the order. From the inside: a call is paid for, then has a place, and while it pauses it has none. */
function wrapped(
  adapter: Backend,
  kind: StorageLocation['kind'],
  { bandwidth, connections, retry, appendOnly, clock }: StorageOptions,
): Backend {
  let backend = adapter
  if (bandwidth.upload !== undefined || bandwidth.download !== undefined) {
    backend = withBandwidth(backend, bandwidth, clock)
  }
  if (kind !== 'local') backend = withRetry(withConnections(backend, connections), { ...retry, clock })
  return appendOnly ? withoutRemoval(backend) : backend
}
