import { createHash } from 'node:crypto'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CBT_BLOCK, GiB, MiB, type Bitmap } from '@tidemark/blocks'
import { listPoints, openPoint } from '@tidemark/engine'
import { localBackend, openRepository } from '@tidemark/repository'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestWrites, openBench, sha256, succeed, type Bench, type Line } from './support/pool.ts'

const SYSTEM = 48 * MiB
const DATA = 20 * MiB
const CHANGED = [3, 4, 5, 100, 101, 300, 767] // single blocks, runs, and the disk's last block
let bench: Bench
let vm: { uuid: string; disks: readonly { uuid: string }[] }
let system: string
let data: string
const hashes: string[][] = []
const points: string[] = []

beforeAll(async () => {
  bench = await openBench()
  vm = await bench.lab.control.createVm({
    name: 'web',
    disks: [
      { name: 'system', size: SYSTEM },
      { name: 'data', size: DATA },
    ],
  })
  ;[system = '', data = ''] = vm.disks.map(({ uuid }) => uuid)
  await guestWrites(
    bench.lab,
    system,
    Array.from({ length: 400 }, (_, i) => i),
    'first',
  )
  await guestWrites(bench.lab, data, [0, 7, 8, 9, 319], 'first')
})
afterAll(() => bench[Symbol.asyncDispose]())

/** One backup; remembers the point and what the disks held at its instant. */
async function backUp(): Promise<{ lines: readonly Line[]; disks: Line[] }> {
  const run = await bench.tidemark('backup', 'web', '--audit', 'off') // what is read is counted
  expect(run.code, JSON.stringify(run.last)).toBe(0)
  const [point] = run.last['points'] as Line[]
  points.push(String(point?.['id']))
  hashes.push(await Promise.all([system, data].map((vdi) => bench.lab.control.sha256(vdi))))
  return { lines: run.lines, disks: point?.['disks'] as Line[] }
}

test('the first run is a full one, with its reason before the first byte is read', async () => {
  const { lines, disks } = await backUp()
  const plan = lines.findIndex(({ type }) => type === 'plan')
  const firstRead = lines.findIndex(({ type }) => type === 'disk')
  expect(plan).toBeGreaterThanOrEqual(0)
  expect(plan).toBeLessThan(firstRead)
  expect(lines[plan]?.['disks'].map((disk: Line) => [disk['action'], disk['reason']])).toEqual([
    ['full', 'first-point'],
    ['full', 'first-point'],
  ])
  expect(disks.every(({ snapshot }) => typeof snapshot === 'string')).toBe(true)
})

test('an increment reads over NBD exactly the blocks that its bitmap marks, counted at the server', async () => {
  await guestWrites(bench.lab, system, CHANGED, 'second')
  await bench.lab.control.resetNbdReads()
  const { disks } = await backUp()
  expect(disks.map(({ action }) => action)).toEqual(['incremental', 'incremental'])
  expect(disks.map(({ bytes: counted }) => (counted as Line)['changed'])).toEqual([CHANGED.length * CBT_BLOCK, 0])
  const reads = await bench.lab.control.nbdReads()
  const extents = reads.flatMap((each) => each.extents).toSorted((a, b) => a.offset - b.offset)
  expect(extents.map(({ offset, length }) => [offset / CBT_BLOCK, length / CBT_BLOCK])).toEqual([
    [3, 3],
    [100, 2],
    [300, 1],
    [767, 1],
  ])
  expect(reads.reduce((sum, each) => sum + each.bytes, 0)).toBe(CHANGED.length * CBT_BLOCK)
})

test('a third run goes on from the second, and keeps one base a disk on the pool', async () => {
  await guestWrites(bench.lab, system, [3, 200], 'third')
  await guestWrites(bench.lab, data, [8, 100, 319], 'third')
  const { disks } = await backUp()
  expect(disks.map(({ bytes: counted }) => (counted as Line)['read'])).toEqual([2 * CBT_BLOCK, 3 * CBT_BLOCK])
  const run = await bench.tidemark('plan', 'web')
  expect((run.last['plans'] as Line[])[0]?.['disks'].map((disk: Line) => disk['action'])).toEqual([
    'incremental',
    'incremental',
  ])
})

