import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PutBucketPolicyCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  assertRemovable,
  initRepository,
  openBackend,
  openRepository,
  parseLocation,
  probeProtection,
  renewRetention,
  s3Backend,
  type Backend,
  type S3Options,
} from '../src/index.ts'
import { all, backendContract } from './support/backend-contract.ts'
import { startCeph, type S3Server, type S3User } from './support/ceph.ts'
import { loadDisk, saveDisk, smallRepository } from './support/small-point.ts'

let ceph: S3Server
let owner: S3User
beforeAll(async () => {
  ceph = await startCeph()
  owner = await ceph.user('owner')
}, 90_000)
afterAll(async () => ceph[Symbol.asyncDispose]())

let count = 0
function bucketOf(options: Partial<S3Options> = {}, user = owner): Backend {
  return s3Backend({ endpoint: ceph.endpoint, bucket: `bucket-${count++}`, prefix: 'pool/one', ...user, ...options })
}

/** The same place, perhaps as another user. */
const again = ({ location }: Backend, user = owner): Backend => openBackend(location, { s3: user })

function bucketName({ location }: Backend): string {
  const parsed = parseLocation(location)
  if (parsed.kind !== 's3') throw new Error(`${location} is no bucket`)
  return parsed.bucket
}

async function directoryOf(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'tidemark-s3-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Whether a file somewhere below holds exactly these bytes. */
async function findBytes(directory: string, bytes: Uint8Array): Promise<boolean> {
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name)
    const { size, isFile } = await stat(path).then((found) => ({ size: found.size, isFile: found.isFile() }))
    if (isFile && size === bytes.length && Buffer.compare(await readFile(path), bytes) === 0) return true
  }
  return false
}

backendContract('S3, radosgw', async () => ({ backend: bucketOf(), secrets: [owner.secretAccessKey] }), {
  many: 1001,
  tellsMissing: false,
})

const PASSWORD = 'pw'
const run = promisify(execFile)

/** Runs stock restic on a repository of ours. */
async function restic(backend: Backend, user: S3User, ...args: string[]): Promise<string> {
  const keys = { AWS_ACCESS_KEY_ID: user.accessKeyId, AWS_SECRET_ACCESS_KEY: user.secretAccessKey }
  const env = { ...process.env, ...keys, RESTIC_PASSWORD: PASSWORD }
  const { stdout } = await run('restic', ['--no-cache', '--repo', backend.location, ...args], { env })
  return stdout
}

test('restic checks, restores and prunes what we wrote to S3, and we read what it wrote there', async () => {
  await using place = await directoryOf()
  const disk = randomBytes(MiB)
  const backend = bucketOf()
  {
    await using repository = await initRepository(backend, PASSWORD, smallRepository)
    await saveDisk(repository, disk)
  }
  await restic(backend, owner, 'check', '--read-data')
  await restic(backend, owner, 'restore', 'latest', '--target', place.path)
  expect(await findBytes(place.path, disk)).toBe(true)

  await writeFile(join(place.path, 'of-restic'), 'by restic')
  await restic(backend, owner, 'backup', join(place.path, 'of-restic'))
  await restic(backend, owner, 'forget', '--keep-last', '1', '--group-by', '', '--prune')
  await using repository = await openRepository(again(backend), PASSWORD, smallRepository)
  expect((await repository.check({ readData: true })).errors).toEqual([])
  const snapshots = await all(repository.snapshots())
  expect(snapshots.map(({ paths }) => paths)).toEqual([[join(place.path, 'of-restic')]])
}, 120_000)

