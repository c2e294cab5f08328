import type { FaultPlan } from '@tidemark/lab'
import { expect, test } from 'vitest'
import { calm, type Trouble } from './simulation/faults.ts'
import { playKillPoints } from './simulation/kill-points.ts'
import { Killed, Life, living } from './simulation/life.ts'
import { expectClean, removeComplete } from './simulation/play.ts'
import { layFoundation, openScene, type Scene } from './simulation/scene.ts'
import { playSeeds } from './simulation/seeds.ts'
import { backup, restore, tidy } from './simulation/steps.ts'
import { inLife, type Tools } from './simulation/work.ts'
import { seeded } from './support/random.ts'

test('200 lives of pools full of faults: every point is the disk at its instant, and the janitor leaves nothing of ours', async () => {
  const failures: string[] = []
  const { points, fired } = await playSeeds({ from: 1, count: 200, length: 'short' }, ({ seed, trace, failure }) => {
    if (failure !== undefined) failures.push([`seed ${seed}: ${failure}`, ...trace].join('\n'))
  })
  expect(failures).toEqual([])
  expect(points).toBeGreaterThan(400)
  expect(Object.keys(fired)).toEqual(expect.arrayContaining(['kill', 'call', 'request', 'task', 'nbd-reply', 'others']))
}, 600_000)

test('a backup and a restore that are killed at calls to pool, journal and storage: the next run completes, and the pool is clean', async () => {
  const points = await playKillPoints({ every: 37, onPoint: () => {} })
  expect(points.filter((point) => point.startsWith('backup: killed')).length).toBeGreaterThan(4)
  expect(points.filter((point) => point.startsWith('restore: killed')).length).toBeGreaterThan(1)
}, 120_000)

test('a life that is over does nothing more, clean-up included', async () => {
  const done: string[] = []
  const life = new Life(2)
  const vm = { make: async () => done.push('made'), destroy: async () => done.push('destroyed') }
  const pool = living({ vm }, life)
  await pool.vm.make()
  await expect(pool.vm.destroy()).rejects.toThrow(Killed)
  await expect(pool.vm.destroy()).rejects.toThrow('killed before vm.destroy')
  expect(done).toEqual(['made'])
})

/** A pool with one VM that has a restore point. */
async function sceneWithPoint(foundation: Awaited<ReturnType<typeof layFoundation>>): Promise<Scene> {
  const scene = await openScene(1, 'short', foundation)
  await scene.machines.create(seeded('vm'))
  expect(await run(scene)).toMatch(/^point /)
  return scene
}

/** A backup under faults. @returns what came of it */
const run = (scene: Scene, ...lab: FaultPlan['faults']): Promise<string> => runIn(scene, { ...calm, lab })

function runIn(scene: Scene, trouble: Trouble): Promise<string> {
  const [vm] = scene.machines.all
  if (vm === undefined) throw new Error('no VM')
  scene.clock.skip(3600_000)
  return inLife(scene, trouble, seeded('run'), (tools) => backup(tools, vm.uuid))
}

test('a snapshot whose task fails after its work was done does not stay', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const failure = ['INTERNAL_ERROR', 'late']
  const fails = { action: 'fail', failure, work: 'done' } as const
  expect(await run(scene, { id: 'late', at: 'task', match: { method: 'Async.VM.snapshot' }, do: fails })).toContain(
    'INTERNAL_ERROR',
  )
  await expectClean(scene)
}, 60_000)

test('a new disk whose task fails after its work was done does not stay', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const fails = { action: 'fail' as const, failure: ['INTERNAL_ERROR', 'late'], work: 'done' as const }
  const lab: FaultPlan['faults'] = [{ id: 'late', at: 'task', match: { method: 'Async.VDI.create' }, do: fails }]
  expect(await inLife(scene, { ...calm, lab }, seeded('restore'), restore)).toContain('INTERNAL_ERROR')
  await expectClean(scene)
}, 60_000)

test('a new disk that a proxy has made twice does not stay twice', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const twice = {
    id: 'twice',
    at: 'request',
    match: { method: 'Async.VDI.create' },
    do: { action: 'duplicate' },
  } as const
  expect(await inLife(scene, { ...calm, lab: [twice] }, seeded('restore'), restore)).toContain('equal')
  await expectClean(scene)
}, 60_000)

test('a VM whose import was made, and its answer lost, does not stay', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const fails = { action: 'fail' as const, failure: ['VDI_IO_ERROR', 'late'] }
  const lab: FaultPlan['faults'] = [{ id: 'late', at: 'transfer', match: { path: '/import_metadata' }, do: fails }]
  expect(await inLife(scene, { ...calm, lab }, seeded('restore'), restore)).toContain('VDI_IO_ERROR')
  await expectClean(scene)
}, 60_000)

