import { execFile } from 'node:child_process'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import type { Session } from '@tidemark/xenapi'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Order } from './support/mortal-run.ts'
import { guestWrites, openBench, sha256, succeed, type Bench, type Line, type Run } from './support/pool.ts'

const PASSWORD = 'correct horse'
const SIZE = 64 * MiB
/** Blocks that each run has to read: 40 MiB. */
const CHANGED = Array.from({ length: 640 }, (_, i) => i)
let bench: Bench
let vdi: string
let runs = 0

beforeAll(async () => {
  bench = await openBench()
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ size: SIZE }] })
  vdi = vm.disks[0]?.uuid ?? ''
  await guestWrites(bench.lab, vdi, [1, 5, 700], 'first')
  await succeed(bench.tidemark('backup', 'web'))
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())

const stateDirectory = (): string => join(bench.directory, 'state', 'runs')

/** A backup in a process of its own, which dies at a step: the `after`th of all, or the `nth` of a name. */
function runMortal(death: Pick<Order, 'after' | 'diesAt'>): Promise<{ steps: string[]; died: boolean }> {
  const order: Order = {
    kind: 'backup',
    at: 'journal',
    url: bench.lab.url,
    fingerprint: bench.lab.fingerprint,
    password: PASSWORD,
    repository: bench.repository,
    state: stateDirectory(),
    vm: 'web',
    everyMs: 20,
    ...death,
  }
  const program = join(import.meta.dirname, 'support/mortal-run.ts')
  const flags = ['--conditions=@tidemark/source', '--disable-warning=ExperimentalWarning']
  const { promise, resolve, reject } = Promise.withResolvers<{ steps: string[]; died: boolean }>()
  execFile(process.execPath, [...flags, program, JSON.stringify(order)], (error, stdout, stderr) => {
    const steps = stdout.split('\n').filter((line) => line !== '')
    if (error !== null && error.signal !== 'SIGKILL') reject(new Error(stderr))
    else resolve({ steps, died: error !== null })
  })
  return promise
}

/** Answers of the pool's NBD server come late, so that a run takes long enough to be cut in its middle. */
const slowly = <Result>(work: () => Promise<Result>): Promise<Result> =>
  bench.withFaults([{ id: `slow ${runs++}`, at: 'nbd-reply', times: 'always', do: { action: 'delay', ms: 60 } }], work)

/** Makes all of `CHANGED` differ, and answers what the disk is then. */
async function change(): Promise<string> {
  await guestWrites(bench.lab, vdi, CHANGED, `change ${runs++}`)
  return bench.lab.control.sha256(vdi)
}

const backup = (...options: string[]): Promise<Run> => bench.tidemark('backup', 'web', '--audit', 'off', ...options)

const eventOf = ({ lines }: Run, name: string): Line | undefined => lines.find(({ type }) => type === name)

/** The newest point, as it comes back to a file. */
async function newestImage(): Promise<string> {
  const directory = join(bench.directory, `restored ${runs++}`)
  const { files } = await succeed(bench.tidemark('restore', 'web', '--to-dir', directory))
  const digest = await sha256(files[0].path)
  await rm(directory, { recursive: true })
  return digest
}

/** UUIDs of the VM snapshots that are there. */
async function snapshots(admin: Session): Promise<string[]> {
  return Object.values(await admin.VM.get_all_records()).flatMap((vm) => (vm.is_a_snapshot ? [vm.uuid] : []))
}

/** Nothing of ours but one base, by the pool's word and by that of the lab; and no journal. */
async function expectClean(admin: Session): Promise<void> {
  expect(await snapshots(admin)).toEqual([])
  const vdis = Object.values(await admin.VDI.get_all_records()).filter(({ is_a_snapshot: isSnapshot }) => isSnapshot)
  expect(vdis.map(({ type }) => type)).toEqual(['cbt_metadata'])
  expect(await bench.lab.control.invariants()).toEqual([])
  expect(await readdir(stateDirectory())).toEqual([])
}

const bytesRead = async (): Promise<number> =>
  (await bench.lab.control.nbdReads()).reduce((sum, { bytes }) => sum + bytes, 0)

