import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import {
  backupDefaults,
  backupVm,
  contentOf,
  fileLedger,
  inspectPool,
  listPoints,
  noLedger,
  openPoint,
  resumeDefaults,
  systemClock,
  type AfreshReason,
  type BackupEvent,
  type BackupOptions,
  type Ledger,
} from '@tidemark/engine'
import {
  initRepository,
  memoryBackend,
  prune,
  readContent,
  systemClock as repositoryClock,
  type Repository,
} from '@tidemark/repository'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memoryPool, type MemoryPool } from './memory-pool.ts'

/** Without the time that a lock waits for others. */
const clock = { ...repositoryClock, sleep: async () => {} }
const fast = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0, clock } as const
/** A checkpoint whenever one can be made. */
const always = { ...resumeDefaults, everyMs: 0 }
const options: BackupOptions = { ...backupDefaults, audit: undefined, resume: always }
const SIZE = 16 * MiB
const BLOCKS = SIZE / CBT_BLOCK

let directory: string
let ledger: Ledger
let repository: Repository
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-resume-'))
  ledger = fileLedger(directory)
  repository = await initRepository(memoryBackend(), 'pw', fast)
})
afterEach(async () => {
  await repository[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

/** A run, and what it told. */
async function run(pool: MemoryPool, chosen: BackupOptions = options, by: Ledger = ledger) {
  const events: BackupEvent[] = []
  const on = (event: BackupEvent) => void events.push(event)
  const result = await backupVm(
    { pool, repository, clock: systemClock, tool: 'test 1.0', ledger: by, on },
    pool.vm,
    chosen,
  )
  return { ...result, events, told: events.map(({ type }) => type) }
}

/** A run whose line to the pool is lost for good at the `nth` read from now on. */
async function cut(pool: MemoryPool, nth: number, chosen: BackupOptions = options): Promise<void> {
  let reads = 0
  pool.before = (call) => {
    if ((call === 'read' || call === 'block') && ++reads === nth) throw new Error('the line is lost')
  }
  await expect(run(pool, chosen)).rejects.toThrow('the line is lost')
  pool.before = () => {}
  expect(await ledger.unfinished()).toMatchObject([{ isAlive: false }])
}

async function newestDisk(vdi = 'vdi-0'): Promise<Buffer> {
  const point = (await listPoints(repository)).at(-1)
  if (point === undefined) throw new Error('no point')
  await repository.loadIndex()
  const open = await openPoint(repository, point)
  const record = open.record.disks.find((each) => each.vdi === vdi)
  if (record === undefined) throw new Error('no disk')
  const image = Buffer.alloc(record.size)
  for await (const chunk of readContent(repository, await contentOf(open, record), { holes: 'skip' })) {
    if (chunk.data !== 'zero') image.set(chunk.data, chunk.offset)
  }
  return image
}

const bytesRead = (pool: MemoryPool): number => pool.reads.reduce((sum, { length }) => sum + length, 0)

/** Every other block, each with bytes of its own. */
function write(pool: MemoryPool, seed: number, vdi = 'vdi-0'): Buffer {
  for (let block = 0; block < BLOCKS; block += 2) pool.write(vdi, block, ((block * 7 + seed) % 255) + 1)
  return Buffer.from(pool.disks.get(vdi)?.data ?? [])
}

/** A pool with one point of its VM. */
async function poolWithPoint(): Promise<MemoryPool> {
  const pool = memoryPool([SIZE])
  write(pool, 1)
  await run(pool)
  return pool
}

test('a first backup that is cut at any block goes on where it was: nothing is read twice but what was on its way', async () => {
  for (const nth of [1, 2, 5, 8]) {
    const pool = memoryPool([SIZE])
    await using own = await initRepository(memoryBackend(), 'pw', fast)
    repository = own
    const then = write(pool, nth)
    await cut(pool, nth)
    const [left] = await pool.leftovers(new Set())
    write(pool, nth + 1)
    const { record, told } = await run(pool)
    expect(told).toContain('resumed')
    expect(record).toMatchObject({ snapshot: left?.uuid, resumed: { times: 1 } })
    expect((await newestDisk()).equals(then)).toBe(true)
    expect(bytesRead(pool)).toBeLessThanOrEqual(SIZE + 2 * MiB)
    expect(record.disks[0]?.bytes.read).toBe(bytesRead(pool))
    expect(await readdir(directory)).toEqual([])
    expect(await pool.leftovers(new Set())).toEqual([])
  }
  repository = await initRepository(memoryBackend(), 'pw', fast)
})

test('an increment of two disks that is cut twice: each block is read once, from the same snapshot, and the next one counts from it', async () => {
  const pool = memoryPool([SIZE, SIZE])
  await run(pool)
  const then = [write(pool, 3), write(pool, 4, 'vdi-1')]
  pool.reads.length = 0
  await cut(pool, 60)
  await cut(pool, 130)
  write(pool, 5)
  const { record } = await run(pool)
  expect(record.resumed).toMatchObject({ times: 2 })
  expect(record.disks.map(({ action }) => action)).toEqual(['incremental', 'incremental'])
  expect(bytesRead(pool)).toBeLessThanOrEqual(BLOCKS * CBT_BLOCK + 2 * CBT_BLOCK)
  expect((await newestDisk()).equals(then[0] ?? Buffer.of())).toBe(true)
  expect((await newestDisk('vdi-1')).equals(then[1] ?? Buffer.of())).toBe(true)
  const next = await run(pool)
  expect(next.record.disks[0]).toMatchObject({ action: 'incremental', bytes: { read: SIZE / 2 } })
  expect((await newestDisk()).equals(Buffer.from(pool.disks.get('vdi-0')?.data ?? []))).toBe(true)
})

test('a comparison that is cut goes on behind what was compared, with what it found', async () => {
  const pool = await poolWithPoint()
  pool.frozen.splice(0) // the base is lost
  for (const block of [1, 3, 250]) pool.write('vdi-0', block, 77)
  const then = Buffer.from(pool.disks.get('vdi-0')?.data ?? [])
  pool.reads.length = 0
  await cut(pool, 6)
  write(pool, 9)
  const { record } = await run(pool)
  expect(record.disks[0]).toMatchObject({ action: 'compare', bytes: { changed: 3 * CBT_BLOCK } })
  expect(bytesRead(pool)).toBeLessThanOrEqual(SIZE + 2 * MiB + 3 * CBT_BLOCK)
  expect((await newestDisk()).equals(then)).toBe(true)
})

test('a bitmap that was found wrong stays wrong for the run that goes on', async () => {
  const pool = await poolWithPoint()
  pool.hides = (block) => block === 8
  pool.write('vdi-0', 8, 99)
  pool.write('vdi-0', 9, 99)
  const then = Buffer.from(pool.disks.get('vdi-0')?.data ?? [])
  await cut(pool, 3, { ...options, audit: { runs: 1, samples: 0 } })
  pool.hides = () => false
  const { record } = await run(pool, { ...options, audit: { runs: 1, samples: 0 } })
  expect(record.disks[0]).toMatchObject({ action: 'compare', audit: { differing: CBT_BLOCK } })
  expect(record.disks[0]?.reason).toMatch(/^bitmap-wrong/)
  expect((await newestDisk()).equals(then)).toBe(true)
})

test('what a prune took between the cut and the next run is read again', async () => {
  const pool = await poolWithPoint()
  const then = write(pool, 2)
  pool.reads.length = 0
  await cut(pool, 100)
  const before = bytesRead(pool)
  {
    await using lock = await repository.lock('exclusive')
    const { packs } = await prune(repository, lock, { maxUnused: { bytes: 0 } })
    expect(packs.remove).toBeGreaterThan(0)
  }
  const { told } = await run(pool)
  expect(told).toContain('resumed')
  expect(bytesRead(pool)).toBe(before + SIZE / 2)
  expect((await newestDisk()).equals(then)).toBe(true)
})

/** Where the checkpoints of the run that was cut are. */
async function checkpoints(): Promise<string> {
  const [name = ''] = await readdir(directory)
  return join(directory, name, 'checkpoints')
}

test('checkpoints that a crash cut off, or that are damaged, count as far as they are whole', async () => {
  for (const harm of [
    (file: Buffer) => file.subarray(0, file.length - 5),
    (file: Buffer) => Buffer.concat([file, Buffer.from('torn')]),
    (file: Buffer) => Buffer.from(file.map((byte, i) => (i === file.length >> 1 ? byte ^ 1 : byte))),
  ]) {
    const pool = memoryPool([SIZE])
    await using own = await initRepository(memoryBackend(), 'pw', fast)
    repository = own
    await run(pool)
    const then = write(pool, 2)
    await cut(pool, 100)
    const path = await checkpoints()
    await writeFile(path, harm(await readFile(path)))
    await cut(pool, 3) // and what is added behind that can be read
    const { record } = await run(pool)
    expect(record.resumed).toMatchObject({ times: 2 })
    expect((await newestDisk()).equals(then)).toBe(true)
  }
  repository = await initRepository(memoryBackend(), 'pw', fast)
})

test('a run that cannot be gone on with begins afresh, says why, and leaves nothing of the other', async () => {
  const cases: Record<
    Exclude<AfreshReason, 'taken-over'>,
    { first?: BackupOptions; next?: BackupOptions; meanwhile?: (pool: MemoryPool) => Promise<unknown> }
  > = {
    'too-old': { first: { ...options, resume: { ...always, withinMs: 0 } } },
    'too-often': { first: { ...options, resume: { ...always, tries: 0 } } },
    'not-kept': { next: { ...options, resume: undefined } },
    'options-changed': { next: { ...options, full: true } },
    'disks-changed': { meanwhile: async (pool) => pool.grow('vdi-0', SIZE + MiB) },
    'newer-point': { meanwhile: (pool) => run(pool, options, noLedger) },
    'base-lost': {
      meanwhile: async () => {
        for await (const { id } of repository.snapshots()) await repository.removeSnapshot(id)
      },
    },
    'snapshot-gone': {
      meanwhile: async (pool) => {
        for (const left of await pool.leftovers(new Set())) await pool.removeLeftover(left)
      },
    },
    'checkpoint-lost': { meanwhile: async () => rm(await checkpoints()) },
  }
  for (const [reason, { first, next, meanwhile }] of Object.entries(cases)) {
    await using own = await initRepository(memoryBackend(), 'pw', fast)
    repository = own
    const pool = await poolWithPoint()
    write(pool, 2)
    await cut(pool, 50, first)
    await meanwhile?.(pool)
    const { record, events } = await run(pool, next)
    expect(events).toContainEqual({ type: 'afresh', why: { reason } })
    expect(record, reason).toMatchObject({ afresh: { reason } })
    expect(record.resumed, reason).toBeUndefined()
    expect((await newestDisk()).equals(Buffer.from(pool.disks.get('vdi-0')?.data ?? [])), reason).toBe(true)
    expect(await pool.leftovers(new Set()), reason).toEqual([])
    expect(await readdir(directory), reason).toEqual([])
  }
  repository = await initRepository(memoryBackend(), 'pw', fast)
})

test('a failure that would come again leaves nothing to go on with, nor does a run whose journal is not kept', async () => {
  const pool = await poolWithPoint()
  write(pool, 2)
  pool.before = (call) => {
    if (call === 'read') throw new Error('the line is lost')
  }
  await expect(run(pool, options, noLedger)).rejects.toThrow('the line is lost')
  await expect(run(pool, { ...options, resume: undefined })).rejects.toThrow('the line is lost')
  pool.before = () => {}
  expect(await pool.leftovers(new Set())).toEqual([])
  expect(await readdir(directory)).toEqual([])
})

test('the janitor leaves a snapshot to the run that can go on with it, and removes it when that is over', async () => {
  const pool = await poolWithPoint()
  write(pool, 2)
  await cut(pool, 50)
  const context = { pool, repository, ledger }
  const seen = async (now = new Date(), leaveResumable = true) => {
    const later = { ...systemClock, now: () => now }
    const { verdicts, over } = await inspectPool({ ...context, clock: later }, { othersAtWork: false, leaveResumable })
    return { actions: verdicts.map(({ action }) => action), over: over.length }
  }
  expect(await seen()).toEqual({ actions: ['leave'], over: 0 })
  expect(await seen(new Date(Date.now() + always.withinMs))).toEqual({ actions: ['remove'], over: 1 })
  expect(await seen(new Date(), false)).toEqual({ actions: ['remove'], over: 1 })
})

test('of two processes that would go on with a run, one does', async () => {
  const pool = await poolWithPoint()
  write(pool, 2)
  await cut(pool, 50)
  const [left] = await ledger.unfinished()
  const taken = await Promise.all([1, 2, 3].map(() => fileLedger(directory).resume(left?.run ?? '')))
  expect(taken.filter((journal) => journal !== undefined)).toHaveLength(1)
  expect(await ledger.unfinished()).toMatchObject([{ isAlive: true }])
  await taken
    .find((journal) => journal !== undefined)
    ?.note({ step: 'cut', at: '2026-11-23T10:00:00Z', why: 'stopped' })
  expect(await ledger.unfinished()).toMatchObject([{ isAlive: false }])
  expect(await ledger.resume(left?.run ?? '')).toBeDefined()
})
