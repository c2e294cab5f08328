import { bytes, extent, KiB, MiB, type Extents } from '@tidemark/blocks'
import {
  changeTags,
  gridFor,
  initRepository,
  loadPoint,
  memoryBackend,
  openRepository,
  planContent,
  readContent,
  RepositoryError,
  savePoint,
  writeContent,
  type Backend,
  type DiskContent,
  type MemoryBackend,
  type Repository,
  type Snapshot,
  type SnapshotId,
} from '../src/index.ts'
import { expect, test } from 'vitest'

const options = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0, packSize: 32 * KiB } as const
const SIZE = bytes(2 * MiB)

/** Behaves like `backend` until its n-th saving, loading or removing call, which fails, as does every call after it. */
function failNth(backend: Backend, n: number): Backend {
  let calls = 0
  const guard = () => {
    if (++calls >= n) throw new RepositoryError('BACKEND_IO', `call ${calls} fails`)
  }
  return {
    ...backend,
    async load(file, range, signal) {
      guard()
      return backend.load(file, range, signal)
    },
    async save(file, data, signal) {
      guard()
      await backend.save(file, data, signal)
    },
    async remove(file, signal) {
      guard()
      await backend.remove(file, signal)
    },
  }
}

/** Data that does not compress, so that there are many packs; always the same. */
function diskOf(generation: number): Uint8Array {
  let state = generation
  return Uint8Array.from({ length: SIZE }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

async function backUp(
  repository: Repository,
  disk: Uint8Array,
  parent: DiskContent | undefined,
  changed: Extents | 'all',
): Promise<{ id: SnapshotId; content: DiskContent }> {
  const plan = planContent(parent, SIZE, changed, gridFor(SIZE))
  const chunks = async function* () {
    for (const { offset, length } of plan.reads) yield { offset, data: disk.subarray(offset, offset + length) }
  }
  const { content } = await writeContent(repository, plan, chunks())
  const { id } = await savePoint(repository, {
    slug: 'vm',
    time: new Date('2026-11-22T10:00:00Z'),
    hostname: 'vm',
    paths: ['/pool/vm'],
    tags: ['tidemark'],
    programVersion: 'tidemark 0',
    vmJson: Buffer.from('{}'),
    disks: [{ position: 0, vdiUuid: 'one', content }],
  })
  return { id, content }
}

/** Every point that was acknowledged reads back, and nothing in the repository is damaged. */
async function expectSound(
  store: MemoryBackend,
  points: readonly { id: SnapshotId; disk: Uint8Array }[],
): Promise<void> {
  await using repository = await openRepository(store, 'pw', options)
  const report = await repository.check({ readData: true })
  expect(report.errors).toEqual([])
  for (const { id, disk } of points) {
    const point = await loadPoint(repository, await repository.loadSnapshot(id))
    const content = await point.disks[0]?.content()
    if (content === undefined) throw new Error('the point has no disk')
    for await (const { offset, length, data } of readContent(repository, content, { holes: 'zeros' })) {
      expect(
        Buffer.compare(data === 'zero' ? new Uint8Array(length) : data, disk.subarray(offset, offset + length)),
      ).toBe(0)
    }
  }
}

async function ignoringErrors(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    expect(error).toMatchObject({ name: 'RepositoryError' })
    return false
  }
}

test('whichever call of the storage fails, all acknowledged points are readable and the repository is sound', async () => {
  let failures = 0
  for (let n = 1, done = false; !done; n++) {
    const store = memoryBackend()
    const acknowledged: { id: SnapshotId; disk: Uint8Array }[] = []
    await (await initRepository(store, 'pw', options))[Symbol.asyncDispose]()
    done = await ignoringErrors(async () => {
      const backend = failNth(store, n)
      await using repository = await openRepository(backend, 'pw', options)
      await using _lock = await repository.lock('shared')
      await repository.loadIndex()
      const disk = diskOf(1)
      const first = await backUp(repository, disk, undefined, 'all')
      acknowledged.push({ id: first.id, disk: disk.slice() })
      const changed = [extent(0, 64 * KiB), extent(MiB, 64 * KiB)]
      for (const { offset, length } of changed) disk.set(diskOf(2).subarray(offset, offset + length), offset)
      const second = await backUp(repository, disk, first.content, changed)
      acknowledged.push({ id: second.id, disk })
    })
    if (!done) failures++
    await expectSound(store, acknowledged)
  }
  expect(failures).toBeGreaterThan(20)
}, 60_000)

test('a failed write is thrown by every later call until the index is loaded again', async () => {
  const store = memoryBackend()
  await (await initRepository(store, 'pw', options))[Symbol.asyncDispose]()
  let isFull = true
  const full: Backend = {
    ...store,
    async save(file, data, signal) {
      if (isFull && file.type === 'data') throw new RepositoryError('REPOSITORY_FULL', 'no space left')
      await store.save(file, data, signal)
    },
  }
  await using repository = await openRepository(full, 'pw', options)
  const isFullError = expect.objectContaining({ code: 'REPOSITORY_FULL' })
  await repository.saveBlob('data', Buffer.from('one'))
  await expect(repository.flush()).rejects.toEqual(isFullError)
  await expect(repository.saveBlob('data', Buffer.from('two'))).rejects.toEqual(isFullError)
  isFull = false
  await expect(repository.flush()).rejects.toEqual(isFullError)
  await repository.loadIndex()
  const { id, isNew } = await repository.saveBlob('data', Buffer.from('one'))
  expect(isNew).toBe(true) // its first acceptance came to nothing
  await repository.flush()
  expect(Buffer.from(await repository.loadBlob('data', id)).toString()).toBe('one')
})

/** A repository with one point, and the paths of its files by type. */
async function pointStore() {
  const store = memoryBackend()
  await using repository = await initRepository(store, 'pw', options)
  const { id } = await backUp(repository, diskOf(3), undefined, 'all')
  const paths = (type: string) => [...store.files.keys()].filter((path) => path === type || path.startsWith(`${type}/`))
  return { store, id, paths }
}

const flips: Record<string, (file: Uint8Array) => Uint8Array> = {
  'a flipped bit at the start': (file) => flipped(file, 0),
  'a flipped bit in the middle': (file) => flipped(file, file.length >> 1),
  'a flipped bit at the end': (file) => flipped(file, file.length - 1),
  'a missing last byte': (file) => file.subarray(0, -1),
  'only half of it': (file) => file.subarray(0, file.length >> 1),
  'nothing left in it': () => new Uint8Array(),
}

function flipped(file: Uint8Array, at: number): Uint8Array {
  const copy = file.slice()
  copy[at] = (copy[at] ?? 0) ^ 0x10
  return copy
}

for (const [name, damage] of Object.entries(flips)) {
  for (const type of ['data', 'index', 'snapshots']) {
    test(`${name} of any file in ${type} is found by check, which names the file`, async () => {
      const { store, paths } = await pointStore()
      for (const path of paths(type)) {
        const broken = memoryBackend(new Map(store.files))
        broken.files.set(path, damage(store.files.get(path) ?? new Uint8Array()))
        await using repository = await openRepository(broken, 'pw', options)
        const { errors } = await repository.check({ readData: true })
        expect(errors.map(({ file }) => file)).toContain(path)
      }
    })
  }

  test(`${name} of the config or the key file is an error that names it`, async () => {
    const { store, paths } = await pointStore()
    for (const path of [...paths('config'), ...paths('keys')]) {
      const broken = memoryBackend(new Map(store.files))
      broken.files.set(path, damage(store.files.get(path) ?? new Uint8Array()))
      const outcome = await openRepository(broken, 'pw', options).then(
        async (repository) => {
          await using open = repository
          return (await open.check({ readData: false })).errors[0] // the damage was in a part that only people read
        },
        (error: unknown) => error,
      )
      expect(outcome).toMatchObject({ file: path })
    }
  })
}

test('a pack that is gone is found without reading data, and reading names it', async () => {
  const { store, id, paths } = await pointStore()
  for (const path of paths('data')) {
    const broken = memoryBackend(new Map(store.files))
    broken.files.delete(path)
    await using repository = await openRepository(broken, 'pw', options)
    const { errors } = await repository.check({ readData: false })
    expect(errors).toContainEqual(expect.objectContaining({ code: 'PACK_MISSING', file: path }))
    const read = async () => {
      const point = await loadPoint(repository, await repository.loadSnapshot(id))
      const content = await point.disks[0]?.content()
      if (content !== undefined) for await (const _ of readContent(repository, content, { holes: 'skip' }));
    }
    await expect(read()).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED', file: path })
  }
})

test('a lost index makes blobs missing, not silently shorter disks', async () => {
  const { store, id, paths } = await pointStore()
  for (const path of paths('index')) store.files.delete(path)
  await using repository = await openRepository(store, 'pw', options)
  await expect(loadPoint(repository, await repository.loadSnapshot(id))).rejects.toMatchObject({
    code: 'REPOSITORY_MISSING_BLOB',
  })
  const { errors, unusedPacks } = await repository.check({ readData: false })
  expect(errors).not.toEqual([])
  expect(unusedPacks).toHaveLength(paths('data').length)
})

test('a wrong password and an empty place are told apart; a second init is refused', async () => {
  const store = memoryBackend()
  await expect(openRepository(store, 'pw')).rejects.toMatchObject({ code: 'REPOSITORY_NOT_FOUND' })
  await (await initRepository(store, 'pw', options))[Symbol.asyncDispose]()
  await expect(openRepository(store, 'other', options)).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
  await expect(initRepository(store, 'pw', options)).rejects.toMatchObject({ code: 'REPOSITORY_EXISTS' })
})

test('a config that is there although the storage said no makes a repository; one that is not leaves no key', async () => {
  const unavailable = new RepositoryError('BACKEND_UNAVAILABLE', 'no answer')
  for (const isThere of [true, false]) {
    const store = memoryBackend()
    const save: Backend['save'] = async (file, bytes, signal) => {
      if (file.type !== 'config' || isThere) await store.save(file, bytes, signal)
      if (file.type === 'config') throw unavailable
    }
    const made = initRepository({ ...store, save }, 'pw', options)
    if (isThere) await (await made)[Symbol.asyncDispose]()
    else await expect(made).rejects.toBe(unavailable)
    await (await (isThere ? openRepository : initRepository)(store, 'pw', options))[Symbol.asyncDispose]()
    expect([...store.files.keys()].filter((path) => path.startsWith('keys/'))).toHaveLength(1)
  }
})

test('a snapshot with new tags that is there although the storage said no does not stay beside the old one', async () => {
  const { store } = await pointStore()
  const save: Backend['save'] = async (file, bytes, signal) => {
    await store.save(file, bytes, signal)
    if (file.type === 'snapshots') throw new RepositoryError('BACKEND_UNAVAILABLE', 'no answer')
  }
  await using repository = await openRepository({ ...store, save }, 'pw', options)
  const before: Snapshot[] = []
  for await (const snapshot of repository.snapshots()) before.push(snapshot)
  const change = changeTags(repository, before, { add: ['kept'] })
  await expect(change).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  const after: Snapshot[] = []
  for await (const snapshot of repository.snapshots()) after.push(snapshot)
  expect(after).toEqual(before)
})
