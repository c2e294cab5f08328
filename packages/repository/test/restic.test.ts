import { bytes, extent, KiB, MiB, type Extents } from '@tidemark/blocks'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeTree, encodeTree } from '../src/format/tree.ts'
import {
  gridFor,
  initRepository,
  loadFile,
  loadPoint,
  loadTree,
  localBackend,
  openRepository,
  planContent,
  readContent,
  savePoint,
  writeContent,
  type BlobId,
  type DiskContent,
  type NewPointDisk,
  type Repository,
  type Snapshot,
} from '../src/index.ts'

const PASSWORD = 'pässword'
const kdf = { N: 1024, r: 8, p: 1 }
const SIZE = bytes(9 * MiB + 1000)
const run = promisify(execFile)

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-restic-'))
  await run('restic', ['version']).catch((cause: unknown) => {
    throw new Error('these tests need the program restic: apt-get install restic', { cause })
  })
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Runs stock restic; its standard output, as bytes. */
async function restic(repository: string, ...args: string[]): Promise<Buffer> {
  const { stdout } = await run('restic', ['--no-cache', '--repo', repository, ...args], {
    env: { ...process.env, RESTIC_PASSWORD: PASSWORD },
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  })
  return stdout
}

/** Some of everything a disk has: random data, text, holes, and an end that is no multiple of 64 KiB. */
function newDisk(): Uint8Array {
  const disk = new Uint8Array(SIZE)
  disk.set(randomBytes(2 * MiB), MiB)
  disk.set(Buffer.from('a line of text\n'.repeat(50_000)), 4 * MiB)
  disk.set(randomBytes(1000), 9 * MiB)
  return disk
}

async function backUp(
  repository: Repository,
  disk: Uint8Array,
  parent: DiskContent | undefined,
  changed: Extents | 'all',
) {
  const plan = planContent(parent, SIZE, changed, gridFor(SIZE))
  const chunks = async function* () {
    for (const { offset, length } of plan.reads) yield { offset, data: disk.subarray(offset, offset + length) }
  }
  return (await writeContent(repository, plan, chunks())).content
}

const save = (repository: Repository, time: string, disks: readonly NewPointDisk[]): Promise<Snapshot> =>
  savePoint(repository, {
    slug: 'web-01',
    time: new Date(time),
    hostname: 'web-01',
    paths: ['/pool/web-01'],
    tags: ['tidemark', 'job-1'],
    programVersion: 'tidemark 0.1.0',
    vmJson: Buffer.from('{"name":"web <1>"}'),
    metadata: randomBytes(2 * MiB + 17),
    disks,
  })

/** Two points of a VM with two disks: the second changes one of them. */
async function twoPoints(path: string) {
  await using repository = await initRepository(localBackend(path), PASSWORD, { kdf, packSize: MiB })
  await using _lock = await repository.lock('shared')
  const first = newDisk()
  const other = newDisk()
  const content = await backUp(repository, first, undefined, 'all')
  const still = await backUp(repository, other, undefined, 'all')
  const one = await save(repository, '2026-11-22T10:00:00Z', [
    { position: 0, vdiUuid: 'root', content },
    { position: 1, vdiUuid: 'data', content: still },
  ])
  const second = first.slice()
  const changed = [extent(0, 64 * KiB), extent(MiB + 256 * KiB, 128 * KiB), extent(5 * MiB, MiB), extent(9 * MiB, 1000)]
  for (const { offset, length } of changed) second.set(randomBytes(length), offset)
  const point = await loadPoint(repository, one)
  const unchangedFrom = point.disks.find(({ position }) => position === 1)
  if (unchangedFrom === undefined) throw new Error('the point has lost a disk')
  const two = await save(repository, '2026-11-23T10:00:00Z', [
    {
      position: 0,
      vdiUuid: 'root',
      content: await backUp(repository, second, content, changed),
      bitmap: Buffer.from([0x88]),
    },
    { position: 1, vdiUuid: 'data', unchangedFrom, size: bytes(other.length) },
  ])
  return { first, second, other, one, two }
}

const FILE = '/web-01/disks/0-root/disk.raw'

test('stock restic checks, lists, dumps, restores, forgets and prunes what we wrote', async () => {
  const path = join(directory, 'ours')
  const { first, second, other, one, two } = await twoPoints(path)
  await restic(path, 'check', '--read-data')

  const snapshots = JSON.parse((await restic(path, 'snapshots', '--json')).toString()) as Record<string, unknown>[]
  expect(snapshots).toMatchObject([
    {
      id: one.id,
      time: '2026-11-22T10:00:00Z',
      hostname: 'web-01',
      paths: ['/pool/web-01'],
      tags: ['tidemark', 'job-1'],
    },
    { id: two.id, tree: two.tree },
  ])
  const listed = (await restic(path, 'ls', 'latest')).toString()
  expect(listed.split('\n').filter((line) => line.startsWith('/'))).toEqual([
    '/web-01',
    '/web-01/bitmaps',
    '/web-01/bitmaps/0-root.cbt',
    '/web-01/disks',
    '/web-01/disks/0-root',
    FILE,
    '/web-01/disks/1-data',
    '/web-01/disks/1-data/disk.raw',
    '/web-01/metadata.xva',
    '/web-01/vm.json',
  ])
  expect(Buffer.compare(await restic(path, 'dump', one.id, FILE), first)).toBe(0)
  expect(Buffer.compare(await restic(path, 'dump', 'latest', FILE), second)).toBe(0)
  expect(Buffer.compare(await restic(path, 'dump', 'latest', '/web-01/disks/1-data/disk.raw'), other)).toBe(0)

  const target = join(directory, 'restored')
  await restic(path, 'restore', 'latest', '--target', target)
  expect(Buffer.compare(await readFile(join(target, FILE)), second)).toBe(0)
  expect(await readFile(join(target, '/web-01/vm.json'), 'utf8')).toBe('{"name":"web <1>"}')

  await restic(path, 'forget', one.id, '--prune')
  await restic(path, 'check', '--read-data')
  await using repository = await openRepository(localBackend(path), PASSWORD)
  expect((await repository.check({ readData: true })).errors).toEqual([])
  const point = await loadPoint(repository, two)
  expect(Buffer.compare(await readDisk(repository, await point.disks[0]?.content()), second)).toBe(0)
  expect(Buffer.from((await point.disks[0]?.bitmap()) ?? [])).toEqual(Buffer.from([0x88]))
}, 60_000)

