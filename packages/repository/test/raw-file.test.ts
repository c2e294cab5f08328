import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, extent, KiB, MiB, type Extents } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  gridFor,
  initRepository,
  memoryBackend,
  planContent,
  readFileExtents,
  writeContent,
  writeToFile,
  type DiskContent,
  type MemoryBackend,
  type Repository,
} from '../src/index.ts'

const SIZE = bytes(40 * MiB + 12 * KiB + 512) // no multiple of a piece or a block
let directory: string
let image: string
let disk: Buffer

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-raw-'))
  image = join(directory, 'image.raw')
  disk = Buffer.alloc(SIZE)
  disk.set(randomBytes(3 * MiB), 100 * KiB) // starts and ends inside pieces
  disk.set(Buffer.from('the same text again and again. '.repeat(90_000)), 8 * MiB)
  disk.set(disk.subarray(8 * MiB, 9 * MiB), 20 * MiB) // a piece that occurs twice
  disk.set(randomBytes(MiB), SIZE - MiB) // the short last piece
  await writeFile(image, disk)
})

afterAll(() => rm(directory, { recursive: true, force: true }))

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

async function store(repository: Repository, parent?: DiskContent, changed: Extents | 'all' = 'all') {
  const plan = planContent(parent, SIZE, changed, gridFor(SIZE))
  const { content } = await writeContent(repository, plan, readFileExtents(image, plan.reads))
  await repository.flush()
  return content
}

async function restored(repository: Repository, content: DiskContent): Promise<{ path: string; steps: number[] }> {
  const path = join(directory, `${randomBytes(4).toString('hex')}.raw`)
  const steps: number[] = []
  await using file = await open(path, 'wx')
  await writeToFile(repository, content, file, (done) => steps.push(done))
  return { path, steps }
}

const made = async (workers: number): Promise<{ backend: MemoryBackend; repository: Repository }> => {
  const backend = memoryBackend()
  const kdf = { N: 1024, r: 8, p: 1 }
  return { backend, repository: await initRepository(backend, 'raw', { kdf, workers, packSize: 2 * MiB }) }
}

for (const workers of [0, 2]) {
  test(`a raw image goes in and comes out the same, sparse, with ${workers} threads`, async () => {
    const { repository } = await made(workers)
    await using _ = repository
    const { path, steps } = await restored(repository, await store(repository))
    expect(sha256(await readFile(path))).toBe(sha256(disk))
    expect((await stat(path)).blocks * 512, 'the holes take no room').toBeLessThan(12 * MiB)
    expect(steps, 'progress only grows').toEqual(steps.toSorted((a, b) => a - b))
    expect(steps.at(-1), 'and ends at the end').toBe(SIZE)
  })

  test(`only changed stretches of a raw image are read, and it comes out as it is now, with ${workers} threads`, async () => {
    const { repository } = await made(workers)
    await using _ = repository
    const first = await store(repository)
    const changed = [extent(64 * KiB, 64 * KiB), extent(9 * MiB, 128 * KiB), extent(30 * MiB, 64 * KiB)]
    const before = await readFile(image)
    {
      await using file = await open(image, 'r+')
      for (const { offset, length } of changed) await file.write(randomBytes(length), 0, length, offset)
    }
    const { path } = await restored(repository, await store(repository, first, changed))
    expect(sha256(await readFile(path))).toBe(sha256(await readFile(image)))
    await writeFile(image, before)
  })
}

test('an image that is shorter than its size is an error that names it, not a disk with zeros at its end', async () => {
  const { repository } = await made(0)
  await using _ = repository
  const short = join(directory, 'short.raw')
  await writeFile(short, disk)
  await truncate(short, 10 * MiB)
  const plan = planContent(undefined, SIZE, 'all', gridFor(SIZE))
  await expect(writeContent(repository, plan, readFileExtents(short, plan.reads))).rejects.toMatchObject({
    code: 'REPOSITORY_INPUT',
    message: expect.stringContaining('short.raw ends at 10485760'),
  })
})

test('a damaged pack fails the writing of a file, and is named', async () => {
  const { backend, repository } = await made(2)
  await using _ = repository
  const content = await store(repository)
  const [pack] = [...backend.files.keys()].filter((name) => name.startsWith('data/'))
  const stored = backend.files.get(pack ?? '') ?? new Uint8Array()
  stored[1000] = (stored[1000] ?? 0) ^ 1
  await expect(restored(repository, content)).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED', file: pack })
})

test('an abort stops the writing of a file with its reason', async () => {
  const { repository } = await made(2)
  await using _ = repository
  const content = await store(repository)
  const stop = new AbortController()
  await using file = await open(join(directory, 'aborted.raw'), 'wx')
  const writing = writeToFile(repository, content, file, () => stop.abort(new Error('enough')), stop.signal)
  await expect(writing).rejects.toThrow('enough')
})

test('a file that cannot be written fails with the error of the system, not as damage', async () => {
  const { repository } = await made(2)
  await using _ = repository
  const content = await store(repository)
  const path = join(directory, 'full.raw')
  await writeFile(path, '')
  await truncate(path, SIZE)
  await using file = await open(path, 'r')
  const unwritable = new Proxy(file, {
    get: (target, key) => (key === 'truncate' ? async () => {} : Reflect.get(target, key, target)),
  })
  await expect(writeToFile(repository, content, unwritable)).rejects.toMatchObject({ code: 'EBADF', syscall: 'write' })
})
