import { createHash } from 'node:crypto'
import { addAbortSignal, type Readable } from 'node:stream'
import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import { RepositoryError } from '../error.ts'
import {
  filePath,
  isFileName,
  type Backend,
  type FileName,
  type FileRange,
  type FileType,
  type ListedFile,
  type Retention,
} from './backend.ts'
import { collected } from './http.ts'
import { lazyS3, type LazyS3, type S3ClientOptions } from './s3-client.ts'
import { destroyObject } from './s3-destruction.ts'
import { asS3Error, s3Failure } from './s3-error.ts'

/** Object Lock: files are kept from removal for `days` after their upload. Locks are not. */
export interface ObjectLock {
  /** Compliance: nobody can shorten it. Governance: whoever may bypass it can. */
  readonly mode: 'governance' | 'compliance'
  readonly days: number
}

export interface S3Options extends S3ClientOptions {
  readonly bucket: string
  /** Without slashes at its ends; '' is the bucket's top. */
  readonly prefix: string
  readonly objectLock: ObjectLock | undefined
}

export const s3Defaults = {
  region: '',
  accessKeyId: '',
  secretAccessKey: '',
  sessionToken: '',
  tls: {},
  connections: 5,
  idleMs: 60_000,
  prefix: '',
  objectLock: undefined,
} as const satisfies Partial<S3Options>

interface S3 extends Pick<S3Options, 'bucket' | 'prefix' | 'objectLock'> {
  readonly sdk: LazyS3
  readonly location: string
  /** False once the service has refused a condition: then a save looks first. */
  hasConditions: boolean
}

/**
 * A repository in a bucket of S3 or of a service that speaks its protocol, laid out as restic does. restic-format.md §12. Each file is one PUT:
 * it is there whole or not at all. The file's name goes along as its SHA-256, which the service verifies.
 */
export function s3Backend(options: Pick<S3Options, 'endpoint' | 'bucket'> & Partial<S3Options>): Backend {
  const complete = { ...s3Defaults, ...options }
  const { bucket, prefix, objectLock, endpoint } = complete
  const location = `s3:${endpoint}/${[bucket, prefix].filter((part) => part !== '').join('/')}`
  const s3: S3 = { bucket, prefix, objectLock, location, sdk: lazyS3(complete), hasConditions: true }
  const kept = objectLock === undefined ? {} : { retention: retentionOf(s3, objectLock) }
  return {
    location,
    ...kept,
    create: (signal) => named(location, false, () => createBucket(s3, signal), signal),
    list: (type, signal) => listFiles(s3, type, signal),
    load: (file, range, signal) => ofFile(file, () => loadFile(s3, file, range, signal), signal),
    save: (file, bytes, signal) => ofFile(file, () => saveFile(s3, file, bytes, signal), signal),
    remove: (file, signal) => ofFile(file, () => removeFile(s3, file, signal), signal),
    destroy: (file, bytes, signal) =>
      ofFile(
        file,
        async () => {
          const object = { Bucket: bucket, Key: keyOf(s3, filePath(file)) }
          return destroyObject(await s3.sdk.open(), object, bytes, aborting(signal))
        },
        signal,
      ),
    [Symbol.asyncDispose]: () => s3.sdk.close(),
  }
}

const keyOf = ({ prefix }: S3, path: string): string => (prefix === '' ? path : `${prefix}/${path}`)

const ofFile = <Result>(file: FileName, work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> =>
  named(filePath(file), true, work, signal)

async function named<Result>(
  subject: string,
  isFile: boolean,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  signal?.throwIfAborted()
  try {
    return await work()
  } catch (error) {
    throw asS3Error(error, subject, isFile, signal)
  }
}

const aborting = (signal?: AbortSignal): { abortSignal?: AbortSignal } =>
  signal === undefined ? {} : { abortSignal: signal }

/** A bucket that exists is taken as it is: who only adds files need not be allowed to make buckets. */
async function createBucket(s3: S3, signal?: AbortSignal): Promise<void> {
  const { sdk, client } = await s3.sdk.open()
  const { bucket: Bucket, objectLock } = s3
  try {
    await client.send(new sdk.HeadBucketCommand({ Bucket }), aborting(signal))
  } catch (error) {
    if (s3Failure(error).status !== 404) throw error
    const lock = objectLock === undefined ? {} : { ObjectLockEnabledForBucket: true }
    await client.send(new sdk.CreateBucketCommand({ Bucket, ...lock }), aborting(signal))
  }
  if (objectLock !== undefined) await assertObjectLock(s3, signal)
}

async function assertObjectLock({ sdk: lazy, bucket: Bucket, location }: S3, signal?: AbortSignal): Promise<void> {
  const { sdk, client } = await lazy.open()
  try {
    const answer = await client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket }), aborting(signal))
    if (answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled') return
  } catch (error) {
    if (s3Failure(error).status !== 404) throw error
  }
  throw new RepositoryError(
    'REPOSITORY_INPUT',
    `${location}: the bucket has no Object Lock; it is switched on when a bucket is made`,
  )
}

