import { extent, KiB, MiB } from '@tidemark/blocks'
import { systemClock, withPoolBandwidth, type Clock, type DiskSource, type PoolBandwidth } from '@tidemark/engine'
import { expect, test } from 'vitest'
import { memoryPool } from './memory-pool.ts'

const none: PoolBandwidth = { read: undefined, storageRead: undefined, write: undefined }
const SIZE = 4 * MiB
const extents = Array.from({ length: 64 }, (_, i) => extent(i * 64 * KiB, 64 * KiB))

/** Time that passes only while somebody sleeps, at once. */
function handClock(): { clock: Clock; seconds: () => number } {
  const began = systemClock.now().getTime()
  let now = began
  const sleep = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted()
    now += ms
  }
  return { clock: { now: () => new Date(now), sleep }, seconds: () => (now - began) / 1000 }
}

async function readAll(source: DiskSource, signal?: AbortSignal): Promise<number> {
  let read = 0
  for await (const chunk of source.read(extents, signal)) if (chunk.data !== 'zero') read += chunk.data.length
  return read
}

const marks = { repository: 'r', leftOut: [], name: 'n' }

test('what is read of a pool has one rate, whoever reads, and holes cost nothing', async () => {
  const { clock, seconds } = handClock()
  const small = memoryPool([SIZE, SIZE])
  const pool = withPoolBandwidth(small, { ...none, read: MiB }, clock)
  const snapshot = await pool.snapshot(small.vm, marks)
  const open = (vdi: string) => snapshot.disks.get(vdi)?.open('nbd') ?? Promise.reject(new Error(vdi))
  const sources = [await open('vdi-0'), await open('vdi-1'), await pool.openDisk('vdi-0', 'nbd')]
  const read = await Promise.all(sources.map((source) => readAll(source)))
  expect(read).toEqual([SIZE, SIZE, SIZE])
  expect(seconds()).toBeGreaterThanOrEqual(10.9) // 12 MiB, of which the first second's worth is free, and the last piece owed
  const before = seconds()
  for (let vdi = 0; vdi < 2; vdi++) expect(await readAll(await pool.openDisk(`vdi-${vdi}`, 'vhd'))).toBe(0)
  expect(seconds() - before).toBeLessThan(0.1) // what was owed
})

test('one reader alone gets all of the rate', async () => {
  const { clock, seconds } = handClock()
  const pool = withPoolBandwidth(memoryPool([SIZE]), { ...none, read: MiB }, clock)
  await readAll(await pool.openDisk('vdi-0', 'nbd'))
  expect(seconds()).toBeCloseTo(3, 0)
})

test('a storage has a rate of its own beside that of the pool, also for a snapshot that a run goes on with', async () => {
  const { clock, seconds } = handClock()
  const small = memoryPool([SIZE])
  const pool = withPoolBandwidth(small, { ...none, read: 100 * MiB, storageRead: MiB / 2 }, clock)
  const { uuid, takenAt } = await pool.snapshot(small.vm, marks)
  const again = await pool.reopenSnapshot(small.vm, { uuid, name: 'n', takenAt, disks: ['vdi-0'] })
  const source = await again?.disks.get('vdi-0')?.open('nbd')
  expect(source && (await readAll(source))).toBe(SIZE)
  expect(seconds()).toBeCloseTo(7, 0)
})

test('what a restore writes has a rate, and an abort ends the wait', async () => {
  const { clock, seconds } = handClock()
  const small = memoryPool([MiB])
  const pool = withPoolBandwidth(small, { ...none, write: MiB / 4 }, clock)
  const stop = new AbortController()
  const body = async function* () {
    for (let at = 0; at < MiB; at += 64 * KiB) yield new Uint8Array(64 * KiB).fill(7)
  }
  await pool.restore.writeDisk('vdi-0', { extents: [extent(0, MiB)], body }, stop.signal)
  expect(seconds()).toBeCloseTo(3, 0)
  expect(small.disks.get('vdi-0')?.data.every((byte) => byte === 7)).toBe(true)
  stop.abort(new Error('stopped'))
  const more = pool.restore.writeDisk('vdi-0', { extents: [extent(0, MiB)], body }, stop.signal)
  await expect(more).rejects.toThrow('stopped')
})