test('every point comes back byte for byte: as files, as a new VM, and over the original disks', async () => {
  for (const [i, point] of points.entries()) {
    const directory = join(bench.directory, `files-${i}`)
    const { files } = await succeed(bench.tidemark('restore', point, '--to-dir', directory))
    const restored = await Promise.all((files as Line[]).map(({ path }) => sha256(String(path))))
    expect(restored).toEqual(hashes[i])
  }
  const made = await succeed(bench.tidemark('restore', points[1] ?? '', '--new-vm', '--name', 'web-middle'))
  const disks = (made['disks'] as Line[]).map(({ to }) => String(to))
  expect(new Set([...disks, system, data]).size).toBe(4)
  expect(await Promise.all(disks.map((vdi) => bench.lab.control.sha256(vdi)))).toEqual(hashes[1])
  await guestWrites(bench.lab, system, [0, 1, 2], 'ruined')
  await succeed(bench.tidemark('restore', points[2] ?? '', '--over'))
  expect(await Promise.all([system, data].map((vdi) => bench.lab.control.sha256(vdi)))).toEqual(hashes[2])
})

test('verify reads a disk back from the pool, and finds one changed block', async () => {
  const equal = await succeed(bench.tidemark('verify', points[2] ?? '', '--against-pool'))
  expect((equal['disks'] as Line[]).map(({ differences }) => differences)).toEqual([[], []])
  const asNew = await succeed(bench.tidemark('verify', points[1] ?? '', '--vm', 'web-middle'))
  expect((asNew['disks'] as Line[]).every(({ compared }) => compared)).toBe(true)
  await guestWrites(bench.lab, data, [42], 'later')
  const run = await bench.tidemark('verify', points[2] ?? '', '--against-pool')
  expect(run.code).toBe(1)
  expect((run.last['disks'] as Line[])[1]?.['differences']).toEqual([{ offset: 42 * CBT_BLOCK, length: CBT_BLOCK }])
  const { proofs } = await succeed(bench.tidemark('show', points[2] ?? ''))
  const equalThen = [
    { step: 'hashed', passed: true },
    { step: 'compared', passed: true }, // what a guest wrote since is not the point's
  ]
  expect(proofs).toMatchObject(equalThen)
})

test('the image of a point equals the base with every increment applied in order, bitmap by bitmap', async () => {
  await using repository = await openRepository(localBackend(bench.repository), 'correct horse')
  const all = await listPoints(repository, { vm: vm.uuid })
  await repository.loadIndex()
  const images: Buffer[] = []
  const bitmaps: (Bitmap | undefined)[] = []
  for (const [i, point] of all.entries()) {
    images.push(await readFile(join(bench.directory, `files-${i}`, `0-${system}.raw`)))
    const open = await openPoint(repository, point)
    bitmaps.push(await open.parts.disks.find(({ vdiUuid }) => vdiUuid === system)?.bitmap?.())
  }
  const [base, ...increments] = images
  const coalesced = Buffer.from(base ?? [])
  for (const [i, image] of increments.entries()) {
    const bitmap = bitmaps[i + 1]
    expect(bitmap).toBeDefined()
    // the guide's own rule: a marked block comes from the increment, any other from what was there
    for (let block = 0; block * CBT_BLOCK < SYSTEM; block++) {
      const marked = ((bitmap?.[block >> 3] ?? 0) >> (7 - (block & 7))) & 1
      if (marked === 1) image.copy(coalesced, block * CBT_BLOCK, block * CBT_BLOCK, (block + 1) * CBT_BLOCK)
    }
    expect(coalesced.equals(image)).toBe(true)
  }
  expect(createHash('sha256').update(coalesced).digest('hex')).toBe(hashes[2]?.[0])
})

test('stock restic checks all data, lists the points, and dumps a disk equal to the restored one', async () => {
  expect(await bench.restic('check', '--read-data')).toContain('no errors were found')
  const snapshots = JSON.parse(await bench.restic('snapshots', '--json')) as Line[]
  expect(snapshots.map(({ id, hostname }) => [id, hostname])).toEqual(points.map((id) => [id, 'web']))
  const listing = await bench.restic('ls', 'latest')
  expect(listing).toContain('/web/vm.json')
  expect(listing).toContain(`/web/disks/0-${system}/disk.raw`)
  const dump = execFileSync(
    'restic',
    [
      '--repo',
      bench.repository,
      '--password-file',
      bench.passwordFile,
      '--no-cache',
      'dump',
      'latest',
      `/web/disks/0-${system}/disk.raw`,
    ],
    { maxBuffer: 1 << 28 },
  )
  expect(createHash('sha256').update(dump).digest('hex')).toBe(hashes[2]?.[0])
})

test('our own check agrees, with all data read', async () => {
  expect((await succeed(bench.tidemark('check', '--read-data')))['errors']).toEqual([])
})

