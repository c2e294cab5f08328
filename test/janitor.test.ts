import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { fileLedger, inspectPool, tidyPool, type Inspection, type Verdict } from '@tidemark/engine'
import { openXenPool } from '@tidemark/engine/xen'
import { localBackend, openRepository } from '@tidemark/repository'
import type { VmRef } from '@tidemark/xenapi'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { playProcessKills } from './simulation/process-kills.ts'
import { census, removeLoneDisks, removeVm } from './support/census.ts'
import { mortal, type Deadly } from './support/mortal.ts'
import { guestWrites, openBench, PASSWORD, succeed, type Bench, type Line } from './support/pool.ts'

let bench: Bench
let vdi: string

beforeAll(async () => {
  bench = await openBench({ detachDelayMs: 100 }) // disks are let go of at once: there are many runs
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ size: 16 * MiB }] })
  vdi = vm.disks[0]?.uuid ?? ''
  await guestWrites(bench.lab, vdi, [1, 5, 200], 'first')
  await succeed(bench.tidemark('backup', 'web'))
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())

/** What the doctor of this machine, or of another, finds now, carried out; resumable snapshots too. */
async function tidy(state = join(bench.directory, 'state', 'runs')): Promise<readonly Verdict[]> {
  await using session = await bench.admin()
  const pool = await openXenPool(session)
  await using repository = await openRepository(localBackend(bench.repository), PASSWORD)
  const context = { pool, repository, ledger: fileLedger(state) }
  const othersAtWork = await repository.isShared()
  const inspection = await inspectPool(context, { othersAtWork, leaveResumable: false })
  expect(await tidyPool(context, inspection)).toEqual([])
  return inspection.verdicts
}

const runMortal = (kind: Deadly['kind'], at: Deadly['at'], after?: number) =>
  mortal(bench, { kind, at, vm: 'web', ...(after !== undefined && { after }) })

const usual = { vms: 1, snapshots: 0, disks: 1, copies: 0, bases: 1 }

const backupSteps = [
  'begin',
  'run (noted)',
  'snapshot (noted)',
  'snapshot-taken (noted)',
  'changes (noted)',
  'saved (not noted)',
  'saved (noted)',
  'end',
  'ended',
]
const TAKEN = backupSteps.indexOf('snapshot-taken (noted)')

test('a backup that is killed at any step, and not to be gone on with: the next run is an increment, and the pool is clean', async () => {
  await using admin = await bench.admin()
  const whole = await runMortal('backup', 'journal')
  expect(whole.died).toBe(false)
  expect(whole.steps).toEqual(backupSteps)
  for (const [n, step] of whole.steps.entries()) {
    await guestWrites(bench.lab, vdi, [n, 100 + n], `killed at ${step}`)
    const { died } = await runMortal('backup', 'journal', n)
    expect(died, step).toBe(true)
    const { last, lines } = await bench.tidemark('backup', 'web', '--audit', 'off', '--no-resume')
    expect(lines.map(({ type }) => type)).not.toContain('resumed')
    expect(last['points'][0].disks[0], step).toMatchObject({ action: 'incremental' })
    expect(await census(admin), step).toEqual(usual)
  }
  await succeed(bench.tidemark('verify', 'web', '--against-pool'))
}, 180_000)

test('a restore that is killed at any step of its journal leaves nothing behind once the doctor was there', async () => {
  await using admin = await bench.admin()
  const { steps } = await runMortal('restore', 'journal')
  expect(steps).toEqual(['begin', 'disk (noted)', 'disk-made (noted)', 'vm (noted)', 'vm-made (noted)', 'end', 'ended'])
  await removeVm(admin, 'restored')
  expect(await census(admin)).toEqual(usual)
  for (const [n, step] of steps.entries()) {
    const { died } = await runMortal('restore', 'journal', n)
    expect(died, step).toBe(true)
    await tidy()
    if (n >= steps.indexOf('end')) await removeVm(admin, 'restored') // it was complete
    expect(await census(admin), step).toEqual(usual)
  }
}, 180_000)

test('a restore as a new disk that is killed at any step of its journal leaves nothing behind once the doctor was there', async () => {
  await using admin = await bench.admin()
  const { steps } = await runMortal('new-disk', 'journal')
  expect(steps).toEqual(['begin', 'disk (noted)', 'disk-made (noted)', 'end', 'ended'])
  await removeLoneDisks(admin)
  expect(await census(admin)).toEqual(usual)
  for (const [n, step] of steps.entries()) {
    expect((await runMortal('new-disk', 'journal', n)).died, step).toBe(true)
    await tidy()
    const isWhole = n >= steps.indexOf('end') // released: it is the administrator's
    expect((await census(admin)).disks, step).toBe(isWhole ? 2 : 1)
    if (isWhole) await removeLoneDisks(admin)
    expect(await census(admin), step).toEqual(usual)
  }
}, 180_000)

