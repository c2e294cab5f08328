import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, CBT_BLOCK, MiB } from '@tidemark/blocks'
import {
  backupDefaults,
  backupVm,
  chooseDisks,
  listPoints,
  noLedger,
  openPoint,
  planBackup,
  restoreAsNewVm,
  restoreOver,
  restoreToDirectory,
  systemClock,
  verifyDisk,
  type BackupEvent,
  type Pool,
} from '@tidemark/engine'
import { initRepository, memoryBackend, openRepository, type Repository } from '@tidemark/repository'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memoryPool, type MemoryPool } from './memory-pool.ts'

const fast = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 } as const
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-engine-'))
})
afterEach(() => rm(directory, { recursive: true }))

const contextOf = (pool: MemoryPool, repository: Repository, events: BackupEvent[] = []) => ({
  pool,
  repository,
  clock: systemClock,
  tool: 'test 1.0',
  ledger: noLedger,
  on: (event: BackupEvent) => void events.push(event),
})

/** Restores the newest point to files and answers what is in them, by disk. */
async function newestImages(repository: Repository, name: string): Promise<Buffer[]> {
  const point = (await listPoints(repository)).at(-1)
  if (point === undefined) throw new Error('no point')
  await repository.loadIndex()
  const open = await openPoint(repository, point)
  const files = await restoreToDirectory(
    { repository, onDisk: () => {} },
    open,
    open.record.disks,
    join(directory, name),
  )
  return Promise.all(files.map(({ path }) => readFile(path)))
}

test('whatever a guest writes between runs, every point holds the disk as it was, and only marked blocks are read', async () => {
  const write = fc.record({
    disk: fc.integer({ min: 0, max: 1 }),
    block: fc.integer({ min: 0, max: 63 }),
    fill: fc.integer({ min: 0, max: 255 }),
  })
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(write, { maxLength: 40 }), { minLength: 2, maxLength: 4 }), async (runs) => {
      const pool = memoryPool([64 * CBT_BLOCK, 63 * CBT_BLOCK + 4096])
      await using repository = await initRepository(memoryBackend(), 'pw', fast)
      for (const [i, writes] of runs.entries()) {
        for (const { disk, block, fill } of writes) pool.write(`vdi-${disk}`, block, fill)
        pool.reads.length = 0
        await backupVm(contextOf(pool, repository), pool.vm, { ...backupDefaults, audit: undefined })
        const images = await newestImages(repository, `${round++}`)
        expect(images.map((image, n) => image.equals(pool.disks.get(`vdi-${n}`)?.data ?? new Uint8Array()))).toEqual([
          true,
          true,
        ])
        if (i > 0) {
          const marked = new Set(writes.map(({ disk, block }) => `${disk}:${block}`)).size
          const read = pool.reads.reduce((sum, { length }) => sum + length, 0)
          expect(read).toBeLessThanOrEqual(marked * CBT_BLOCK)
          expect(pool.reads.every(({ kind }) => kind === 'nbd')).toBe(true)
        }
      }
    }),
    { numRuns: 8 },
  )
})