test('keys that are wrong, a bucket that is not there and a service that is away are told apart', async () => {
  const stranger = { accessKeyId: 'AKnobody', secretAccessKey: 'secret-of-nobody' }
  const config = { type: 'config', name: '' } as const
  await using denied = bucketOf({}, stranger)
  await expect(denied.load(config, 'all')).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  await expect(denied.create()).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  await using missing = bucketOf()
  await expect(openRepository(missing, PASSWORD)).rejects.toMatchObject({ code: 'REPOSITORY_NOT_FOUND' })
  expect(await all(missing.list('data'))).toEqual([])
  await using away = s3Backend({ ...owner, endpoint: 'http://127.0.0.1:9', bucket: 'any' })
  await expect(away.load(config, 'all')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', file: 'config' })
})

/** The bucket's policy for a user who may add and read, and remove locks. */
function appendOnlyPolicy(bucket: string, user: string): string {
  const objects = `arn:aws:s3:::${bucket}/*`
  const allow = { Effect: 'Allow', Principal: { AWS: [`arn:aws:iam:::user/${user}`] } }
  const statements = [
    { ...allow, Action: ['s3:ListBucket', 's3:GetBucketLocation'], Resource: [`arn:aws:s3:::${bucket}`] },
    { ...allow, Action: ['s3:GetObject', 's3:PutObject'], Resource: [objects] },
    { ...allow, Action: ['s3:DeleteObject'], Resource: [`arn:aws:s3:::${bucket}/pool/one/locks/*`] },
  ]
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}

/** The bucket's administrator, who uses AWS's library as anybody would. */
const administrator = () =>
  new S3Client({ endpoint: ceph.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: owner })

for (const versioning of ['without', 'with'] as const) {
  test(`a user who may not delete, in a bucket ${versioning} versions: backup, check and restore work, removal is refused`, async () => {
    const writer = await ceph.user(`writer-${versioning}`)
    const mine = bucketOf()
    await (await initRepository(mine, PASSWORD, smallRepository))[Symbol.asyncDispose]()
    const Bucket = bucketName(mine)
    const admin = administrator()
    const Policy = appendOnlyPolicy(Bucket, `writer-${versioning}`)
    await admin.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    if (versioning === 'with') {
      const VersioningConfiguration = { Status: 'Enabled' } as const
      await admin.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
    }
    admin.destroy()

    const disk = randomBytes(MiB)
    await using repository = await openRepository(again(mine, writer), PASSWORD, smallRepository)
    const id = await saveDisk(repository, disk)
    expect((await repository.check({ readData: true })).errors).toEqual([])
    expect(Buffer.compare(await loadDisk(repository, id), disk)).toBe(0)
    expect(await all(repository.backend.list('locks'))).toEqual([])
    await expect(assertRemovable(repository, 'prune')).rejects.toMatchObject({ code: 'REPOSITORY_APPEND_ONLY' })
    await expect(repository.removeSnapshot(id)).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
    const found = await probeProtection(repository)
    expect(found).toMatchObject({ overwriting: 'accepted', removal: 'refused', locks: 'removable' })
    expect(found.remains).toBe(versioning === 'with' ? 'as a version' : 'no')
    if (versioning === 'without') await restic(mine, writer, 'check', '--read-data')
  })
}

test('Object Lock keeps files but locks, its retention is renewed, and a removal is refused with the date', async () => {
  const objectLock = { mode: 'governance', days: 10 } as const
  const backend = bucketOf({ objectLock })
  const disk = randomBytes(MiB)
  await using repository = await initRepository(backend, PASSWORD, smallRepository)
  const id = await saveDisk(repository, disk)
  expect(await all(backend.list('locks'))).toEqual([])
  for (const type of ['data', 'index', 'snapshots', 'keys'] as const) {
    for (const { name } of await all(backend.list(type))) {
      await expect(backend.remove({ type, name })).rejects.toMatchObject({
        code: 'BACKEND_DENIED',
        message: expect.stringMatching(/Object Lock keeps it until \d{4}-/),
      })
    }
  }
  expect(Buffer.compare(await loadDisk(repository, id), disk)).toBe(0)
  const stored = (
    await Promise.all((['data', 'index', 'snapshots', 'keys'] as const).map((type) => all(backend.list(type))))
  ).flat()

  const { probe } = await probeProtection(repository) // in no index: not renewed
  expect(probe).toMatch(/^data\//)
  expect(await renewRetention(repository)).toEqual({ files: stored.length + 1, extended: stored.length + 1 })
  expect(await renewRetention(repository, { marginDays: 1 })).toEqual({ files: stored.length + 1, extended: 0 })
  await expect(renewRetention({ ...repository, backend: bucketOf() })).rejects.toMatchObject({
    code: 'REPOSITORY_UNSUPPORTED',
  })
}, 120_000)

test('in a bucket with Object Lock, somebody with all keys but the bypass cannot destroy what is stored', async () => {
  const writer = await ceph.user('keeper')
  const objectLock = { mode: 'compliance', days: 1 } as const
  const mine = bucketOf({ objectLock })
  await (await initRepository(mine, PASSWORD, smallRepository))[Symbol.asyncDispose]()
  const Bucket = bucketName(mine)
  const allow = { Effect: 'Allow', Principal: { AWS: ['arn:aws:iam:::user/keeper'] }, Action: ['s3:*'] }
  const Statement = [{ ...allow, Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`] }]
  const admin = administrator()
  await admin.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
  admin.destroy()
  const theirs = openBackend(mine.location, { s3: { ...writer, objectLock } })
  await using repository = await openRepository(theirs, PASSWORD, smallRepository)
  expect(await probeProtection(repository)).toMatchObject({ removal: 'accepted', remains: 'as a version' })
})

test('a bucket that was made without Object Lock is refused as one with it', async () => {
  const plain = bucketOf()
  await plain.create()
  await using locked = s3Backend({
    ...owner,
    endpoint: ceph.endpoint,
    bucket: bucketName(plain),
    objectLock: { mode: 'governance', days: 1 },
  })
  await expect(locked.create()).rejects.toMatchObject({ code: 'REPOSITORY_INPUT' })
})
