import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { startLab, type Lab, type MadeVm } from '@tidemark/lab'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { guestWrites } from './support/pool.ts'
import { endWorkersIn, XenOrchestra } from './support/xen-orchestra.ts'

vi.setConfig({ testTimeout: 120_000 })

const auth = { user: 'root', password: 'correct horse' }
let directory: string
let lab: Lab
let xo: XenOrchestra
let sr: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tm-xo-backup-'))
  lab = await startLab({
    directory: join(directory, 'lab'),
    password: auth.password,
    httpsPort: 0,
    nbdPort: 0,
    dataDestroyWaitMs: 200,
    detachDelayMs: 50,
  })
  xo = new XenOrchestra()
  await xo.do('connect', { url: lab.url, auth, allowUnauthorized: true })
  sr = await xo.do('call', 'SR.get_uuid', await xo.do('call', 'pool.get_default_SR', await onlyPool()))
})
afterAll(async () => {
  await xo[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
  await endWorkersIn(directory)
  await rm(directory, { recursive: true, force: true })
})

const onlyPool = async (): Promise<string> => (await xo.do('call', 'pool.get_all'))[0]

/** A VM that runs, a folder for its backups, and what its disks held at each point. */
class Job {
  readonly vm: MadeVm
  readonly folder: string
  readonly settings: object
  readonly held: string[][] = []
  /** What XO said of the last run. */
  reports: readonly Report[] = []

  private constructor(vm: MadeVm, folder: string, settings: object) {
    this.vm = vm
    this.folder = folder
    this.settings = settings
  }

  static async of(name: string, settings: object): Promise<Job> {
    const disks = [{ size: 16 * MiB }, { size: 8 * MiB }]
    const vm = await lab.control.createVm({ name, disks, running: true })
    const folder = join(directory, name)
    await mkdir(folder)
    const job = new Job(vm, folder, { exportRetention: 7, ...settings })
    await job.write(0, [0, 7, 100, 255])
    await job.write(1, [127])
    return job
  }

  /** A guest writes whole blocks of 64 KiB. */
  write(disk: number, blocks: readonly number[]): Promise<void> {
    return guestWrites(lab, this.vm.disks[disk]?.uuid ?? '', blocks, `${this.held.length} of ${this.vm.uuid}`)
  }

  /** Runs the job; a warning or a failure of XO's fails the test. Answers what XO said of it. */
  async run(mode: 'delta' | 'full' = 'delta'): Promise<readonly string[]> {
    this.held.push(await Promise.all(this.vm.disks.map(({ uuid }) => lab.control.sha256(uuid))))
    const { folder, settings } = this
    this.reports = await xo.do('backUp', { folder, vm: this.vm.uuid, mode, settings })
    expect(this.reports.filter(({ type, status }) => type === 'warning' || status === 'failure')).toEqual([])
    return this.reports.flatMap(({ type, message }) => (type === 'info' && message !== undefined ? [message] : []))
  }

  points(): Promise<readonly Point[]> {
    return xo.do('listBackups', this.folder, this.vm.uuid)
  }

  /** Restores a point as a new VM; what its disks hold. */
  async restored(point: number, settings: object = {}): Promise<string[]> {
    const uuid = await xo.do('restore', { folder: this.folder, vm: this.vm.uuid, point, sr, settings })
    const ref = await xo.do('call', 'VM.get_by_uuid', uuid)
    const disks: readonly string[] = await xo.do('method', 'VM_getDisks', ref)
    const records = await Promise.all(disks.map((disk) => xo.do('call', 'VDI.get_record', disk)))
    records.sort((a, b) => Number(b.virtual_size) - Number(a.virtual_size))
    const held = await Promise.all(records.map((record) => lab.control.sha256(record.uuid)))
    await xo.do('method', 'VM_destroy', ref)
    return held
  }

  async snapshotTypes(): Promise<readonly string[]> {
    const refs: readonly string[] = (
      await Promise.all(this.vm.disks.map(({ ref }) => xo.do('call', 'VDI.get_snapshots', ref)))
    ).flat()
    return Promise.all(refs.map((ref) => xo.do('call', 'VDI.get_type', ref)))
  }
}

interface Report {
  readonly type: string
  readonly name?: string
  readonly message?: string
  readonly status?: string
}

interface Point {
  readonly size: number
  readonly isVhdDifferencing: Readonly<Record<string, boolean>>
}

const whether = ({ isVhdDifferencing }: Point): readonly boolean[] => Object.values(isVhdDifferencing)

test('a job with CBT and NBD reads what changed, keeps only change logs in the pool, and restores every point', async () => {
  const job = await Job.of('cbt', { preferNbd: true, cbtDestroySnapshotData: true })
  const used = ['Transfer data using NBD', 'will delete snapshot data', 'Snapshot data has been deleted']
  expect(await job.run()).toEqual(expect.arrayContaining(used))
  expect(await job.snapshotTypes()).toEqual(['cbt_metadata', 'cbt_metadata'])

  await job.write(0, [33])
  await lab.control.resetNbdReads()
  expect(await job.run()).toEqual(expect.arrayContaining(used))
  const read = (await lab.control.nbdReads()).flatMap(({ extents }) => extents)
  expect(read.map(({ offset, length }) => [offset, length])).toEqual([[2 * MiB, 2 * MiB]])
  expect(await job.snapshotTypes()).toEqual(['cbt_metadata', 'cbt_metadata'])

  const points = await job.points()
  expect(points.map(whether)).toEqual([
    [false, false],
    [true, true],
  ])
  expect(await job.restored(0)).toEqual(job.held[0])
  expect(await job.restored(1)).toEqual(job.held[1])
})

test('a job without NBD reads a delta with its base from a stream', async () => {
  const job = await Job.of('stream', { preferNbd: false, snapshotRetention: 1 })
  await lab.control.resetNbdReads()
  for (const blocks of [[], [64, 65], [200]]) {
    await job.write(0, blocks)
    await job.run()
  }
  expect(await lab.control.nbdReads()).toEqual([])
  expect(await job.snapshotTypes()).toEqual(['user', 'user'])
  expect((await job.points()).map(whether)).toEqual([
    [false, false],
    [true, true],
    [true, true],
  ])
  expect(await job.restored(2)).toEqual(job.held[2])
})

test('a restore that builds on a snapshot in the pool is the point', async () => {
  const job = await Job.of('differential', { preferNbd: true, snapshotRetention: 3 })
  for (const blocks of [[], [5], [90, 91]]) {
    await job.write(0, blocks)
    await job.run()
  }
  await job.write(0, [0, 1, 2])
  for (const point of [0, 1, 2]) {
    expect(await job.restored(point, { useDifferentialRestore: true })).toEqual(job.held[point])
  }
})

test('points that are too many are merged, and what remains restores', async () => {
  const job = await Job.of('merged', { preferNbd: true, cbtDestroySnapshotData: true, exportRetention: 2 })
  for (const blocks of [[], [5], [5, 254]]) {
    await job.write(0, blocks)
    await job.run()
  }
  expect(await job.points()).toHaveLength(2)
  expect(await job.restored(0)).toEqual(job.held[1])
  expect(await job.restored(1)).toEqual(job.held[2])
})

test('a full backup is an XVA, and restores', async () => {
  const job = await Job.of('full', {})
  await job.run('full')
  await job.write(1, [0])
  await job.run('full')
  expect(await job.restored(0)).toEqual(job.held[0])
  expect(await job.restored(1)).toEqual(job.held[1])
  expect(await xo.do('call', 'VM.get_snapshots', job.vm.ref)).toEqual([])
})

test('a health check restores the point, starts it and finds its guest tools', async () => {
  const job = await Job.of('checked', { preferNbd: true, healthCheckSr: sr })
  await job.run()
  const ran = job.reports.flatMap(({ type, name }) => (type === 'start' ? [name] : []))
  expect(ran).toEqual(expect.arrayContaining(['health check', 'vmstart']))
})

test('nothing is left in the pool but the VMs and what their next backups need', async () => {
  const all: Readonly<
    Record<
      string,
      { is_a_snapshot: boolean; is_control_domain: boolean; is_default_template: boolean; name_label: string }
    >
  > = await xo.do('call', 'VM.get_all_records')
  const vms = Object.values(all).filter(
    ({ is_control_domain: control, is_a_snapshot: snapshot, is_default_template: template }) =>
      !control && !snapshot && !template,
  )
  expect(vms.map(({ name_label: name }) => name).sort()).toEqual([
    'cbt',
    'checked',
    'differential',
    'full',
    'merged',
    'stream',
  ])
  expect(await xo.do('differences')).toMatchObject({ differences: [] })
  // XO leaves the tasks with which it shows its progress over NBD; the pool forgets them after an hour
  const tasks: Readonly<Record<string, { status: string; name_label: string }>> = await xo.do(
    'call',
    'task.get_all_records',
  )
  const others = Object.values(tasks).filter(({ status, name_label: name }) => {
    return status !== 'success' || !/^Exporting content of VDI .* through NBD/u.test(name)
  })
  expect(others).toEqual([])
  expect(await lab.control.invariants()).toEqual([])
})