test('the plan comes before the first byte is read, and says full or incremental with a reason', async () => {
  const pool = memoryPool([4 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  const events: BackupEvent[] = []
  pool.write('vdi-0', 1, 7)
  await backupVm(contextOf(pool, repository, events), pool.vm)
  const types = events.map(({ type }) => type)
  expect(types.indexOf('plan')).toBeLessThan(types.indexOf('disk'))
  const { plan } = await planBackup({ pool, repository }, pool.vm)
  expect(plan.disks[0]).toMatchObject({ action: 'incremental', base: 'snap-1' })
  const forced = await planBackup({ pool, repository }, pool.vm, { ...backupDefaults, full: true })
  expect(forced.plan.disks[0]).toMatchObject({ action: 'full', reason: 'forced' })
})

test('a base that the pool lost at the last moment: all of the disk is compared, told before it is read', async () => {
  const pool = memoryPool([4 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  await backupVm(contextOf(pool, repository), pool.vm)
  pool.write('vdi-0', 3, 9)
  pool.before = (call) => {
    if (call === 'changedSince') pool.frozen.splice(0, 1)
  }
  const events: BackupEvent[] = []
  const { record } = await backupVm(contextOf(pool, repository, events), pool.vm)
  expect(record.disks[0]).toMatchObject({
    action: 'compare',
    base: null,
    bytes: { changed: CBT_BLOCK },
  })
  expect(record.disks[0]?.reason).toContain('unrelated')
  const types = events.map(({ type }) => type)
  expect(types).toContain('replan')
  expect(types.indexOf('replan')).toBeLessThan(types.indexOf('disk'))
})

test('a disk without holes to show is read whole, and a disk left out keeps its chain for later', async () => {
  const pool = memoryPool([2 * MiB, 2 * MiB])
  pool.showHoles = false
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  await backupVm(contextOf(pool, repository), pool.vm)
  expect(pool.reads.reduce((sum, { length }) => sum + length, 0)).toBe(4 * MiB)
  pool.write('vdi-1', 0, 1)
  const onlyFirst = { ...backupDefaults, include: ({ position }: { position: number }) => position === 0 }
  await backupVm(contextOf(pool, repository), pool.vm, onlyFirst)
  pool.reads.length = 0
  const { record } = await backupVm(contextOf(pool, repository), pool.vm, { ...backupDefaults, audit: undefined })
  expect(record.disks.map(({ action }) => action)).toEqual(['incremental', 'incremental'])
  expect(pool.reads).toEqual([{ kind: 'nbd', offset: 0, length: CBT_BLOCK }])
})

test('a disk that grew stays incremental, its new part read', async () => {
  const pool = memoryPool([2 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  await backupVm(contextOf(pool, repository), pool.vm)
  pool.grow('vdi-0', 3 * MiB + 512)
  pool.write('vdi-0', 40, 5)
  const { record } = await backupVm(contextOf(pool, repository), pool.vm)
  expect(record.disks[0]).toMatchObject({ action: 'incremental', size: 3 * MiB + 512 })
  const [image] = await newestImages(repository, 'grown')
  expect(image?.equals(pool.disks.get('vdi-0')?.data ?? new Uint8Array())).toBe(true)
})

test('whichever call of the pool fails, no snapshot of the run stays behind, and every earlier point is sound', async () => {
  let failedCalls = 0
  for (let n = 1, done = false; !done; n++) {
    const pool = memoryPool([1 * MiB])
    const store = memoryBackend()
    await using repository = await initRepository(store, 'pw', fast)
    pool.write('vdi-0', 2, 1)
    await backupVm(contextOf(pool, repository), pool.vm)
    pool.write('vdi-0', 5, 2)
    let calls = 0
    pool.before = (call) => {
      if (++calls === n) throw new Error(`planned failure of ${call}`)
    }
    const events: BackupEvent[] = []
    const result = await backupVm(contextOf(pool, repository, events), pool.vm).catch((error: Error) => error)
    done = calls < n
    pool.before = () => {}
    if (result instanceof Error) {
      failedCalls++
      expect(result.message).toContain('planned failure')
      expect(pool.frozen.every(({ data }) => data === undefined)).toBe(true)
    } else if (!done) expect(events.some(({ type }) => type === 'attention')).toBe(true)
    await using fresh = await openRepository(store, 'pw', fast)
    expect((await fresh.check({ readData: true })).errors).toEqual([])
    expect(await listPoints(fresh)).toHaveLength(result instanceof Error ? 1 : 2)
  }
  expect(failedCalls).toBeGreaterThanOrEqual(5)
})

test('a damaged newest point costs a full read that says so, not the backup; --full does not even look at it', async () => {
  const pool = memoryPool([1 * MiB])
  const store = memoryBackend()
  {
    await using repository = await initRepository(store, 'pw', fast)
    pool.write('vdi-0', 1, 3)
    await backupVm(contextOf(pool, repository), pool.vm)
  }
  const packs = [...store.files.keys()].filter((name) => name.startsWith('data/'))
  for (const name of packs) store.files.delete(name)
  await using repository = await openRepository(store, 'pw', fast)
  const { plan } = await planBackup({ pool, repository }, pool.vm)
  expect(plan.disks[0]).toMatchObject({ action: 'full', reason: 'point-damaged' })
  const forced = await planBackup({ pool, repository }, pool.vm, { ...backupDefaults, full: true })
  expect(forced.plan.disks[0]).toMatchObject({ action: 'full', reason: 'forced' })
})

test('tracking that the pool refuses, and a snapshot it will not tidy, call for attention and never for failure', async () => {
  const pool = memoryPool([1 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  pool.before = (call) => {
    if (call === 'enableTracking' || call === 'keepAsBase') throw new Error('LICENSE_RESTRICTION')
  }
  const events: BackupEvent[] = []
  const { clean } = await backupVm(contextOf(pool, repository, events), pool.vm)
  expect(clean).toBe(false)
  expect(events.filter(({ type }) => type === 'attention')).toHaveLength(2)
  expect(await listPoints(repository)).toHaveLength(1)
})

test('a suspended VM is refused before anything is done to it', async () => {
  const pool = memoryPool([1 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  const suspended = { ...pool.vm, powerState: 'Suspended' }
  await expect(backupVm(contextOf(pool, repository), suspended)).rejects.toMatchObject({ code: 'ENGINE_VM_STATE' })
  expect(pool.frozen).toEqual([])
})

test('a point comes back as a new VM and over its disks; a failed restore leaves no disk behind', async () => {
  const pool = memoryPool([1 * MiB, 1 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  pool.write('vdi-0', 1, 3)
  pool.write('vdi-1', 15, 4)
  await backupVm(contextOf(pool, repository), pool.vm)
  const [listed] = await listPoints(repository)
  if (listed === undefined) throw new Error('no point')
  const point = await openPoint(repository, listed)
  const context = { pool, repository, ledger: noLedger, onDisk: () => {} }
  const before = [...pool.disks.values()].map(({ data }) => data.slice())

  pool.before = (call) => {
    if (call === 'importVm') throw new Error('refused')
  }
  await expect(restoreAsNewVm(context, point, { name: 'copy', storage: undefined })).rejects.toThrow('refused')
  expect(pool.disks.size).toBe(2)
  pool.before = () => {}
  const { disks } = await restoreAsNewVm(context, point, { name: 'copy', storage: undefined })
  expect(disks.map(({ vdiUuid }) => pool.disks.get(vdiUuid)?.data)).toEqual(before)
  await expect(restoreAsNewVm(context, point, { name: 'x', storage: 'nowhere' })).rejects.toMatchObject({
    code: 'ENGINE_TARGET',
  })

  pool.write('vdi-0', 1, 99)
  const over = await restoreOver(context, point, chooseDisks(point, ['xvda']))
  expect(over.disks[0]?.filled).toEqual({ written: CBT_BLOCK, compared: 2 * MiB, isVerified: true })
  expect(pool.disks.get('vdi-0')?.data).toEqual(before[0])
  pool.grow('vdi-1', 2 * MiB)
  await expect(restoreOver(context, point, chooseDisks(point, ['1']))).rejects.toMatchObject({ code: 'ENGINE_TARGET' })
  expect(() => chooseDisks(point, ['7'])).toThrow('has no disk')
})

test('a pool that does not keep what it is given fails the restore, and no disk of it stays', async () => {
  const pool = memoryPool([1 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  pool.write('vdi-0', 1, 3)
  await backupVm(contextOf(pool, repository), pool.vm)
  const [listed] = await listPoints(repository)
  if (listed === undefined) throw new Error('no point')
  const point = await openPoint(repository, listed)
  const context = { pool, repository, ledger: noLedger, onDisk: () => {} }
  const { restore } = pool
  const forgetful: Pool = {
    ...pool,
    restore: {
      ...restore,
      async writeDisk(uuid, content, signal) {
        await restore.writeDisk(uuid, content, signal)
        const disk = pool.disks.get(uuid)
        if (disk !== undefined) disk.data[2 * CBT_BLOCK - 1] = 0 // the last byte of what was written
      },
    },
  }
  const failing = { ...context, pool: forgetful }
  const options = { name: 'copy', storage: undefined }
  await expect(restoreAsNewVm(failing, point, options)).rejects.toMatchObject({ code: 'ENGINE_MISMATCH' })
  expect([...pool.disks.keys()]).toEqual(['vdi-0'])
  const unchecked = await restoreAsNewVm(failing, point, { ...options, readBack: 'off' })
  expect(unchecked.disks[0]?.filled).toMatchObject({ written: 256 * 1024, compared: 0, isVerified: false })
  pool.write('vdi-0', 1, 99)
  const over = restoreOver(failing, point, chooseDisks(point, []))
  await expect(over).rejects.toThrow('reads back differently in 65536 bytes, the first at 65536')
})

test('a comparison names the blocks that differ, and a file that exists is never overwritten', async () => {
  const pool = memoryPool([1 * MiB])
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  pool.write('vdi-0', 3, 3)
  await backupVm(contextOf(pool, repository), pool.vm)
  const [listed] = await listPoints(repository)
  if (listed === undefined) throw new Error('no point')
  const point = await openPoint(repository, listed)
  const [record] = point.record.disks
  if (record === undefined) throw new Error('no disk')
  const context = { repository, onDisk: () => {} }
  pool.write('vdi-0', 9, 1)
  pool.write('vdi-0', 10, 1)
  await using other = await pool.openDisk('vdi-0', 'nbd')
  const verdict = await verifyDisk(context, point, record, other)
  expect(verdict.differences).toEqual([{ offset: bytes(9 * CBT_BLOCK), length: bytes(2 * CBT_BLOCK) }])
  await restoreToDirectory(context, point, [record], join(directory, 'once'))
  await expect(restoreToDirectory(context, point, [record], join(directory, 'once'))).rejects.toMatchObject({
    code: 'ENGINE_TARGET',
  })
})