async function* listFiles(s3: S3, type: FileType, signal?: AbortSignal): AsyncIterable<ListedFile> {
  if (type === 'config') {
    const head = await headOf(s3, { type, name: '' }, signal)
    if (head !== undefined) yield { name: '', size: head.size }
    return
  }
  const prefix = keyOf(s3, `${type}/`)
  for (let token: string | undefined; ;) {
    const page = await pageOf(s3, type, prefix, token, signal)
    for (const { Key: key = '', Size: size = 0 } of page?.Contents ?? []) {
      const name = key.slice(key.lastIndexOf('/') + 1)
      if (isFileName(name) && key === keyOf(s3, filePath({ type, name }))) yield { name, size }
    }
    token = page?.NextContinuationToken
    if (page?.IsTruncated !== true || token === undefined) return
  }
}

/** At most 1000 files. Undefined when there is no bucket. */
async function pageOf(s3: S3, type: FileType, Prefix: string, token: string | undefined, signal?: AbortSignal) {
  return named(
    `${s3.location}: ${type}`,
    false,
    async () => {
      const { sdk, client } = await s3.sdk.open()
      const from = token === undefined ? {} : { ContinuationToken: token }
      const command = new sdk.ListObjectsV2Command({ Bucket: s3.bucket, Prefix, ...from })
      return client.send(command, aborting(signal)).catch((error: unknown) => {
        if (s3Failure(error).name === 'NoSuchBucket') return undefined
        throw error
      })
    },
    signal,
  )
}

interface Head {
  readonly size: number
  readonly version: string | undefined
  readonly keptUntil: Date | undefined
}

/** Undefined when there is no such file. */
async function headOf(s3: S3, file: FileName, signal?: AbortSignal): Promise<Head | undefined> {
  return ofFile(
    file,
    async () => {
      const { sdk, client } = await s3.sdk.open()
      const command = new sdk.HeadObjectCommand({ Bucket: s3.bucket, Key: keyOf(s3, filePath(file)) })
      const answer = await client.send(command, aborting(signal)).catch((error: unknown) => {
        if (s3Failure(error).status === 404) return undefined
        throw error
      })
      if (answer === undefined) return undefined
      const { ContentLength: size = 0, VersionId: version, ObjectLockRetainUntilDate: keptUntil } = answer
      return { size, version, keptUntil }
    },
    signal,
  )
}

async function loadFile(s3: S3, file: FileName, range: FileRange | 'all', signal?: AbortSignal): Promise<Uint8Array> {
  const path = filePath(file)
  if (range !== 'all' && range.length === 0) {
    const head = await headOf(s3, file, signal)
    if (head === undefined) throw new RepositoryError('BACKEND_NOT_FOUND', `${path} does not exist`, { file: path })
    if (range.offset > head.size) throw outOfRange(path, head.size, range)
    return new Uint8Array()
  }
  const { sdk, client } = await s3.sdk.open()
  const part = range === 'all' ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }
  const command = new sdk.GetObjectCommand({ Bucket: s3.bucket, Key: keyOf(s3, path), ...part })
  const { Body: body, ContentLength: length } = await client.send(command, aborting(signal))
  const stream = body as Readable
  if (signal !== undefined) addAbortSignal(signal, stream)
  const bytes = await collected(stream, length, path)
  if (length !== undefined && bytes.length !== length) {
    throw new RepositoryError('BACKEND_UNAVAILABLE', `${path}: the answer ended after ${bytes.length} bytes`, {
      file: path,
    })
  }
  if (range !== 'all' && bytes.length !== range.length) throw outOfRange(path, range.offset + bytes.length, range)
  return bytes
}

const outOfRange = (path: string, size: number, { offset, length }: FileRange): RepositoryError =>
  new RepositoryError('BACKEND_OUT_OF_RANGE', `${path} has ${size} bytes, not ${offset + length}`, { file: path })

