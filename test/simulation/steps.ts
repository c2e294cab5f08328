import {
  backupDefaults,
  backupVm,
  chooseVm,
  Limits,
  explain,
  inspectPool,
  listPoints,
  openPoint,
  restoreAsNewVm,
  restoreOver,
  resumeDefaults,
  tidyPool,
  type BackupEvent,
  type BackupOptions,
  type RestoredVm,
} from '@tidemark/engine'
import { forget, planForget, prune } from '@tidemark/repository'
import type { Session, VdiRef, VmRef } from '@tidemark/xenapi'
import type { Random } from '../support/random.ts'
import { freeDisk } from './machines.ts'
import { expectEqual, Finding } from './oracle.ts'
import type { Scene } from './scene.ts'
import type { Tools } from './work.ts'

/** Backs a VM up; its guests write meanwhile. */
export async function backup({ scene, pool, repository, ledger, life, trouble, random }: Tools, uuid: string) {
  const writes: Promise<void>[] = []
  const wrong: BackupEvent[] = []
  const on = (event: BackupEvent): void => {
    if (event.type === 'wrong-bitmap') wrong.push(event)
    if (event.type === 'plan') expectReasons(event)
    if (event.type === 'stage' && event.stage === 'disks') writes.push(guestWrites(scene, random))
  }
  try {
    const vm = chooseVm(await pool.vms(), uuid)
    const context = { pool, repository, clock: scene.clock, tool: 'simulation', ledger, limits: oneDiskAtATime(), on }
    const { point, record, clean } = await backupVm(context, vm, drawOptions(random, trouble.isLying))
    if (life.killedAt !== undefined) return 'killed'
    scene.oracle.acknowledge(point.id)
    const disks = record.disks.map(({ action }) => action).join(', ')
    const also = `${wrong.length > 0 ? ', the bitmap lied' : ''}${clean ? '' : ', somebody should look'}`
    return `point ${point.id.slice(0, 8)}: ${disks}${also}`
  } finally {
    await Promise.all(writes)
  }
}

/** So that a seed plays the same each time. */
const oneDiskAtATime = () => new Limits({ disks: 1 })

function drawOptions(random: Random, isLying: boolean): BackupOptions {
  const audit = random.pick([undefined, backupDefaults.audit, { runs: 3, samples: 2 }])
  const source = random.chance(15) ? random.pick(['vhd', 'raw', 'nbd'] as const) : undefined
  return {
    ...backupDefaults,
    full: random.chance(3),
    source,
    audit: isLying ? { runs: 1, samples: 0 } : audit,
    resume: random.chance(10) ? undefined : { ...resumeDefaults, everyMs: random.pick([0, 10_000]) },
  }
}

function expectReasons({ plan }: Extract<BackupEvent, { type: 'plan' }>): void {
  for (const disk of plan.disks) {
    if (explain(disk) === '') throw new Finding(`the plan for disk ${disk.disk.position} gives no reason`)
  }
}

/** What is written behind a snapshot must not be seen in its point. */
async function guestWrites({ machines }: Scene, random: Random): Promise<void> {
  for (const { disks } of machines.all) {
    for (const disk of disks) if (random.chance(40)) await machines.write(disk, random)
  }
}

/** Restores a point as a new VM, compares it, and removes it as an administrator would. */
export async function restore({ scene, pool, repository, ledger, random, life, afterwards }: Tools): Promise<string> {
  await using _lock = await repository.lock('shared')
  const chosen = random.maybe(await listPoints(repository))
  if (chosen === undefined) return 'no point yet'
  await repository.loadIndex()
  const point = await openPoint(repository, chosen)
  const name = `restored ${random.int(1_000_000)}`
  const done = await restoreAsNewVm({ pool, repository, ledger, onDisk: () => {} }, point, { name, storage: undefined })
  if (life.killedAt !== undefined) return 'killed'
  afterwards.push(() => removeVm(scene.admin, done.vm.uuid))
  await expectRestored(scene, done, scene.oracle.contentsOf(point.record.snapshot))
  return `point ${point.id.slice(0, 8)} is '${name}', equal`
}

