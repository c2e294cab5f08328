import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, localBackend, memoryBackend, openRepository } from '@tidemark/repository'
import { expect, test } from 'vitest'

const fast = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0, packSize: 1 << 20 } as const

test('packs of a job that failed are named by an index before its lock goes, so that no prune takes them unseen', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, 'pw', fast)
  const data = randomBytes(3 << 20)
  {
    await using _lock = await repository.lock('shared')
    await repository.loadIndex()
    await repository.saveBlob('data', data.subarray(0, 2 << 20)) // then the job fails: no flush
  }
  await using other = await openRepository(store, 'pw', fast)
  const report = await other.check({ readData: true })
  expect(report.errors).toEqual([])
  expect(report.unusedPacks).toEqual([]) // all packs are in an index
  // another program prunes everything, since no snapshot needs it
  for (const name of store.files.keys()) if (/^(data|index)\//.test(name)) store.files.delete(name)
  await using _lock = await repository.lock('shared')
  await repository.loadIndex()
  const saved = await repository.saveBlob('data', data.subarray(0, 2 << 20))
  expect(saved.isNew).toBe(true) // not taken for known by what this process remembers
})

test('a lock file that cannot be read stops everybody, by name, and unlock of all removes it', async () => {
  const store = memoryBackend()
  await using repository = await initRepository(store, 'pw', fast)
  const name = 'ab'.repeat(32)
  store.files.set(`locks/${name}`, Buffer.from('torn'))
  await expect(repository.lock('shared')).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED', file: `locks/${name}` })
  expect(await repository.unlock('all')).toBe(1)
  await using lock = await repository.lock('exclusive')
  expect(lock.kind).toBe('exclusive')
})

test('of two programs that make one repository at the same time one is refused, and the other can open it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-init-'))
  try {
    const tries = Array.from({ length: 6 }, () => initRepository(localBackend(directory), 'pw', fast))
    const made = (await Promise.allSettled(tries)).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(made).toHaveLength(1)
    await using repository = await openRepository(localBackend(directory), 'pw', fast)
    expect(repository.id).toBe(made[0]?.id)
    await made[0]?.[Symbol.asyncDispose]()
  } finally {
    await rm(directory, { recursive: true })
  }
})