async function saveFile(s3: S3, file: FileName, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  // Some services take a condition and ignore it. Other files have their hash for a name: written twice they are the same.
  if (file.type === 'config' || !s3.hasConditions) await assertNew(s3, file, signal)
  try {
    await putFile(s3, file, bytes, signal)
  } catch (error) {
    if (s3Failure(error).status === 412) throw existing(file)
    if (!s3.hasConditions || s3Failure(error).status !== 501) throw error
    s3.hasConditions = false
    await saveFile(s3, file, bytes, signal)
  }
}

async function assertNew(s3: S3, file: FileName, signal?: AbortSignal): Promise<void> {
  if ((await headOf(s3, file, signal)) !== undefined) throw existing(file)
}

function existing(file: FileName): RepositoryError {
  const path = filePath(file)
  return new RepositoryError('BACKEND_EXISTS', `${path} exists already`, { file: path })
}

async function putFile(s3: S3, file: FileName, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  const { sdk, client } = await s3.sdk.open()
  const hash = file.type === 'config' ? createHash('sha256').update(bytes).digest('hex') : file.name
  const input: PutObjectCommandInput = {
    Bucket: s3.bucket,
    Key: keyOf(s3, filePath(file)),
    Body: bytes,
    ContentLength: bytes.length,
    ChecksumSHA256: Buffer.from(hash, 'hex').toString('base64'),
    ...(s3.hasConditions ? { IfNoneMatch: '*' } : {}),
    ...lockOf(s3, file),
  }
  const command = new sdk.PutObjectCommand(input)
  command.middlewareStack.add(withPayloadHash(hash), { step: 'build', name: 'payloadHash' })
  await client.send(command, aborting(signal))
}

/** The signature covers the hash of the body: it is known, so it is not computed again. */
const withPayloadHash =
  (hash: string) =>
  <Arguments extends { request: unknown }, Result>(next: (args: Arguments) => Promise<Result>) =>
  (args: Arguments): Promise<Result> => {
    const { headers } = args.request as { headers: Record<string, string> }
    headers['x-amz-content-sha256'] = hash
    return next(args)
  }

function lockOf({ objectLock }: S3, { type }: FileName): Partial<PutObjectCommandInput> {
  if (objectLock === undefined || type === 'locks') return {}
  return { ObjectLockMode: modeOf(objectLock), ObjectLockRetainUntilDate: afterDays(objectLock.days) }
}

const modeOf = ({ mode }: ObjectLock): 'GOVERNANCE' | 'COMPLIANCE' =>
  mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE'

const afterDays = (days: number): Date => new Date(Date.now() + days * 86_400_000)

/**
 * Where Object Lock is at work, a plain removal only hides a file, and the version stays: it takes the version to remove it, and to hear
 * that it may not be.
 */
async function removeFile(s3: S3, file: FileName, signal?: AbortSignal): Promise<void> {
  const { sdk, client } = await s3.sdk.open()
  const path = filePath(file)
  const head = s3.objectLock === undefined || file.type === 'locks' ? undefined : await headOf(s3, file, signal)
  const version = head?.version === undefined ? {} : { VersionId: head.version }
  try {
    const command = new sdk.DeleteObjectCommand({ Bucket: s3.bucket, Key: keyOf(s3, path), ...version })
    await client.send(command, aborting(signal))
  } catch (error) {
    if (head?.keptUntil === undefined || s3Failure(error).status !== 403) throw error
    const text = `${path}: Object Lock keeps it until ${head.keptUntil.toISOString()}`
    throw new RepositoryError('BACKEND_DENIED', text, { file: path })
  }
}

function retentionOf(s3: S3, objectLock: ObjectLock): Retention {
  return {
    days: objectLock.days,
    extend: (file, enough, until, signal) =>
      ofFile(
        file,
        async () => {
          const head = await headOf(s3, file, signal)
          if (head?.keptUntil !== undefined && head.keptUntil >= enough) return 'kept'
          const { sdk, client } = await s3.sdk.open()
          const command = new sdk.PutObjectRetentionCommand({
            Bucket: s3.bucket,
            Key: keyOf(s3, filePath(file)),
            Retention: { Mode: modeOf(objectLock), RetainUntilDate: until },
          })
          await client.send(command, aborting(signal))
          return 'extended'
        },
        signal,
      ),
  }
}
