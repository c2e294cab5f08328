import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bytes, KiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  initRepository,
  loadPoint,
  localBackend,
  openRepository,
  savePoint,
  type DiskContent,
  type Repository,
} from '../src/index.ts'

const PASSWORD = 'long'
const PIECE = 64 * KiB
const PIECES = 150_000 // 10 MB of JSON
const options = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 } as const
const run = promisify(execFile)

let directory: string
let content: DiskContent

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-large-'))
  await using repository = await initRepository(localBackend(directory), PASSWORD, options)
  content = await contentOfFew(repository)
  await savePoint(repository, { ...point, disks: [{ position: 0, vdiUuid: 'a', content }] })
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const point = {
  slug: 'big',
  time: new Date('2026-11-22T10:00:00Z'),
  hostname: 'big',
  paths: ['/pool/big'],
  tags: [],
  programVersion: 'tidemark test',
  vmJson: Buffer.from('{}'),
}

/** A disk of many pieces that are the same hundred blobs. */
async function contentOfFew(repository: Repository): Promise<DiskContent> {
  const blobs = Array.from({ length: 100 }, (_, i) => Buffer.alloc(PIECE, `piece ${i}`))
  const ids = await Promise.all(blobs.map(async (blob) => (await repository.saveBlob('data', blob)).id))
  return {
    size: bytes(PIECES * PIECE),
    length: PIECES,
    ids: Buffer.concat(Array.from({ length: PIECES }, (_, i) => Buffer.from(ids[(i * i) % 100] ?? '', 'hex'))),
    sizes: new Uint32Array(PIECES).fill(PIECE),
  }
}

const open = () => openRepository(localBackend(directory), PASSWORD, options)

async function loadContent(repository: Repository): Promise<DiskContent | undefined> {
  for await (const snapshot of repository.snapshots()) {
    return (await loadPoint(repository, snapshot)).disks[0]?.content()
  }
  throw new Error('no snapshot')
}

test('a long list is sealed and opened in parts, and is the same', async () => {
  await using repository = await open()
  const loaded = await loadContent(repository)
  expect(loaded).toMatchObject({ size: content.size, length: PIECES })
  expect(Buffer.compare(loaded?.ids ?? new Uint8Array(), content.ids)).toBe(0)
  expect(Array.from(loaded?.sizes.subarray(0, 10) ?? [])).toEqual(Array.from({ length: 10 }, () => PIECE))
})

test('a long list that is stored already is not stored again', async () => {
  await using repository = await open()
  const before = await readdir(join(directory, 'data'), { recursive: true })
  await savePoint(repository, { ...point, disks: [{ position: 0, vdiUuid: 'a', content }] })
  expect(await readdir(join(directory, 'data'), { recursive: true })).toEqual(before)
  expect((await repository.check({ readData: true })).errors).toEqual([])
})

test('stock restic accepts it', { timeout: 60_000 }, async () => {
  const env = { ...process.env, RESTIC_PASSWORD: PASSWORD }
  const { stdout } = await run('restic', ['--repo', directory, '--no-cache', 'check', '--read-data'], { env })
  expect(stdout).toContain('no errors were found')
})

test('a changed bit anywhere in a long list is damage, and names the pack', async () => {
  const packs = await readdir(join(directory, 'data'), { recursive: true, withFileTypes: true })
  const files = packs.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const sizes = await Promise.all(files.map(async (file) => ({ file, bytes: await readFile(file) })))
  for (const at of [3, 20, 5000, 0.5, 0.9]) {
    for (const { file, bytes } of sizes) {
      const spoiled = Uint8Array.from(bytes)
      const place = at < 1 ? Math.floor(bytes.length * at) : Math.min(at, bytes.length - 100)
      spoiled[place] = (spoiled[place] ?? 0) ^ 4
      await chmod(file, 0o600)
      await writeFile(file, spoiled)
    }
    await using repository = await open()
    await expect(loadContent(repository)).rejects.toMatchObject({
      code: 'REPOSITORY_DAMAGED',
      file: expect.stringMatching(/^data\//),
    })
    for (const { file, bytes } of sizes) await writeFile(file, bytes)
  }
})
