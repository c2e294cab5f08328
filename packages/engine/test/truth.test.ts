import { createHash } from 'node:crypto'
import { bytes, CBT_BLOCK, changedExtents, extent, GiB, MiB } from '@tidemark/blocks'
import {
  backupDefaults,
  backupVm,
  contentOf,
  listPoints,
  markSuspects,
  noLedger,
  openPoint,
  planBackup,
  suspectsOf,
  systemClock,
  type BackupEvent,
  type RestorePoint,
} from '@tidemark/engine'
import {
  initRepository,
  memoryBackend,
  openRepository,
  readContent,
  repairIndex,
  type MemoryBackend,
  type Repository,
  type RepositoryLock,
} from '@tidemark/repository'
import { expect, test } from 'vitest'
import { memoryPool, type MemoryPool } from './memory-pool.ts'

const fast = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 } as const
const noAudit = { ...backupDefaults, audit: undefined }

const contextOf = (pool: MemoryPool, repository: Repository, events: BackupEvent[] = []) => ({
  pool,
  repository,
  clock: systemClock,
  tool: 'test 1.0',
  ledger: noLedger,
  on: (event: BackupEvent) => void events.push(event),
})

/** What the first disk of a point holds. */
async function imageOf(repository: Repository, point: RestorePoint): Promise<Buffer> {
  await repository.loadIndex()
  const open = await openPoint(repository, point)
  const [record] = open.record.disks
  if (record === undefined) throw new Error('no disk')
  const image = Buffer.alloc(record.size)
  for await (const chunk of readContent(repository, await contentOf(open, record), { holes: 'skip' })) {
    if (chunk.data !== 'zero') image.set(chunk.data, chunk.offset)
  }
  return image
}

const isRight = async (repository: Repository, point: RestorePoint, disk: Uint8Array): Promise<boolean> =>
  (await imageOf(repository, point)).equals(disk)

function fill(pool: MemoryPool, blocks: number): void {
  for (let block = 0; block < blocks; block += 2) pool.write('vdi-0', block, (block % 250) + 1)
}

