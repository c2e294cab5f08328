import { constants } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodeFileSystem } from '../backends/file-system.ts'
import { openDirect, writeDirect } from './direct-file.ts'

let directory: string
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'tidemark-direct-'))))
afterAll(() => rm(directory, { recursive: true, force: true }))

const create = (path: string) =>
  openDirect(nodeFileSystem, path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)

test.each([1, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (5 << 20) + 123])(
  '%d bytes are written, and no more',
  async (size) => {
    const path = join(directory, `${size}`)
    const bytes = randomBytes(size)
    const { file, isDirect } = await create(path)
    if (isDirect) await writeDirect(file, bytes)
    else await file.write(bytes, 0, size, 0)
    await file.close()
    expect((await readFile(path)).equals(bytes)).toBe(true)
  },
)

test('the file system of the temporary directory takes direct writes: else the tests before prove nothing', async () => {
  const { file, isDirect } = await create(join(directory, 'direct'))
  await file.close()
  expect(isDirect).toBe(process.platform === 'linux')
})

test('a file that exists is not written to', async () => {
  const path = join(directory, 'there')
  await writeFile(path, 'as it was')
  await expect(create(path)).rejects.toMatchObject({ code: 'EEXIST' })
  expect(await readFile(path, 'utf8')).toBe('as it was')
})

test('an abort ends the writing with its reason', async () => {
  const { file, isDirect } = await create(join(directory, 'aborted'))
  await using _ = file
  if (!isDirect) return
  await expect(writeDirect(file, randomBytes(4 << 20), AbortSignal.abort(new Error('enough')))).rejects.toThrow(
    'enough',
  )
})