async function readDisk(repository: Repository, content: DiskContent | undefined): Promise<Uint8Array> {
  if (content === undefined) throw new Error('there is no disk')
  const disk = new Uint8Array(content.size).fill(0xee)
  for await (const { offset, length, data } of readContent(repository, content, { holes: 'zeros' })) {
    if (data === 'zero') disk.fill(0, offset, offset + length)
    else disk.set(data, offset)
  }
  return disk
}

test('an unchanged disk keeps its tree, and costs the second point nothing', async () => {
  const path = join(directory, 'unchanged')
  const { one, two } = await twoPoints(path)
  await using repository = await openRepository(localBackend(path), PASSWORD)
  const [before, after] = [await loadPoint(repository, one), await loadPoint(repository, two)]
  expect(after.disks[1]?.node).toEqual(before.disks[1]?.node)
  expect(after.disks[0]?.node.subtree).not.toBe(before.disks[0]?.node.subtree)
})

/** Every tree below `id`, as it is stored. */
async function* treesBelow(repository: Repository, id: BlobId): AsyncGenerator<Uint8Array> {
  yield await repository.loadBlob('tree', id)
  for (const { subtree } of await loadTree(repository, id))
    if (subtree !== undefined) yield* treesBelow(repository, subtree)
}

test('our reader opens what restic made: trees re-encode to the same bytes, files read back, and a point is added', async () => {
  const path = join(directory, 'theirs')
  const source = join(directory, 'source')
  const big = randomBytes(5 * MiB)
  await mkdir(join(source, 'empty'), { recursive: true })
  await mkdir(join(source, 'ünï "quoted" \\ <&>'))
  await writeFile(join(source, 'big'), big)
  await writeFile(join(source, 'zeros'), Buffer.alloc(3 * MiB))
  await writeFile(join(source, 'nothing'), '')
  await writeFile(Buffer.concat([Buffer.from(`${source}/no utf-8 `), Buffer.from([0xff, 0xfe])]), 'odd')
  await writeFile(join(source, 'ünï "quoted" \\ <&>', 'line\nbreak\u00a0\u{1f600}'), 'text')
  await run('ln', ['-s', 'big', join(source, 'link')])
  await run('mkfifo', [join(source, 'pipe')])
  await restic(path, 'init')
  await restic(path, 'backup', source, '--tag', 'theirs', '--host', 'h')

  await using repository = await openRepository(localBackend(path), PASSWORD)
  const [snapshot] = await all(repository.snapshots())
  if (snapshot === undefined) throw new Error('our reader does not see the snapshot')
  expect(snapshot).toMatchObject({ hostname: 'h', tags: ['theirs'], paths: [source] })
  let trees = 0
  for await (const tree of treesBelow(repository, snapshot.tree)) {
    expect(Buffer.from(encodeTree(decodeTree(tree))).toString()).toBe(Buffer.from(tree).toString())
    trees++
  }
  expect(trees).toBeGreaterThanOrEqual(5)
  const nodes = await nodesAt(repository, snapshot.tree, source)
  expect(Buffer.compare(await loadFile(repository, nodes['big'] ?? missing()), big)).toBe(0)
  expect(await loadFile(repository, nodes['nothing'] ?? missing())).toHaveLength(0)
  expect(nodes['link']).toMatchObject({ type: 'symlink', linktarget: 'big' })
  expect(Object.keys(nodes)).toContain('no utf-8 \udcff\udcfe')
  await expect(loadPoint(repository, snapshot)).rejects.toMatchObject({ code: 'REPOSITORY_NO_POINT' })
  expect((await repository.check({ readData: true })).errors).toEqual([])

  const disk = newDisk()
  await save(repository, '2026-11-24T10:00:00Z', [
    { position: 0, vdiUuid: 'root', content: await backUp(repository, disk, undefined, 'all') },
  ])
  await restic(path, 'check', '--read-data')
  expect(Buffer.compare(await restic(path, 'dump', 'latest', FILE), disk)).toBe(0)
}, 60_000)

async function nodesAt(repository: Repository, root: BlobId, path: string) {
  let tree = root
  for (const name of path.split('/').filter((part) => part !== '')) {
    tree = (await loadTree(repository, tree)).find((node) => node.name === name)?.subtree ?? missing()
  }
  return Object.fromEntries((await loadTree(repository, tree)).map((node) => [node.name, node]))
}

function missing(): never {
  throw new Error('an entry that restic stored is missing')
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

test('locks are understood both ways', async () => {
  const path = join(directory, 'locks')
  await using repository = await initRepository(localBackend(path), PASSWORD, { kdf })
  {
    await using _lock = await repository.lock('shared')
    await expect(restic(path, 'check')).rejects.toMatchObject({ stderr: expect.any(Buffer), code: 1 })
    await restic(path, 'unlock') // sends SIGHUP to see whether we live: we do, and the lock stays
    expect(await all(repository.backend.list('locks'))).toHaveLength(1)
  }
  await restic(path, 'check')
})
