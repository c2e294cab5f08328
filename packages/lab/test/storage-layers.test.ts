import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytes, CBT_BLOCK, changedExtents, countMarked, extent, GiB, KiB, TiB } from '@tidemark/blocks'
import { openStorage, type Storage } from '../src/storage/index.ts'

let directory: string
let storage: Storage

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-layers-'))
  storage = await openStorage({ directory })
})

afterEach(async () => {
  await storage[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

test('a disk of 1 TiB costs only what is written', async () => {
  await storage.create('disk', bytes(TiB))
  await storage.enableTracking('disk')
  const places = [0, 17 * CBT_BLOCK + 5, 300 * GiB - 3, TiB - 7]
  for (const place of places) await storage.write('disk', place, Buffer.from('tide'))
  await storage.snapshot('disk', 'snapshot')
  await storage.trim('disk', 0, TiB)
  expect(await storage.allocatedExtents('disk')).toEqual([])
  expect(await storage.read('disk', 300 * GiB - 3, 4)).toEqual(Buffer.alloc(4))
  expect(Buffer.from(await storage.read('snapshot', 300 * GiB - 3, 4)).toString()).toBe('tide')
  const blocks = [0, 17, (300 * GiB) / CBT_BLOCK - 1, (300 * GiB) / CBT_BLOCK, TiB / CBT_BLOCK - 1]
  expect(await storage.allocatedExtents('snapshot')).toEqual([
    extent(0, CBT_BLOCK),
    extent(17 * CBT_BLOCK, CBT_BLOCK),
    extent(300 * GiB - CBT_BLOCK, 2 * CBT_BLOCK),
    extent(TiB - CBT_BLOCK, CBT_BLOCK),
  ])
  expect(await storage.usedSpace()).toBe(blocks.length * CBT_BLOCK)
  expect(countMarked(await storage.changedBlocks('snapshot', 'disk'))).toBe(TiB / CBT_BLOCK)
  expect(await onMedium(directory)).toBeLessThan(4096 * KiB) // the log of the trim, 2 MiB, included
})

test('writes into parts of the same block, all at once, are all kept', async () => {
  await storage.create('base', bytes(4 * CBT_BLOCK))
  await storage.write('base', 0, Buffer.alloc(4 * CBT_BLOCK, 0xaa))
  await storage.clone('base', 'disk')
  const expected = Buffer.alloc(4 * CBT_BLOCK, 0xaa)
  const writes = Array.from({ length: 60 }, (_, index) => ({ offset: index * 4300, fill: index + 1 }))
  await Promise.all(
    writes.map(({ offset, fill }) => {
      expected.fill(fill, offset, offset + 4000)
      return storage.write('disk', offset, Buffer.alloc(4000, fill))
    }),
  )
  expect(Buffer.from(await storage.read('disk', 0, 4 * CBT_BLOCK)).equals(expected)).toBe(true)
  expect(Buffer.from(await storage.read('base', 0, 4 * CBT_BLOCK)).equals(Buffer.alloc(4 * CBT_BLOCK, 0xaa))).toBe(true)
})

test('a write in flight is in a snapshot as a whole or not at all', async () => {
  const length = 3 * CBT_BLOCK + 100
  await storage.create('disk', bytes(4 * CBT_BLOCK))
  await storage.enableTracking('disk')
  const work: Promise<void>[] = []
  for (let step = 1; step <= 40; step++) {
    work.push(storage.write('disk', 50, Buffer.alloc(length, step)))
    if (step % 3 === 0) work.push(storage.snapshot('disk', `snapshot${step}`))
  }
  await Promise.all(work)
  for (let step = 3; step <= 40; step += 3) {
    const content = await storage.read(`snapshot${step}`, 50, length)
    expect(new Set(content).size).toBe(1)
    expect(content[0]).toBeGreaterThan(step - 3)
  }
})

test('a disk above a thousand layers reads the blocks of each of them', async () => {
  await storage.create('disk', bytes(1000 * CBT_BLOCK))
  for (let block = 0; block < 1000; block++) {
    await storage.write('disk', block * CBT_BLOCK + 9, Buffer.from([1 + (block % 255)]))
    await storage.snapshot('disk', `snapshot${block}`)
  }
  await storage[Symbol.asyncDispose]()
  storage = await openStorage({ directory, openFiles: 16 })
  const content = await storage.read('disk', 0, 1000 * CBT_BLOCK)
  const open = await readdir('/proc/self/fd')
  expect(open.length).toBeLessThan(200)
  for (let block = 0; block < 1000; block++) expect(content[block * CBT_BLOCK + 9]).toBe(1 + (block % 255))
  expect(changedExtents(new Uint8Array(125).fill(255), bytes(1000 * CBT_BLOCK))).toEqual(
    await storage.allocatedExtents('disk'),
  )
})

test('a backup a day does not add a layer a day', async () => {
  await storage.create('disk', bytes(100 * CBT_BLOCK))
  await storage.enableTracking('disk')
  const expected = Buffer.alloc(100 * CBT_BLOCK)
  for (let day = 0; day < 20; day++) {
    // the first days write little and the eleventh a lot: merges go down, and up once
    const length = day === 10 ? 80 * CBT_BLOCK : 3 * CBT_BLOCK
    expected.fill(day + 1, day * CBT_BLOCK, day * CBT_BLOCK + length)
    await storage.write('disk', day * CBT_BLOCK, Buffer.alloc(length, day + 1))
    await storage.trim('disk', (day + 1) * CBT_BLOCK, CBT_BLOCK)
    expected.fill(0, (day + 1) * CBT_BLOCK, (day + 2) * CBT_BLOCK)
    await storage.snapshot('disk', `day${day}`)
    if (day > 0) await storage.dataDestroy(`day${day - 1}`)
    await storage.settled()
    expect((await readdir(join(directory, 'layers'))).filter((name) => name.endsWith('.map'))).toHaveLength(
      day === 0 ? 1 : 1,
    )
  }
  expect(Buffer.from(await storage.read('disk', 0, 100 * CBT_BLOCK)).equals(expected)).toBe(true)
  await storage[Symbol.asyncDispose]()
  storage = await openStorage({ directory })
  expect(Buffer.from(await storage.read('day19', 0, 100 * CBT_BLOCK)).equals(expected)).toBe(true)
  expect(countMarked(await storage.changedBlocks('day0', 'disk'))).toBe(89)
})

test('a merge that fails leaves everything as it is, and the next one does its work', async () => {
  await storage.create('disk', bytes(20 * CBT_BLOCK))
  await storage.enableTracking('disk')
  for (const [number, blocks] of [8, 2, 4].entries()) {
    await storage.write('disk', number * CBT_BLOCK, Buffer.alloc(blocks * CBT_BLOCK, number + 1))
    await storage.snapshot('disk', `snapshot${number}`)
  }
  const before = await storage.read('snapshot2', 0, 20 * CBT_BLOCK)
  const layers = join(directory, 'layers')
  const data = (await readdir(layers))
    .filter((name) => name.endsWith('.data'))
    .sort((a, b) => parseInt(a) - parseInt(b))
  const second = join(layers, data[1] ?? '')
  const content = await readFile(second)
  await truncate(second, 0)
  await storage.dataDestroy('snapshot0')
  await expect(storage.settled()).rejects.toMatchObject({ code: 'LAB_STORAGE_DAMAGED' })
  await writeFile(second, content)
  expect(await storage.read('snapshot2', 0, 20 * CBT_BLOCK)).toEqual(before)
  await storage.dataDestroy('snapshot1')
  await storage.settled()
  expect(await storage.read('snapshot2', 0, 20 * CBT_BLOCK)).toEqual(before)
  expect((await readdir(layers)).filter((name) => name.endsWith('.data'))).toHaveLength(1)
})

test('zeros written over older data hide them, and cost nothing', async () => {
  await storage.create('disk', bytes(2 * CBT_BLOCK + 10))
  await storage.write('disk', 0, Buffer.alloc(2 * CBT_BLOCK + 10, 7))
  await storage.snapshot('disk', 'snapshot')
  await storage.write('disk', 0, Buffer.alloc(2 * CBT_BLOCK + 10))
  expect(await storage.allocatedExtents('disk')).toEqual([])
  expect(await storage.physicalUtilisation('disk')).toBe(0)
  await storage[Symbol.asyncDispose]()
  storage = await openStorage({ directory })
  expect((await storage.read('disk', 0, 2 * CBT_BLOCK + 10)).every((byte) => byte === 0)).toBe(true)
  await storage.destroy('snapshot')
  expect((await storage.read('disk', 0, 2 * CBT_BLOCK + 10)).every((byte) => byte === 0)).toBe(true)
})

test('data go when the last disk that needs them is destroyed', async () => {
  await storage.create('disk', bytes(GiB))
  await storage.enableTracking('disk')
  await storage.write('disk', 0, Buffer.alloc(CBT_BLOCK, 1))
  await storage.snapshot('disk', 'first')
  await storage.write('disk', 0, Buffer.alloc(CBT_BLOCK, 2))
  await storage.clone('first', 'clone')
  await storage.dataDestroy('first')
  expect(await storage.usedSpace()).toBe(2 * CBT_BLOCK)
  await storage.destroy('disk')
  expect(await storage.usedSpace()).toBe(CBT_BLOCK)
  expect(await storage.physicalUtilisation('clone')).toBe(CBT_BLOCK)
  await storage.destroy('clone')
  expect(await storage.usedSpace()).toBe(0)
  expect(await readdir(join(directory, 'layers'))).toEqual([])
  expect(await readdir(join(directory, 'logs'))).toHaveLength(1)
})

test('a range outside the disk is refused, and so is a shrink', async () => {
  await storage.create('disk', bytes(100))
  const range = { code: 'LAB_STORAGE_RANGE' }
  await expect(storage.read('disk', 99, 2)).rejects.toMatchObject(range)
  await expect(storage.write('disk', -1, Buffer.alloc(1))).rejects.toMatchObject(range)
  await expect(storage.trim('disk', 0, 101)).rejects.toMatchObject(range)
  await expect(storage.resize('disk', bytes(99))).rejects.toMatchObject({ code: 'LAB_STORAGE_SHRINK' })
  await expect(storage.read('other', 0, 1)).rejects.toMatchObject({ code: 'LAB_STORAGE_NOT_FOUND' })
  await expect(storage.create('disk', bytes(1))).rejects.toMatchObject({ code: 'LAB_STORAGE_EXISTS' })
})

test('a file that is missing, short or no catalogue is damage, never zeros', async () => {
  const damaged = { code: 'LAB_STORAGE_DAMAGED' }
  await storage.create('disk', bytes(GiB))
  await storage.write('disk', 5 * CBT_BLOCK, Buffer.from('x'))
  await storage[Symbol.asyncDispose]()
  const [data = '', map = ''] = (await readdir(join(directory, 'layers')))
    .sort()
    .map((name) => join(directory, 'layers', name))
  await truncate(data, 5 * CBT_BLOCK)
  storage = await openStorage({ directory })
  await expect(storage.read('disk', 5 * CBT_BLOCK, 1)).rejects.toMatchObject(damaged)
  await storage[Symbol.asyncDispose]()
  await rm(map)
  storage = await openStorage({ directory })
  await expect(storage.read('disk', 0, 1)).rejects.toMatchObject(damaged)
  await writeFile(join(directory, 'storage.json'), '{"version":1,')
  await expect(openStorage({ directory })).rejects.toMatchObject(damaged)
  await writeFile(join(directory, 'storage.json'), '{"version":2}')
  await expect(openStorage({ directory })).rejects.toMatchObject(damaged)
})

test('after disposal nothing is accepted', async () => {
  await storage.create('disk', bytes(100))
  const last = storage.write('disk', 0, Buffer.from('last'))
  await storage[Symbol.asyncDispose]()
  await last
  await expect(storage.write('disk', 0, Buffer.from('more'))).rejects.toMatchObject({ code: 'LAB_STORAGE_CLOSED' })
  storage = await openStorage({ directory })
  expect(Buffer.from(await storage.read('disk', 0, 4)).toString()).toBe('last')
})

test('flushing works with and without data, tracking and snapshots', async () => {
  await storage.create('disk', bytes(GiB))
  await storage.flush('disk')
  await storage.enableTracking('disk')
  await storage.write('disk', 1, Buffer.from('x'))
  await storage.snapshot('disk', 'snapshot')
  await Promise.all([storage.flush('disk'), storage.flush('snapshot'), storage.flush('disk')])
})

/** Bytes that a directory occupies on the medium, as `du` counts them. */
async function onMedium(path: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-sk', path])
  return Number.parseInt(stdout, 10) * KiB
}