test('a backup that is killed once it has its snapshot: the next run has the same one, and the point is the disk as it was then', async () => {
  await using admin = await bench.admin()
  for (const name of ['snapshot-taken (noted)', 'changes (noted)']) {
    await guestWrites(bench.lab, vdi, [3, 100], `killed at ${name}`)
    const then = await bench.lab.control.sha256(vdi)
    expect((await runMortal({ diesAt: { name, nth: 1 } })).died, name).toBe(true)
    const left = await snapshots(admin)
    await guestWrites(bench.lab, vdi, [3, 200], `after ${name}`)
    expect(eventOf(await bench.tidemark('plan', 'web'), 'resumable'), name).toMatchObject({ vm: { name: 'web' } })
    const run = await backup()
    const [point] = (await succeed(Promise.resolve(run)))['points']
    expect(eventOf(run, 'resumed'), name).toMatchObject({ times: 1 })
    expect(point.disks[0], name).toMatchObject({ action: 'incremental' })
    expect([point.snapshot], name).toEqual(left)
    expect(await newestImage(), name).toBe(then)
    await expectClean(admin)
  }
  await succeed(backup()) // what was written after the snapshot is found by its base
  expect(await newestImage()).toBe(await bench.lab.control.sha256(vdi))
}, 120_000)

test('a backup that is killed when its point is there, and it has not noted that: the next run tidies, and makes its own', async () => {
  await using admin = await bench.admin()
  await guestWrites(bench.lab, vdi, [4], 'saved')
  await runMortal({ diesAt: { name: 'saved (not noted)', nth: 1 } })
  const run = await backup()
  expect(eventOf(run, 'leftover')).toMatchObject({ action: 'finish' })
  expect(eventOf(run, 'resumed')).toBeUndefined()
  await expectClean(admin)
}, 60_000)

test('a backup that is killed after a checkpoint: what was stored is not read again', async () => {
  await using admin = await bench.admin()
  const then = await change()
  await bench.lab.control.resetNbdReads()
  const { died } = await slowly(() => runMortal({ diesAt: { name: 'pieces (noted)', nth: 3 } }))
  expect(died).toBe(true)
  const before = await bytesRead()
  const left = await snapshots(admin)
  await change()
  const run = await backup()
  const [point] = (await succeed(Promise.resolve(run)))['points']
  expect([point.snapshot]).toEqual(left)
  expect(point.resumed).toMatchObject({ times: 1 })
  const total = CHANGED.length * CBT_BLOCK
  const again = (await bytesRead()) - total
  expect(before).toBeGreaterThan(4 * MiB)
  expect(before).toBeLessThan(total)
  expect(again).toBeLessThan(before) // not from the beginning …
  expect(again).toBeLessThanOrEqual(IN_FLIGHT) // … but what was on its way, or not yet in a checkpoint
  expect(await newestImage()).toBe(then)
  await expectClean(admin)
}, 60_000)

/** What a run has asked for, and not noted yet: two connections of four requests of 1 MiB, twice, since a checkpoint takes its time too. */
const IN_FLIGHT = 16 * MiB

test('a pool whose line is lost for good in the middle of a first backup by a stream: the next run reads the rest over NBD', async () => {
  const vm = await bench.lab.control.createVm({ name: 'stream', disks: [{ size: SIZE }] })
  const disk = vm.disks[0]?.uuid ?? ''
  await guestWrites(bench.lab, disk, CHANGED, 'stream')
  const then = await bench.lab.control.sha256(disk)
  const lost = { at: 'transfer', match: { path: '/export_raw_vdi' }, times: 'always' } as const
  const stream = () => bench.tidemark('backup', 'stream', '--source', 'raw')
  const cut = { ...lost, id: 'cut', do: { action: 'cut', after: 40 * MiB } } as const
  await bench.lab.control.removePurposes() // else the same run would go on over NBD
  const first = await bench.withFaults([cut], stream)
  expect(first.code, JSON.stringify(first.last)).toBe(1)
  await using admin = await bench.admin()
  for (const network of await admin.network.get_all()) await admin.network.add_purpose(network, 'nbd')
  expect(eventOf(first, 'cut')).toBeDefined()
  await bench.lab.control.resetNbdReads()
  await guestWrites(bench.lab, disk, [0, 900], 'meanwhile')
  const run = await stream()
  expect(eventOf(run, 'resumed')).toMatchObject({ times: 1 })
  expect(await bytesRead()).toBeLessThan(SIZE / 2)
  const { files } = await succeed(bench.tidemark('restore', 'stream', '--to-dir', join(bench.directory, 'stream')))
  expect(await sha256(files[0].path)).toBe(then)
}, 60_000)