test('two halves of a check read each pack once, and what is no part is wrong usage', async () => {
  const parts = ['1/2', '2/2'].map((part) => bench.tidemark('check', '--read-data-subset', part))
  const reports = await Promise.all(parts.map(succeed))
  expect(reports.map(({ packsRead }) => Number(packsRead)).reduce((sum, read) => sum + read)).toBe(
    reports[0]?.['packs'],
  )
  expect((await bench.tidemark('check', '--read-data-subset', '3/2')).code).toBe(2)
  expect((await bench.tidemark('check', '--read-data', '--read-data-subset', '5%')).code).toBe(2)
})

test('the index is kept on this machine, and commands agree with and without it', async () => {
  const { repositories } = await succeed(bench.tidemark('cache', 'ls'))
  const [{ repository }] = repositories as [{ repository: string }]
  expect((await readdir(join(bench.directory, 'cache', repository, 'index'))).length).toBeGreaterThan(0)
  const cached = await succeed(bench.tidemark('show', points[2] ?? ''))
  expect(await succeed(bench.tidemark('show', '--no-cache', points[2] ?? ''))).toEqual(cached)
  expect((await succeed(bench.tidemark('cache', 'clean')))['repositories']).toEqual([])
  expect((await succeed(bench.tidemark('cache', 'clean', '--unused', '0')))['repositories']).toEqual([repository])
  expect(await succeed(bench.tidemark('show', points[2] ?? ''))).toEqual(cached)
})

test('vm ls, points and show tell what is there', async () => {
  const { vms } = await succeed(bench.tidemark('vm', 'ls'))
  expect((vms as Line[]).find(({ name }) => name === 'web')).toMatchObject({
    lastPoint: points[2],
    disks: [{ tracked: true }, { tracked: true }],
  })
  const listed = await succeed(bench.tidemark('points', 'web'))
  expect((listed['points'] as Line[]).map(({ id }) => id)).toEqual(points)
  const stored = (listed['points'] as Line[]).map((point) => Number(point['stored']))
  expect(stored[1]).toBeGreaterThan(0)
  expect(stored[0]).toBeGreaterThan(10 * (stored[1] ?? 0))
  const shown = await succeed(bench.tidemark('show', 'web@latest'))
  expect(shown['changed'][system]).toEqual([
    { offset: 3 * CBT_BLOCK, length: CBT_BLOCK },
    { offset: 200 * CBT_BLOCK, length: CBT_BLOCK },
  ])
})

test('a grown disk stays incremental: the new part is read, and the point is right', async () => {
  const grown = 24 * MiB
  {
    await using admin = await bench.admin()
    await admin.VDI.resize(await admin.VDI.get_by_uuid(data), grown)
  }
  await guestWrites(bench.lab, data, [383], 'grown')
  const { disks } = await backUp()
  expect(disks[1]).toMatchObject({ action: 'incremental', size: grown })
  const directory = join(bench.directory, 'grown')
  const { files } = await succeed(bench.tidemark('restore', 'latest', '--to-dir', directory))
  expect(await Promise.all((files as Line[]).map(({ path }) => sha256(String(path))))).toEqual(hashes.at(-1))
})

test('a 100 GiB disk with 1 GiB written is backed up, in full and by changes, in less than 300 MB', async () => {
  const big = await bench.lab.control.createVm({ name: 'big', disks: [{ name: 'big', size: 100 * GiB }] })
  const [disk] = big.disks
  const vdi = disk?.uuid ?? ''
  const spread = Array.from({ length: 16_384 }, (_, i) => Math.floor(i / 32) * 3200 + (i % 32)) // 512 runs of 2 MiB
  await guestWrites(bench.lab, vdi, spread, 'big')
  const peaks = [await peakMemory('big')]
  await guestWrites(bench.lab, vdi, spread.slice(0, 800), 'again')
  peaks.push(await peakMemory('big'))
  expect(Math.max(...peaks), `peaks of ${peaks.join(' and ')} MB`).toBeLessThan(300)
  const shown = await succeed(bench.tidemark('show', 'big'))
  expect(shown['record'].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 800 * CBT_BLOCK } })
}, 300_000)

/** Peak resident set of one backup, in MB, as the kernel counts it (VmHWM of the process, read until it ends). */
async function peakMemory(name: string): Promise<number> {
  const main = join(import.meta.dirname, '../packages/cli/bin/tidemark.cjs') // as users run it: sources need a compiler's memory
  const config = join(bench.directory, 'config.yaml')
  const child = spawn(process.execPath, [main, '--json', '--config', config, 'backup', name], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  let peak = 0
  const timer = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, 'utf8').then(
      (status) => (peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0))),
      () => {}, // it has just ended
    )
  }, 20)
  const [code] = (await ended) as [number]
  clearInterval(timer)
  expect(code).toBe(0)
  expect(peak).toBeGreaterThan(0)
  return Math.round((peak * 1024) / 1e6)
}
