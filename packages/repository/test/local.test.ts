import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { initRepository, localBackend, memoryBackend, openRepository } from '../src/index.ts'

const run = promisify(execFile)
const options = { kdf: { N: 1024, r: 8, p: 1 }, packSize: 1 << 18, workers: 1 }

let directory: string
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'tidemark-local-'))))
afterEach(() => rm(directory, { recursive: true, force: true }))

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

test('files are private and read-only, directories are private', async () => {
  await (await initRepository(localBackend(directory), 'pw', options))[Symbol.asyncDispose]()
  const mode = async (path: string) => ((await stat(join(directory, path))).mode & 0o777).toString(8)
  expect(await mode('config')).toBe('400')
  expect(await mode('data/7f')).toBe('700')
  expect(await readdir(join(directory, 'data'))).toHaveLength(256)
})

test('temporary and foreign files are not part of the repository', async () => {
  const backend = localBackend(directory)
  await backend.create()
  await writeFile(join(directory, 'index', `${'ab'.repeat(32)}-tmp-0123`), 'half')
  await writeFile(join(directory, 'index', 'README'), 'text')
  expect(await all(backend.list('index'))).toEqual([])
})

test('what killed writers left is swept when it is old, and nothing else', async () => {
  const backend = localBackend(directory)
  await backend.create()
  const name = 'ab'.repeat(32)
  await backend.save({ type: 'data', name }, Buffer.from('x'))
  const [old, young] = [`data/ab/${name}-tmp-0123456789ab`, `index/${name}-tmp-0123456789ac`]
  for (const path of [old, young]) await writeFile(join(directory, path), 'half')
  await utimes(join(directory, old), new Date('2026-01-01'), new Date('2026-01-01'))
  expect(await backend.sweep?.(new Date('2026-01-02'))).toBe(1)
  expect(await readdir(join(directory, 'data/ab'))).toEqual([name])
  expect(await readdir(join(directory, 'index'))).toHaveLength(1)
})

test('a repository that may not be written to says so', async ({ skip }) => {
  if (process.getuid?.() === 0) skip('root may write anywhere')
  const backend = localBackend(directory)
  await backend.create()
  await chmod(join(directory, 'index'), 0o500)
  await expect(backend.save({ type: 'index', name: 'ab'.repeat(32) }, Buffer.from('x'))).rejects.toMatchObject({
    code: 'BACKEND_DENIED',
  })
})

/** A file system of 3 MiB of its own. */
async function smallDisk(path: string): Promise<AsyncDisposable> {
  await run('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', path])
  return { [Symbol.asyncDispose]: async () => void (await run('umount', [path])) }
}

test('a full disk is a typed error, leaves nothing half-written, and the repository stays sound', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root may mount a small disk')
  await using _disk = await smallDisk(directory)
  const backend = localBackend(directory)
  const saved: string[] = []
  {
    await using repository = await initRepository(backend, 'pw', options)
    const first = await repository.saveBlob('data', randomBytes(100_000))
    await repository.flush()
    saved.push(first.id)
    const fill = async () => {
      for (;;) await repository.saveBlob('data', randomBytes(100_000))
    }
    await expect(fill()).rejects.toMatchObject({ code: 'REPOSITORY_FULL', file: expect.stringMatching(/^data\//) })
    await expect(repository.flush()).rejects.toMatchObject({ code: 'REPOSITORY_FULL' })
  }
  const names = await readdir(directory, { recursive: true })
  expect(names.filter((name) => name.includes('-tmp-'))).toEqual([])
  for await (const { name } of backend.list('data')) {
    const bytes = await backend.load({ type: 'data', name }, 'all')
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(name)
  }
  await using repository = await openRepository(backend, 'pw', options)
  expect((await repository.check({ readData: true })).errors).toEqual([])
  const env = { ...process.env, RESTIC_PASSWORD: 'pw' }
  await run('restic', ['--no-cache', '--no-lock', '--repo', directory, 'check', '--read-data'], { env })
})

test('sealing threads give the same blobs back, and end with the repository', async () => {
  const backend = memoryBackend()
  const blobs = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? Buffer.alloc(200_000, i) : randomBytes(70_000 + i)))
  const ids = []
  {
    await using repository = await initRepository(backend, 'pw', { ...options, workers: 2 })
    ids.push(...(await Promise.all(blobs.map(async (blob) => (await repository.saveBlob('data', blob)).id))))
    await repository.flush()
  }
  await using repository = await openRepository(backend, 'pw', { ...options, workers: 2 })
  await repository.loadIndex()
  for (const [i, id] of ids.entries()) {
    expect(Buffer.compare(await repository.loadBlob('data', id), blobs[i] ?? Buffer.alloc(0))).toBe(0)
  }
  expect((await repository.check({ readData: true })).errors).toEqual([])
})

test('a large file that the disk has no room for is a typed error and leaves nothing', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root may mount a small disk')
  await using _disk = await smallDisk(directory)
  const backend = localBackend(directory)
  await backend.create()
  const name = 'ab'.repeat(32)
  await expect(backend.save({ type: 'data', name }, randomBytes(5 << 20))).rejects.toMatchObject({
    code: 'REPOSITORY_FULL',
    file: `data/ab/${name}`,
  })
  expect(await readdir(join(directory, 'data', 'ab'))).toEqual([])
})