test('a restore over a disk that is killed at any step is told, and done again it is whole and forgotten', async () => {
  await using admin = await bench.admin()
  await guestWrites(bench.lab, vdi, [2, 9], 'as of the point')
  await succeed(bench.tidemark('backup', 'web', '--audit', 'off'))
  const wanted = await bench.lab.control.sha256(vdi)
  const spoil = (n: number) => guestWrites(bench.lab, vdi, [2, 30 + n], `after the point, ${n}`)
  await spoil(0)
  const { steps } = await runMortal('over', 'journal')
  expect(steps).toEqual(['begin', 'overwrite (noted)', 'overwritten (noted)', 'end', 'ended'])
  expect(await bench.lab.control.sha256(vdi)).toBe(wanted)
  for (const [n, step] of steps.entries()) {
    await spoil(n + 1)
    const { died } = await runMortal('over', 'journal', n)
    expect(died, step).toBe(true)
    const torn = (await tidy()).filter(({ leftover }) => leftover.kind === 'torn-disk')
    const isTorn = step === 'overwrite (noted)'
    expect(torn.map(({ action, leftover }) => [action, leftover.uuid])).toEqual(isTorn ? [['report', vdi]] : [])
    expect(torn.map(({ why }) => why).join('')).toMatch(isTorn ? /restore [0-9a-f]{8} --over --disk 0' again/ : /^$/)
    if (isTorn) {
      const elsewhere = await tidy(join(bench.directory, 'another machine'))
      expect(elsewhere.map(({ leftover: { kind, uuid, position } }) => ({ kind, uuid, position }))).toContainEqual({
        kind: 'torn-disk',
        uuid: vdi,
        position: 0,
      })
      const again = await succeed(bench.tidemark('restore', 'web', '--over'))
      expect(again['disks'][0]).toMatchObject({ verified: true })
      expect((await tidy()).filter(({ leftover }) => leftover.kind === 'torn-disk')).toEqual([])
    }
    if (n > 0) expect(await bench.lab.control.sha256(vdi), step).toBe(wanted)
    expect(await census(admin), step).toEqual(usual)
  }
}, 240_000)

test('a half-written disk that is not on the pool any more is told of once: it may have been moved', async () => {
  await using admin = await bench.admin()
  const vm = await bench.lab.control.createVm({ name: 'moved', disks: [{ size: 4 * MiB }] })
  const disk = vm.disks[0]?.uuid ?? ''
  await guestWrites(bench.lab, disk, [1], 'as of the point')
  await succeed(bench.tidemark('backup', 'moved'))
  await guestWrites(bench.lab, disk, [1], 'after the point')
  expect((await mortal(bench, { kind: 'over', at: 'journal', vm: 'moved', after: 1 })).died).toBe(true)
  await removeVm(admin, 'moved')
  const tornNow = async () => (await tidy()).filter(({ leftover }) => leftover.kind === 'torn-disk')
  expect(await tornNow()).toMatchObject([
    { action: 'report', leftover: { uuid: disk, position: 0 }, why: expect.stringContaining('it has a new UUID') },
  ])
  expect(await tornNow()).toEqual([])
  expect(await census(admin)).toEqual(usual)
}, 90_000)

test('what is not ours is left alone, however much it looks like ours', async () => {
  await using admin = await bench.admin()
  const [web] = await admin.VM.get_by_name_label('web')
  if (web === undefined) throw new Error('no VM')
  await runMortal('backup', 'journal', TAKEN)
  const left = Object.entries(await admin.VM.get_all_records()).find(([, vm]) => vm.is_a_snapshot)
  if (left === undefined) throw new Error('nothing left')
  const copy = await admin.VM.clone(left[0] as VmRef, 'made of what a run left') // inherits the marks, of the VM and of the disk
  await admin.VM.provision(copy)
  const theirs = await admin.VM.snapshot(copy, 'an administrator’s own')
  const verdicts = await tidy()
  expect(verdicts.filter(({ action }) => action === 'remove').map(({ leftover }) => leftover.name)).toEqual([
    left[1].name_label,
  ])
  expect(await admin.VM.get_name_label(theirs)).toBe('an administrator’s own')
  expect((await census(admin)).vms).toBe(2)
  for (const vbd of await admin.VM.get_VBDs(theirs)) await admin.VDI.destroy(await admin.VBD.get_VDI(vbd))
  await admin.VM.destroy(theirs)
  await removeVm(admin, 'made of what a run left')
  expect(await census(admin)).toEqual(usual)
}, 60_000)

test('the doctor says what it would do, does it, and leaves to the next backup what that can go on with', async () => {
  await runMortal('backup', 'journal', TAKEN)
  await runMortal('restore', 'journal', 2)
  await using admin = await bench.admin()
  const before = await census(admin)
  expect(await doctorOnPool('--dry-run')).toEqual(['leave base', 'leave vm-snapshot', 'remove new-disk'])
  expect(await census(admin)).toEqual(before)
  expect(await doctorOnPool()).toEqual(['leave base', 'leave vm-snapshot', 'remove new-disk'])
  expect(await doctorOnPool('--no-resume')).toEqual(['leave base', 'remove vm-snapshot'])
  expect(await doctorOnPool()).toEqual(['leave base'])
  expect(await census(admin)).toEqual(usual)
}, 60_000)

/** What the doctor does to objects of the pool. Its code is 3: a local repository can be destroyed by who has this machine. */
async function doctorOnPool(...options: readonly string[]): Promise<string[]> {
  const { code, last } = await bench.tidemark('doctor', '--pool', 'lab', ...options)
  expect(code).toBe(3)
  const details = (last['findings'] as Line[])
    .filter(({ subject }) => subject === 'pool')
    .map((each) => each['details'])
  return details.flatMap(({ action, kind }) => (action === undefined ? [] : `${action} ${kind}`)).toSorted()
}

test('what another process may still use is left until that is gone', async () => {
  await runMortal('backup', 'journal', TAKEN)
  await using session = await bench.admin()
  const pool = await openXenPool(session)
  await using repository = await openRepository(localBackend(bench.repository), PASSWORD)
  const elsewhere = { pool, repository, ledger: fileLedger(join(bench.directory, 'another machine')) }
  const snapshotActions = ({ verdicts }: Inspection) =>
    verdicts.filter(({ leftover }) => leftover.kind === 'vm-snapshot').map(({ action }) => action)
  const seen = await inspectPool(elsewhere, { othersAtWork: true })
  expect(snapshotActions(seen)).toEqual(['leave'])
  const alone = await inspectPool(elsewhere, { othersAtWork: false })
  expect(snapshotActions(alone)).toEqual(['remove'])
  await tidyPool(elsewhere, alone)
  expect(await census(session)).toEqual(usual)
}, 60_000)

test('a run that fails on a pool that will not tidy either keeps its journal: the next one tidies, whoever else is at work', async () => {
  await using admin = await bench.admin()
  await using other = await openRepository(localBackend(bench.repository), PASSWORD)
  await using _ = await other.lock('shared') // so that marks alone do not tell whose a thing is
  const refused = { action: 'fail' as const, failure: ['INTERNAL_ERROR', 'simulated'] }
  const kept = { at: 'call', times: 'always', do: refused } as const
  const journals = () => readdir(join(bench.directory, 'state', 'runs'))

  await guestWrites(bench.lab, vdi, [3], 'read in vain')
  const unread = { id: 'unread', at: 'nbd-reply', do: { action: 'error' } } as const
  const snapshotStays = { ...kept, id: 'snapshot stays', match: { method: '*VM.destroy' } }
  const backup = () => bench.tidemark('backup', 'web', '--no-resume')
  expect((await bench.withFaults([unread, snapshotStays], backup)).code).toBe(1)
  expect(await census(admin)).not.toEqual(usual)
  expect(await journals()).toHaveLength(1)
  await succeed(backup())
  expect(await census(admin)).toEqual(usual)

  const unwritten = { id: 'unwritten', at: 'transfer', match: {}, times: 'always', do: refused } as const
  const diskStays = { ...kept, id: 'disk stays', match: { method: '*VDI.destroy' } }
  const restore = () => bench.tidemark('restore', 'web', '--new-vm', '--name', 'restored')
  expect((await bench.withFaults([unwritten, diskStays], restore)).code).toBe(1)
  expect(await census(admin)).toEqual({ ...usual, disks: 2 })
  expect(await journals()).toHaveLength(1)
  await succeed(restore())
  await removeVm(admin, 'restored')
  expect(await census(admin)).toEqual(usual)
  expect(await journals()).toEqual([])
}, 60_000)

test('processes that are killed at a call to the pool: the next run completes, and the pool is clean', async () => {
  const points = await playProcessKills({ seed: 2, each: 1, onPoint: () => {} })
  expect(points.map((point) => point.split(':')[0])).toEqual(['backup', 'restore', 'new-disk', 'over'])
}, 180_000)