test('disks of a snapshot that cannot go with it, and were not marked yet, are found by the doctor', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const fails = { action: 'fail' as const, failure: ['INTERNAL_ERROR', 'not now'] }
  const result = await run(
    scene,
    { id: 'before its marks', at: 'call', match: { method: 'VM.add_to_other_config' }, do: fails },
    { id: 'stuck', at: 'call', match: { method: 'Async.VDI.destroy' }, do: fails, times: 9 },
  )
  expect(result).toContain('INTERNAL_ERROR')
  expect(await inLife(scene, calm, seeded('tidy'), tidy)).toContain('remove disk-snapshot')
  await expectClean(scene)
}, 60_000)

test('disks of a snapshot whose tidying died behind the snapshot of the VM are found by the doctor', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  expect(await runIn(scene, { ...calm, killAfter: 'VM.add_to_other_config' })).toMatch(/^killed/)
  expect(await runIn(scene, { ...calm, killAfter: 'Async.VDI.destroy' })).toMatch(/^killed/)
  expect(await inLife(scene, calm, seeded('tidy'), tidy)).toContain('remove disk-snapshot')
  await expectClean(scene)
}, 60_000)

test('a snapshot that was made although its task failed, and cannot go, is found by the doctor', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const fails = { action: 'fail' as const, failure: ['INTERNAL_ERROR', 'no'] }
  const result = await run(
    scene,
    { id: 'late', at: 'task', match: { method: 'Async.VM.snapshot' }, do: { ...fails, work: 'done' as const } },
    { id: 'stuck', at: 'call', match: { method: 'Async.VM.destroy' }, do: fails },
  )
  expect(result).toContain('INTERNAL_ERROR')
  expect(await inLife(scene, calm, seeded('tidy'), tidy)).toContain('remove vm-snapshot')
  await expectClean(scene)
}, 60_000)

test('a VM of a restore that died before it was noted goes with its disks when the next restore begins', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const death = { ...calm, killAfter: 'VM.set_name_label' }
  expect(await inLife(scene, death, seeded('restore'), restore)).toBe('killed before VM.set_name_label')
  expect(await inLife(scene, calm, seeded('restore'), restore)).toMatch(/equal$/)
  await removeComplete(scene)
  await expectClean(scene)
}, 60_000)

test('a base whose run died while it changed its marks is found, and goes when a newer one is there', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  for (const [ref, { type }] of Object.entries(await scene.admin.VDI.get_all_records())) {
    const vdi = ref as Parameters<typeof scene.admin.VDI.remove_from_other_config>[0]
    if (type === 'cbt_metadata') await scene.admin.VDI.remove_from_other_config(vdi, 'tidemark:role')
  }
  expect(await run(scene)).toMatch(/^point .*incremental/)
  await expectClean(scene)
}, 60_000)

test('a snapshot that two runs could not tidy goes in one pass: a newer point is there, and it is no base any more', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const fails = { action: 'fail' as const, failure: ['INTERNAL_ERROR', 'not now'] }
  const stuck = { at: 'call' as const, match: { method: 'Async.VM.destroy' }, do: fails }
  expect(await run(scene, { ...stuck, id: 'own' })).toContain('somebody should look')
  expect(await run(scene, { ...stuck, id: 'of the run before' })).toContain('somebody should look')
  expect(await inLife(scene, calm, seeded('tidy'), tidy)).toContain('remove vm-snapshot')
  await expectClean(scene)
}, 60_000)

const LATE = { action: 'stall' as const, work: 'skipped' as const, ms: 900 }
const given = (lab: FaultPlan['faults']): Trouble => ({ ...calm, lab, callTimeoutMs: 600 })

test('a snapshot that the pool takes after its run has given it up is found by the doctor', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const match = { method: 'Async.VM.snapshot' }
  expect(await runIn(scene, given([{ id: 'late', at: 'task', match, do: LATE }]))).toBe('ENGINE_LATE')
  expect(await inLife(scene, calm, seeded('tidy'), tidy)).toContain('remove vm-snapshot')
  await expectClean(scene)
}, 60_000)

test('a disk that the pool makes after its restore has given it up is found, though a doctor came before it', async () => {
  await using foundation = await layFoundation()
  await using scene = await sceneWithPoint(foundation)
  const lab: FaultPlan['faults'] = [{ id: 'late', at: 'task', match: { method: 'Async.VDI.create' }, do: LATE }]
  const early = async (tools: Tools) => {
    const error: unknown = await restore(tools).catch((reason: unknown) => reason)
    expect(await tidy(tools)).toBe('nothing to do') // it is not there yet, and the journal has to stay
    throw error
  }
  expect(await inLife(scene, given(lab), seeded('restore'), early)).toBe('ENGINE_LATE')
  expect(await inLife(scene, calm, seeded('tidy'), tidy)).toContain('remove new-disk')
  await expectClean(scene)
}, 60_000)
