import type * as Sdk from '@aws-sdk/client-s3'
import type { TlsOptions } from './http.ts'

/** How a bucket is reached. Keys that are not given are looked for where AWS's own programs look: environment, profile, instance. */
export interface S3ClientOptions {
  /** `https://host[:port]` */
  readonly endpoint: string
  /** Default: what the host says, else `us-east-1`, which most services other than AWS take. */
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly tls: TlsOptions
  readonly connections: number
  readonly idleMs: number
}

/** AWS's library and a client of it, made at the first call: loading takes 0.2 s, and most repositories need neither. */
export interface LazyS3 {
  open(): Promise<{ readonly sdk: typeof Sdk; readonly client: Sdk.S3Client }>
  close(): Promise<void>
}

export function lazyS3(options: S3ClientOptions): LazyS3 {
  let opening: Promise<{ sdk: typeof Sdk; client: Sdk.S3Client }> | undefined
  return {
    open: () => (opening ??= openClient(options)),
    async close() {
      const { client } = (await opening) ?? {}
      client?.destroy()
    },
  }
}

async function openClient(options: S3ClientOptions): Promise<{ sdk: typeof Sdk; client: Sdk.S3Client }> {
  const { endpoint, accessKeyId, secretAccessKey, sessionToken, tls, connections, idleMs } = options
  const sdk = await import('@aws-sdk/client-s3')
  const { isAws, region } = awsHost(endpoint)
  const agent = { keepAlive: true, maxSockets: connections }
  const trust = tls.ca === undefined ? {} : { ca: tls.ca }
  const identity = tls.certificate === undefined || tls.key === undefined ? {} : { cert: tls.certificate, key: tls.key }
  const token = sessionToken === '' ? {} : { sessionToken }
  const client = new sdk.S3Client({
    region: options.region === '' ? (region ?? 'us-east-1') : options.region,
    ...(isAws ? { followRegionRedirects: true } : { endpoint, forcePathStyle: true }),
    ...(accessKeyId === '' ? {} : { credentials: { accessKeyId, secretAccessKey, ...token } }),
    maxAttempts: 1, // the retry wrapper decides, and looks a lost save up
    requestChecksumCalculation: 'WHEN_REQUIRED', // each save brings its SHA-256
    responseChecksumValidation: 'WHEN_REQUIRED', // what is read is verified above
    requestHandler: {
      connectionTimeout: 10_000,
      socketTimeout: idleMs,
      httpAgent: agent,
      httpsAgent: { ...agent, ...trust, ...identity },
    },
  })
  return { sdk, client }
}

/** AWS's own hosts name a region; there, the library finds host and bucket better than a URL does. */
function awsHost(endpoint: string): { isAws: boolean; region?: string } {
  const [, region] = /^s3(?:[.-]([a-z0-9-]+))?\.amazonaws\.com$/.exec(new URL(endpoint).host) ?? []
  if (region !== undefined) return { isAws: true, region }
  return { isAws: new URL(endpoint).host === 's3.amazonaws.com' }
}