test('a lost base costs a read and no upload: what differs is stored, and the next run is an increment again', async () => {
  const pool = memoryPool([8 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  fill(pool, 100)
  await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  pool.write('vdi-0', 7, 201)
  pool.frozen.splice(0)
  const { plan } = await planBackup({ pool, repository }, pool.vm)
  expect(plan.disks[0]).toMatchObject({ action: 'compare', reason: 'base-missing', estimate: 8 * MiB })
  pool.reads.length = 0
  const { point, record } = await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  expect(record.disks[0]).toMatchObject({ action: 'compare', base: null, bytes: { changed: CBT_BLOCK } })
  expect(record.disks[0]?.bytes.new).toBeLessThanOrEqual(MiB + CBT_BLOCK) // the piece that is split
  expect(record.disks[0]?.bytes.read).toBe(pool.reads.reduce((sum, { length }) => sum + length, 0))
  expect(pool.reads.filter(({ kind }) => kind === 'nbd')).toEqual(readOnce(7))
  expect(await isRight(repository, point, pool.disks.get('vdi-0')?.data ?? new Uint8Array())).toBe(true)
  const bitmap = await (await openPoint(repository, point)).parts.disks[0]?.bitmap()
  expect(changedExtents(bitmap ?? new Uint8Array(), bytes(8 * MiB))).toEqual([extent(7 * CBT_BLOCK, CBT_BLOCK)])
  const next = await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  expect(next.record.disks[0]?.action).toBe('incremental')
})

/** The small pool answers a read in two halves. */
const readOnce = (block: number) => [{ kind: 'nbd', offset: block * CBT_BLOCK, length: CBT_BLOCK }]

test('a comparison that finds nothing stores nothing; a disk that shrank, and one with a new UUID, are compared too', async () => {
  const pool = memoryPool([8 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  fill(pool, 128)
  await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  pool.frozen.splice(0)
  const same = await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  expect(same.record.disks[0]).toMatchObject({ action: 'compare', bytes: { changed: 0, new: 0, stored: 0 } })

  const disk = pool.disks.get('vdi-0')
  if (disk === undefined) throw new Error('no disk')
  disk.data = disk.data.slice(0, 5 * MiB + 4096)
  const shrunk = await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  expect(shrunk.record.disks[0]).toMatchObject({ action: 'compare', size: 5 * MiB + 4096 })
  expect(shrunk.record.disks[0]?.reason).toContain('size-decreased')
  expect(await isRight(repository, shrunk.point, disk.data)).toBe(true)

  const uuid = pool.replace('vdi-0')
  pool.write(uuid, 3, 77)
  const replaced = await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  expect(replaced.record.disks[0]).toMatchObject({ action: 'compare', vdi: uuid, bytes: { changed: CBT_BLOCK } })
  expect(replaced.record.disks[0]?.reason).toContain('disk-replaced')
  expect(await isRight(repository, replaced.point, disk.data)).toBe(true)
})

test('an unchanged block that changed is caught within the promised number of runs, and every point from then on is right', async () => {
  const RUNS = 8
  const options = { ...backupDefaults, audit: { runs: RUNS, samples: 0 } }
  const pool = memoryPool([4 * MiB + 8192])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  fill(pool, 64)
  await backupVm(contextOf(pool, repository), pool.vm, options)
  for (const victim of [0, 17, 40, 64]) {
    pool.hides = (block) => block === victim
    pool.write('vdi-0', victim, 99 + victim)
    const caughtAfter = await runsUntilCaught(pool, repository, options, RUNS)
    expect(caughtAfter).toBeLessThanOrEqual(RUNS)
    const newest = (await listPoints(repository)).at(-1)
    if (newest === undefined) throw new Error('no point')
    expect(await isRight(repository, newest, pool.disks.get('vdi-0')?.data ?? new Uint8Array())).toBe(true)
  }
})

async function runsUntilCaught(
  pool: MemoryPool,
  repository: Repository,
  options: typeof backupDefaults,
  limit: number,
): Promise<number> {
  for (let run = 1; run <= limit; run++) {
    const events: BackupEvent[] = []
    const { record, clean } = await backupVm(contextOf(pool, repository, events), pool.vm, options)
    const alarm = events.find(({ type }) => type === 'wrong-bitmap')
    expect(clean).toBe(alarm === undefined)
    if (alarm === undefined) continue
    expect(record.disks[0]).toMatchObject({ action: 'compare', audit: { differing: expect.any(Number) } })
    expect(record.disks[0]?.reason).toContain('bitmap-wrong')
    return run
  }
  return Infinity
}

test('a run says what it compared, and an honest bitmap raises no alarm', async () => {
  const pool = memoryPool([4 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  fill(pool, 64)
  const options = { ...backupDefaults, audit: { runs: 4, samples: 3 } }
  await backupVm(contextOf(pool, repository), pool.vm, options)
  const swept: (readonly [number, number])[] = []
  for (let run = 0; run < 5; run++) {
    pool.write('vdi-0', run * 9, 180 + run)
    const { record, clean } = await backupVm(contextOf(pool, repository), pool.vm, options)
    const [disk] = record.disks
    expect(clean).toBe(true)
    expect(disk).toMatchObject({ action: 'incremental', bytes: { changed: CBT_BLOCK }, audit: { differing: 0 } })
    swept.push([disk?.audit?.from ?? -1, disk?.audit?.to ?? -1])
  }
  expect(swept.map(([from, to]) => [from / MiB, to / MiB])).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [0, 1],
  ])
})

test('points that rest on a wrong bitmap are suspects, back to the last that read all; they stay so when the finder goes', async () => {
  const options = { ...backupDefaults, audit: { runs: 1, samples: 0 } }
  const pool = memoryPool([MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  fill(pool, 16)
  const run = async (audited: boolean) => {
    const events: BackupEvent[] = []
    const { point } = await backupVm(contextOf(pool, repository, events), pool.vm, audited ? options : noAudit)
    return { id: point.id, told: events.flatMap((event) => (event.type === 'suspects' ? event.points : [])) }
  }
  await run(false)
  const right = await backupVm(contextOf(pool, repository), pool.vm, { ...noAudit, full: true })
  pool.write('vdi-0', 1, 55)
  const second = await run(false)
  pool.hides = (block) => block === 3
  pool.write('vdi-0', 3, 66)
  const third = await run(false)
  pool.hides = () => false
  const finder = await run(true)
  expect(finder.told).toEqual([second.id, third.id])
  const suspects = async () => suspectsOf(await listPoints(repository))
  expect(await suspects()).toEqual(new Set([second.id, third.id]))
  expect((await suspects()).has(right.point.id)).toBe(false)
  await using _ = await repository.lock('exclusive')
  expect(await markSuspects(repository, [])).toBe(2)
  expect(await markSuspects(repository, [])).toBe(0)
  const found = (await listPoints(repository)).find(({ id }) => id === finder.id)
  if (found === undefined) throw new Error('the finder is gone')
  await repository.removeSnapshot(found.snapshot.id)
  expect(await suspects()).toEqual(new Set([second.id, third.id]))
})

test('of another VM no point is a suspect', async () => {
  const [one, two] = [memoryPool([MiB]), memoryPool([MiB])]
  const other = { ...two.vm, uuid: 'vm-other', name: 'other' }
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  const audited = { ...backupDefaults, audit: { runs: 1, samples: 0 } }
  await backupVm(contextOf(one, repository), one.vm, audited)
  one.write('vdi-0', 0, 5)
  const lying = await backupVm(contextOf(one, repository), one.vm, noAudit)
  await backupVm(contextOf(two, repository), other, noAudit)
  one.hides = (block) => block === 2
  one.write('vdi-0', 2, 5)
  await backupVm(contextOf(one, repository), one.vm, audited)
  expect(suspectsOf(await listPoints(repository))).toEqual(new Set([lying.point.id]))
})

test('far more changes than in the runs before are told and stored with the point; few runs, and the usual, tell nothing', async () => {
  const options = { ...noAudit, unusual: { factor: 4, atLeast: bytes(2 * CBT_BLOCK), newAtLeast: bytes(MiB) } }
  const pool = memoryPool([4 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  fill(pool, 64)
  let nextByte = 1
  const run = async (blocks: number, chosen: typeof noAudit = options) => {
    for (let block = 0; block < blocks; block++) pool.write('vdi-0', block, nextByte++ % 256)
    const events: BackupEvent[] = []
    const { point, clean } = await backupVm(contextOf(pool, repository, events), pool.vm, chosen)
    const stored = (await openPoint(repository, point)).record.disks[0]?.unusual
    const told = events.find(({ type }) => type === 'unusual')
    expect([clean, stored === undefined]).toEqual([told === undefined, told === undefined])
    return stored
  }
  expect(await run(0)).toBeUndefined() // the first: all of it is new
  expect(await run(60)).toBeUndefined() // nothing is known yet
  for (const blocks of [3, 3, 4]) expect(await run(blocks)).toBeUndefined()
  expect(await run(14)).toBeUndefined() // the median of 60, 3, 3 and 4 is 3.5 blocks: 14 is four times that, no more
  expect(await run(40)).toEqual({ usual: 4 * CBT_BLOCK, bound: 16 * CBT_BLOCK })
  expect(await run(60, { ...options, unusual: undefined })).toBeUndefined()
})

test('a disk that stops to compress is told and tagged, however little of it changes; one that never compressed is not', async () => {
  const options = { ...noAudit, unusual: { factor: 1000, atLeast: bytes(GiB), newAtLeast: bytes(MiB) } }
  for (const usual of ['text', 'noise'] as const) {
    const pool = memoryPool([8 * MiB])
    await using repository = await initRepository(memoryBackend(), 'pw', fast)
    const run = async (kind: 'text' | 'noise', seed: number) => {
      guestWrites(pool, kind, 32, seed)
      const events: BackupEvent[] = []
      const { point, record, clean } = await backupVm(contextOf(pool, repository, events), pool.vm, options)
      const told = events.some(({ type }) => type === 'incompressible')
      expect([clean, point.snapshot.tags?.includes('unusual')]).toEqual([!told, told])
      return record.disks[0]?.incompressible
    }
    for (let i = 0; i < 5; i++) expect(await run(usual, i)).toBeUndefined()
    expect(await run('text', 5)).toBeUndefined()
    const encrypted = await run('noise', 6)
    if (usual === 'noise') expect(encrypted).toBeUndefined()
    else expect(encrypted).toMatchObject({ share: expect.closeTo(1, 1), usual: expect.closeTo(0.5, 0) })
  }
}, 30_000)

/** Fresh bytes in the first blocks of a disk: such as compress, or as encryption leaves them. */
function guestWrites(pool: MemoryPool, kind: 'text' | 'noise', blocks: number, seed: number): void {
  const disk = pool.disks.get('vdi-0')
  const noise = createHash('shake128', { outputLength: blocks * CBT_BLOCK })
    .update(`${seed}`)
    .digest()
  const data = kind === 'noise' ? noise : Buffer.from(noise.subarray(0, noise.length / 2).toString('hex'), 'latin1')
  disk?.data.set(data)
  for (let block = 0; block < blocks; block++) disk?.written.add(block)
}

test('a point that lost blobs is no base: the next run stores again what is still on the disk, and the older points are whole', async () => {
  const pool = memoryPool([4 * MiB])
  const store = memoryBackend()
  {
    await using repository = await initRepository(store, 'pw', { ...fast, packSize: 100 })
    fill(pool, 64)
    await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  }
  await using repository = await openRepository(store, 'pw', fast)
  {
    await using lock = await repository.lock('exclusive')
    await loseADiskPack(repository, lock, store)
  }
  pool.write('vdi-0', 60, 99) // far from the piece that is lost
  const { point, record } = await backupVm(contextOf(pool, repository), pool.vm, noAudit)
  expect(record.disks[0]).toMatchObject({ action: 'full', reason: expect.stringContaining('point-damaged') })
  expect(await isRight(repository, point, pool.disks.get('vdi-0')?.data ?? new Uint8Array())).toBe(true)
  expect((await repository.check({ readData: true })).errors).toEqual([])
})

/** Takes a pack with data of the disk away, and out of the index. */
async function loseADiskPack(repository: Repository, lock: RepositoryLock, { files }: MemoryBackend): Promise<void> {
  await repository.loadIndex()
  const [first] = await listPoints(repository)
  if (first === undefined) throw new Error('no point')
  for (const pack of repository.blobs.index().packs()) {
    const path = `data/${pack.slice(0, 2)}/${pack}`
    const bytes = files.get(path) ?? new Uint8Array()
    files.delete(path)
    const { errors } = await repository.check({ readData: false })
    const lost = errors.flatMap(({ affects = [] }) => affects.map((each) => each.path))
    if (lost.length > 0 && lost.every((each) => each.endsWith('disk.raw'))) {
      await repairIndex(repository, lock)
      return
    }
    files.set(path, bytes)
  }
  throw new Error('no pack has nothing but data of the disk')
}