async function expectRestored({ lab }: Scene, { disks }: RestoredVm, contents: ReadonlyMap<string, Buffer>) {
  for (const { record, vdiUuid } of disks) {
    const expected = contents.get(record.vdi) ?? Buffer.alloc(0)
    const actual = await lab.control.readDisk(vdiUuid, 0, record.size)
    expectEqual(actual, expected, `restored disk ${record.position}`)
  }
}

/** Restores a point over the disks that it was made of, where they are still there and nobody uses them. */
export async function restoreBack({ scene, pool, repository, ledger, random, life }: Tools): Promise<string> {
  await using _lock = await repository.lock('shared')
  const chosen = random.maybe(await listPoints(repository))
  if (chosen === undefined) return 'no point yet'
  await repository.loadIndex()
  const point = await openPoint(repository, chosen)
  const contents = scene.oracle.contentsOf(point.record.snapshot)
  const disks = scene.machines.all.flatMap((vm) => vm.disks).filter(({ uuid }) => contents.has(uuid))
  let isDone = false
  try {
    await restoreOver({ pool, repository, ledger, onDisk: () => {} }, point, point.record.disks)
    isDone = life.killedAt === undefined
    return `point ${point.id.slice(0, 8)} over its disks`
  } finally {
    for (const disk of disks) {
      const now = Buffer.from(await scene.lab.control.readDisk(disk.uuid, 0, disk.data.length))
      if (isDone) expectEqual(now, contents.get(disk.uuid) ?? now, 'a disk restored in its place')
      disk.data = now
    }
  }
}

/** Forgets points by a rule or at random, and prunes. */
export async function retire({ scene, repository, random }: Tools): Promise<string> {
  await using lock = await repository.lock('exclusive')
  const points = await listPoints(repository)
  if (points.length < 2) return 'too few points'
  const some = points.filter(() => random.chance(40)).map(({ snapshot }) => snapshot.id)
  const last = 1 + random.int(3)
  const request = random.chance(50) && some.length > 0 ? { snapshots: some } : { rules: { last } }
  const plan = await planForget(repository, request)
  scene.oracle.release(points.filter(({ snapshot }) => plan.remove.includes(snapshot.id)).map(({ id }) => id))
  await forget(repository, plan, lock)
  const { packs } = await prune(repository, lock, { maxUnused: { bytes: 0 }, packSize: scene.options.packSize })
  return `${plan.remove.length} of ${points.length} forgotten, ${JSON.stringify(packs)}`
}

/** The janitor, as `tidemark doctor` runs it. */
export async function tidy({ scene, pool, repository, ledger }: Tools): Promise<string> {
  const context = { pool, repository, ledger, clock: scene.clock }
  const inspection = await inspectPool(context, { othersAtWork: await repository.isShared(), leaveResumable: true })
  const failed = await tidyPool(context, inspection)
  const verdicts = inspection.verdicts.filter(({ action }) => action !== 'leave')
  const said = verdicts.map(({ action, leftover }) => `${action} ${leftover.kind}`).join(', ') || 'nothing to do'
  return failed.length === 0 ? said : `${said}; ${failed.length} not done`
}

/** As an administrator does, who waits until the control domain has let go, and unplugs what it kept. */
export async function removeVm(admin: Session, uuid: string): Promise<void> {
  const vm: VmRef = await admin.VM.get_by_uuid(uuid)
  const vbds = await Promise.all((await admin.VM.get_VBDs(vm)).map((vbd) => admin.VBD.get_record(vbd)))
  await admin.VM.destroy(vm)
  for (const { VDI, empty, type } of vbds) if (!empty && type === 'Disk') await removeDisk(admin, VDI)
}

async function removeDisk(admin: Session, vdi: VdiRef): Promise<void> {
  await freeDisk(admin, vdi)
  await admin.VDI.destroy(vdi)
}
