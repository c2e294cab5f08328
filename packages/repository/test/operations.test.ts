import { bytes, MiB } from '@tidemark/blocks'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  addKey,
  changePassword,
  changeTags,
  copySnapshots,
  dump,
  findBlobs,
  findNames,
  gridFor,
  initRepository,
  listEntries,
  listKeys,
  localBackend,
  openRepository,
  planContent,
  prune,
  removeKey,
  savePoint,
  sharesOf,
  statsOf,
  withoutRemoval,
  writeContent,
  type Repository,
  type Snapshot,
} from '../src/index.ts'

const kdf = { N: 1024, r: 8, p: 1 }
const SIZE = bytes(3 * MiB + 1000)
const FILE = '/web-01/disks/0-root/disk.raw'
const run = promisify(execFile)

let directory: string
let path: string
let password = 'first'
const disks: Uint8Array[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-operations-'))
  path = join(directory, 'main')
  const first = new Uint8Array(SIZE)
  first.set(randomBytes(MiB), MiB)
  const second = first.slice()
  second.set(randomBytes(100_000), 2 * MiB)
  disks.push(first, second)
  await using repository = await initRepository(localBackend(path), password, { kdf, packSize: MiB })
  await using _lock = await repository.lock('shared')
  for (const [i, disk] of disks.entries()) await saveDisk(repository, disk, i)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function saveDisk(repository: Repository, disk: Uint8Array, day: number): Promise<Snapshot> {
  const plan = planContent(undefined, SIZE, 'all', gridFor(SIZE))
  const chunks = async function* () {
    for (const { offset, length } of plan.reads) yield { offset, data: disk.subarray(offset, offset + length) }
  }
  const { content } = await writeContent(repository, plan, chunks())
  return savePoint(repository, {
    slug: 'web-01',
    time: new Date(Date.UTC(2026, 10, 20 + day)),
    hostname: 'web-01',
    paths: ['/pool/web-01'],
    tags: ['tidemark', 'vm-1'],
    programVersion: 'tidemark 0.1.0',
    vmJson: Buffer.from(`{"day":${day}}`),
    disks: [{ position: 0, vdiUuid: 'root', content }],
  })
}

const open = (at = path, secret = password) => openRepository(localBackend(at), secret, { kdf })

async function restic(at: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Buffer> {
  const { stdout } = await run('restic', ['--no-cache', '--repo', at, ...args], {
    env: { ...process.env, RESTIC_PASSWORD: password, ...environment },
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  })
  return stdout
}

async function points(repository: Repository): Promise<Snapshot[]> {
  const all: Snapshot[] = []
  for await (const snapshot of repository.snapshots()) all.push(snapshot)
  return all.sort((a, b) => a.time.getTime() - b.time.getTime())
}

async function collected(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part.slice())
  return Buffer.concat(all)
}

async function paths(entries: AsyncIterable<{ readonly path: string }>): Promise<string[]> {
  const all: string[] = []
  for await (const entry of entries) all.push(entry.path)
  return all
}

async function firstPoint(repository: Repository): Promise<Snapshot> {
  const [first] = await points(repository)
  if (first === undefined) throw new Error('the repository has lost its points')
  return first
}

/** What we say to a repository that restic worked on. */
async function acceptedByUs(at = path): Promise<void> {
  await using repository = await open(at)
  expect((await repository.check({ readData: true })).errors).toEqual([])
  for (const [i, snapshot] of (await points(repository)).filter(({ hostname }) => hostname === 'web-01').entries()) {
    const disk = disks[i] ?? new Uint8Array()
    expect(Buffer.compare(await collected(dump(repository, snapshot.tree, FILE)), disk)).toBe(0)
  }
}

/** What restic says to a repository that we worked on. */
async function acceptedByRestic(at = path): Promise<void> {
  await restic(at, ['check', '--read-data'])
  const listed = JSON.parse((await restic(at, ['snapshots', '--json'])).toString()) as { id: string }[]
  for (const [i, { id }] of listed.entries()) {
    const disk = disks[i] ?? new Uint8Array()
    expect(Buffer.compare(await restic(at, ['dump', id, FILE]), disk)).toBe(0)
    const target = await mkdtemp(join(directory, 'restored-'))
    await restic(at, ['restore', id, '--target', target])
    expect(Buffer.compare(await readFile(join(target, FILE)), disk)).toBe(0)
  }
}

describe('stock restic accepts what we did', () => {
  const operations: readonly (readonly [string, () => Promise<void>])[] = [
    ['a key added', addsKey],
    ['a password changed', changesPassword],
    ['a key removed', removesKey],
    ['tags changed', changesTags],
    ['a prune', prunes],
  ]
  test.each(operations)(
    '%s',
    async (_name, operation) => {
      await operation()
      await acceptedByRestic()
    },
    60_000,
  )

  test('a copy, which is found again by both', copies, 60_000)
  test('and mounts it: every disk is read through the kernel', mounts, 60_000)
})

async function mounts(): Promise<void> {
  const at = join(directory, 'mounted')
  await mkdir(at)
  const env = { ...process.env, RESTIC_PASSWORD: password }
  const mounted = spawn('restic', ['--no-cache', '-r', path, 'mount', at], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(mounted, 'exit')
  try {
    for await (const line of createInterface(mounted.stdout)) if (line.includes('Now serving')) break
    const listed = JSON.parse((await restic(path, ['snapshots', '--json'])).toString()) as { short_id: string }[]
    expect(listed).toHaveLength(2)
    for (const [i, each] of listed.entries()) {
      const read = await readFile(join(at, 'ids', each.short_id, FILE))
      expect(Buffer.compare(read, disks[i] ?? new Uint8Array())).toBe(0)
    }
  } finally {
    mounted.kill('SIGINT') // it unmounts
    await gone
  }
}

async function addsKey(): Promise<void> {
  await using repository = await open()
  const name = await addKey(repository, 'second')
  expect((await listKeys(repository)).map((key) => [key.name, key.isCurrent])).toContainEqual([name, false])
  expect((await restic(path, ['key', 'list'], { RESTIC_PASSWORD: 'second' })).toString()).toContain(
    `*${name.slice(0, 8)}`,
  )
}

async function changesPassword(): Promise<void> {
  {
    await using repository = await open()
    await changePassword(repository, 'third')
  }
  await expect(open(path, 'first')).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
  password = 'third'
}

async function removesKey(): Promise<void> {
  await using repository = await open()
  const other = (await listKeys(repository)).find(({ isCurrent }) => !isCurrent)
  await expect(removeKey(repository, repository.keyName)).rejects.toThrow('the one in use')
  await expect(removeKey(repository, 'ffffffffffffffff')).rejects.toMatchObject({ code: 'REPOSITORY_INPUT' })
  await removeKey(repository, other?.name.slice(0, 16) ?? '')
  await expect(removeKey(repository, repository.keyName)).rejects.toThrow('the last one')
  await expect(open(path, 'second')).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
}

async function changesTags(): Promise<void> {
  await using repository = await open()
  const before = await firstPoint(repository)
  const [changed] = await changeTags(repository, [before], { add: ['keep', 'keep'], remove: ['vm-1'] })
  const after = await firstPoint(repository)
  expect(after).toEqual({ ...before, id: changed?.to, original: before.id, tags: ['tidemark', 'keep'] })
  expect(await changeTags(repository, [after], { add: ['keep'] })).toEqual([])
  await changeTags(repository, [after], { set: ['tidemark', 'vm-1'] })
  expect(await firstPoint(repository)).toMatchObject({ original: before.id, tags: ['tidemark', 'vm-1'] })
}

/** Leaves blobs that nobody needs among those that the points need. */
async function prunes(): Promise<void> {
  await using repository = await open()
  await using lock = await repository.lock('exclusive')
  const third = await saveDisk(repository, randomBytes(SIZE), 2)
  await repository.removeSnapshot(third.id)
  await prune(repository, lock)
  expect(repository.blobs.index().find('tree', Buffer.from(third.tree, 'hex'))).toBe(-1)
}

async function copies(): Promise<void> {
  const to = join(directory, 'copy')
  await using source = await open()
  const { chunkerPolynomial } = source
  await using target = await initRepository(localBackend(to), password, { kdf, chunkerPolynomial })
  const all = await points(source)
  const broken = new AbortController()
  const stop = (progress: { phase: string }) => progress.phase === 'snapshots' && broken.abort(new Error('enough'))
  const onProgress = (progress: { phase: string }) => void stop(progress)
  await expect(copySnapshots(source, target, all, onProgress, broken.signal)).rejects.toThrow('enough')
  expect(await points(target)).toHaveLength(1)
  const rest = await copySnapshots(source, target, all)
  expect(rest).toMatchObject({ copied: [{ from: all[1]?.id }], skipped: [{ from: all[0]?.id }], blobs: 0 })
  expect((await copySnapshots(source, target, all)).copied).toEqual([])
  const copied = await points(target)
  expect(copied.map(({ tree }) => tree)).toEqual(all.map(({ tree }) => tree))
  expect(copied.map(({ original }) => original)).toEqual(all.map(({ id, original }) => original ?? id))
  await expect(copySnapshots(source, source, all)).rejects.toMatchObject({ code: 'REPOSITORY_INPUT' })
  await acceptedByRestic(to)
  const again = await restic(to, ['copy', '--from-repo', path], { RESTIC_FROM_PASSWORD: password })
  expect(again.toString()).toContain('was already copied')
  expect((await points(target)).length).toBe(2)
}

test('names, blobs and packs are found in the points that have them, and listed in order', async () => {
  await using repository = await open()
  const all = await points(repository)
  const first = await firstPoint(repository)
  expect(await paths(findNames(repository, all, '*.RAW', { ignoreCase: true }))).toEqual([FILE, FILE])
  expect(await paths(findNames(repository, [first], 'disks/*/disk.raw'))).toEqual([FILE])
  expect(await paths(findNames(repository, all, '*.RAW'))).toEqual([])
  expect(await paths(listEntries(repository, first.tree, '/web-01', { recursive: false }))).toEqual([
    '/web-01',
    '/web-01/disks',
    '/web-01/vm.json',
  ])
  await expect(paths(listEntries(repository, first.tree, '/web-01/none', { recursive: true }))).rejects.toMatchObject({
    code: 'REPOSITORY_NO_ENTRY',
  })
  expect(await paths(findBlobs(repository, all, { kind: 'tree', ids: [first.tree] }))).toEqual(['/'])
  const packs = repository.blobs.index().packs()
  expect(await paths(findBlobs(repository, all, { kind: 'pack', ids: packs }))).toEqual(
    expect.arrayContaining(['/', '/web-01', FILE, '/web-01/vm.json']),
  )
  await expect(paths(findBlobs(repository, all, { kind: 'blob', ids: ['zz'] }))).rejects.toThrow(
    'no beginning of an ID',
  )
})

test('a directory is dumped as an archive that tar opens to the same bytes', async () => {
  await using repository = await open()
  const { tree } = await firstPoint(repository)
  const archive = join(directory, 'point.tar')
  await writeFile(archive, await collected(dump(repository, tree, '/web-01')))
  await mkdir(join(directory, 'untarred'))
  await run('tar', ['-xf', archive, '-C', join(directory, 'untarred')])
  expect(Buffer.compare(await readFile(join(directory, 'untarred', FILE)), disks[0] ?? new Uint8Array())).toBe(0)
  expect(await readFile(join(directory, 'untarred/web-01/vm.json'), 'utf8')).toBe('{"day":0}')
})

test('statistics are those of restic, and what a point has alone is what forgetting it frees', async () => {
  await using repository = await open()
  const all = await points(repository)
  const ours = await statsOf(repository, all)
  const theirs = async (mode: string) =>
    JSON.parse((await restic(path, ['stats', '--json', '--mode', mode])).toString()) as Record<string, number>
  expect((await theirs('restore-size'))['total_size']).toBe(ours.restoreBytes)
  expect((await theirs('raw-data'))['total_size']).toBe(ours.storedBytes)
  expect((await theirs('raw-data'))['total_blob_count']).toBe(ours.blobs)
  expect((await theirs('files-by-contents'))['total_size']).toBe(ours.distinctFileBytes)
  const shares = await sharesOf(
    repository,
    all.map((point) => ({ name: point.id, snapshots: [point] })),
  )
  expect(ours.dedupFactor).toBeGreaterThan(1)
  const alone = await statsOf(repository, all.slice(1))
  expect(shares[0]?.uniqueBytes).toBe(ours.storedBytes - alone.storedBytes)
  expect(shares[0]?.uniqueBytes).toBeGreaterThan(100)
})

test('under append-only, keys are added and nothing that removes does anything', async () => {
  await using repository = await openRepository(withoutRemoval(localBackend(path)), password, { kdf })
  const keys = await listKeys(repository)
  const refused = { code: 'REPOSITORY_APPEND_ONLY' }
  await expect(changePassword(repository, 'other')).rejects.toMatchObject(refused)
  await expect(changeTags(repository, [await firstPoint(repository)], { add: ['x'] })).rejects.toMatchObject(refused)
  expect(await listKeys(repository)).toEqual(keys)
  expect(await points(repository)).toHaveLength(2)
})

test('we accept what stock restic did', async () => {
  const source = join(directory, 'files')
  await mkdir(source)
  await writeFile(join(source, 'text'), 'some text')
  const extra = join(directory, 'extra-password')
  await writeFile(extra, 'extra')
  const other = join(directory, 'from-restic')
  const operations: readonly (readonly string[])[] = [
    ['backup', source, '--host', 'files'],
    ['tag', '--add', 'theirs'],
    ['rebuild-index'],
    ['key', 'add', '--new-password-file', extra],
    ['recover'],
    ['forget', '--host', 'files', '--keep-last', '1', '--prune'],
    ['prune', '--max-unused', '0'],
    ['unlock', '--remove-all'],
  ]
  for (const operation of operations) {
    await restic(path, operation)
    await acceptedByUs()
  }
  await restic(other, ['init', '--from-repo', path, '--copy-chunker-params'], { RESTIC_FROM_PASSWORD: password })
  await restic(other, ['copy', '--from-repo', path], { RESTIC_FROM_PASSWORD: password })
  await acceptedByUs(other)
  await using opened = await open(path, 'extra')
  expect((await points(opened)).map(({ tags }) => tags?.includes('theirs'))).toEqual([true, true, true])
  await using copy = await open(other)
  expect(copy.chunkerPolynomial).toBe(opened.chunkerPolynomial)
  expect((await copySnapshots(opened, copy, await points(opened))).copied).toEqual([])
}, 120_000)

test('a key that restic changed or removed opens nothing any more, and its new one does', async () => {
  const changed = join(directory, 'changed-password')
  await writeFile(changed, 'changed')
  await restic(path, ['key', 'passwd', '--new-password-file', changed])
  await expect(open(path, password)).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
  password = 'changed'
  await acceptedByUs()
  await using repository = await open()
  const other = (await listKeys(repository)).find(({ isCurrent }) => !isCurrent)
  await restic(path, ['key', 'remove', other?.name ?? ''])
  expect((await listKeys(repository)).map(({ isCurrent }) => isCurrent)).toEqual([true])
  await expect(open(path, 'extra')).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
})

test('a repository of version 1 is refused with what to do, and taken once restic has migrated it', async () => {
  const old = join(directory, 'version-1')
  await restic(old, ['init', '--repository-version', '1'])
  await restic(old, ['backup', join(directory, 'files'), '--host', 'files'])
  await expect(open(old)).rejects.toMatchObject({ code: 'REPOSITORY_UNSUPPORTED' })
  await restic(old, ['migrate', 'upgrade_repo_v2'])
  await acceptedByUs(old)
  await restic(old, ['prune', '--repack-uncompressed', '--max-unused', '0'])
  await acceptedByUs(old)
})
