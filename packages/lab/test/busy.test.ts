import { setTimeout as sleep } from 'node:timers/promises'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionRef, TaskRef, VdiRef } from '@tidemark/xenapi'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ownCall, type Call } from '../src/calls/call.ts'
import { Operations, type Operation } from '../src/calls/operations.ts'
import { Tasks } from '../src/calls/tasks.ts'
import { operateOnVdi } from '../src/classes/vdi-operation.ts'
import { createVdi, destroyVdi } from '../src/classes/vdi.ts'
import { Database } from '../src/database/database.ts'
import { openPool } from '../src/lab.ts'
import { labDefaults } from '../src/options.ts'
import { thePool } from '../src/pool.ts'
import { loggedIn, testLab } from './harness.ts'

let directory: string
let db: Database
let tasks: Tasks
let vdi: VdiRef
let count = 0

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-busy-'))
  db = new Database({ directory, newUuid: () => `00000000-0000-0000-0000-${String(++count).padStart(12, '0')}` })
  tasks = new Tasks(
    db,
    { now: () => new Date(0) },
    () => 'OpaqueRef:host' as ReturnType<ConstructorParameters<typeof Tasks>[2]>,
  )
  vdi = db.insert('VDI', {})
})
afterEach(async () => {
  db.close()
  await rm(directory, { recursive: true, force: true })
})

const registry = (busyWaitMs: number): Operations => new Operations({ db, tasks, options: { busyWaitMs } })

function newCall(): Call {
  const task = tasks.run(tasks.create('test'))
  return { task, signal: task.signal, session: 'OpaqueRef:session' as SessionRef } as Call
}

/** Refused while anything is noted. */
const exclusive = (operation: string): Operation => ({
  class: 'VDI',
  ref: vdi,
  operation,
  refusal: () => {
    const [other] = Object.entries(db.get('VDI', vdi).current_operations)
    return other && ['OTHER_OPERATION_IN_PROGRESS', 'VDI', vdi, other[1], other[0]]
  },
})

test('operations that exclude each other run one after the other, in the order of asking, each noted meanwhile', async () => {
  const operations = registry(10_000)
  const seen: unknown[] = []
  const run = async (name: string): Promise<void> => {
    const call = newCall()
    await operations.during(call, [exclusive(name)], async () => {
      await sleep(2)
      seen.push(db.get('VDI', vdi).current_operations)
      expect(Object.keys(db.get('VDI', vdi).current_operations)).toEqual([call.task?.ref])
    })
  }
  await Promise.all([run('copy'), run('clone'), run('snapshot'), run('destroy')])
  expect(seen.flatMap((noted) => Object.values(noted as object))).toEqual(['copy', 'clone', 'snapshot', 'destroy'])
  expect(db.get('VDI', vdi).current_operations).toEqual({})
  await operations.idle()
})

test('who has waited for too long is told what runs; a cancelled one stops waiting', async () => {
  const operations = registry(30)
  const first = newCall()
  const gate = Promise.withResolvers<void>()
  const running = operations.during(first, [exclusive('copy')], () => gate.promise)
  const late = operations.during(newCall(), [exclusive('clone')], async () => undefined)
  await expect(late).rejects.toMatchObject({
    failure: ['OTHER_OPERATION_IN_PROGRESS', 'VDI', vdi, 'copy', first.task?.ref],
  })
  const third = newCall()
  const cancelled = registry(10_000).during(third, [exclusive('clone')], async () => undefined)
  tasks.cancel(third.task?.ref as TaskRef)
  await expect(cancelled).rejects.toMatchObject({ failure: ['TASK_CANCELLED', third.task?.ref] })
  gate.resolve()
  await running
  expect(operations.isIdle).toBe(true)
})

test('what fails leaves no note, and neither does what removes its object', async () => {
  const operations = registry(10)
  const failing = operations.during(newCall(), [exclusive('copy')], () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(db.get('VDI', vdi).current_operations).toEqual({})
  await operations.during(newCall(), [exclusive('destroy')], async () => db.remove('VDI', vdi))
  expect(operations.isIdle).toBe(true)
})

test('more than a hundred waiting calls are too many', async () => {
  const operations = registry(10_000)
  const gate = Promise.withResolvers<void>()
  const running = operations.during(newCall(), [exclusive('copy')], () => gate.promise)
  const waiting = Array.from({ length: 100 }, () =>
    operations.during(newCall(), [exclusive('clone')], async () => 'done'),
  )
  await expect(operations.during(newCall(), [exclusive('clone')], async () => 'done')).rejects.toMatchObject({
    failure: ['TOO_MANY_PENDING_TASKS'],
  })
  gate.resolve()
  await running
  expect(await Promise.all(waiting)).toHaveLength(100)
})

test('calls on one SR wait for each other; a VM that is being copied can be copied again but not started', async () => {
  await using world = await testLab({ busyWaitMs: 100 })
  const { lab } = world
  const api = await loggedIn(world)
  const vm = await lab.control.createVm({ name: 'big', disks: [{ size: 64 << 20 }] })
  const disk = vm.disks[0]
  if (disk === undefined) throw new Error('no disk')
  for (let at = 0; at < 64 << 20; at += 4 << 20) await lab.control.writeDisk(disk.uuid, at, Buffer.alloc(4 << 20, 1))
  const copies = [
    api.call('VM.copy', vm.ref, 'a', 'OpaqueRef:NULL'),
    api.call('VM.copy', vm.ref, 'b', 'OpaqueRef:NULL'),
  ]
  const noted = async () => Object.values((await api.call('VM.get_current_operations', vm.ref)) as object)
  while (!(await noted()).includes('copy')) await sleep(1)
  expect(await api.call('VM.get_allowed_operations', vm.ref)).toEqual(['clone', 'copy', 'export'])
  expect(await api.call('VDI.get_allowed_operations', disk.ref)).not.toContain('destroy')
  const refused = await api.failure('VM.start', vm.ref, false, false)
  expect(refused.slice(0, 3)).toEqual(['OTHER_OPERATION_IN_PROGRESS', 'VM', vm.ref])
  await Promise.all(copies)
  expect(await noted()).toEqual([])
  const snapshots = Array.from({ length: 8 }, () => api.call('VDI.snapshot', disk.ref))
  expect(new Set(await Promise.all(snapshots)).size).toBe(8)
  await api.call('VM.start', vm.ref, false, false)
  expect(await lab.control.invariants()).toEqual([])
})

test('a cancelled VM snapshot leaves no disk behind', async () => {
  await using world = await testLab()
  const { lab } = world
  const api = await loggedIn(world)
  const vm = await lab.control.createVm({ name: 'many', disks: Array.from({ length: 60 }, () => ({ size: 2 << 20 })) })
  const task = (await api.call('Async.VM.snapshot', vm.ref, 'never')) as string
  await api.call('task.cancel', task)
  while ((await api.call('task.get_status', task)) === 'pending') await sleep(1)
  expect(await api.call('task.get_status', task)).toBe('cancelled')
  expect(await api.call('task.get_error_info', task)).toEqual(['TASK_CANCELLED', task])
  expect(await api.call('VDI.get_all')).toHaveLength(60)
  expect(await lab.control.invariants()).toEqual([])
})

test('a host that wants a disk waits for whoever is at work on it, and gets none that went meanwhile', async () => {
  const stack = new AsyncDisposableStack()
  try {
    const options = { ...labDefaults, directory: join(directory, 'pool'), password: 'secret', detachDelayMs: 0 }
    await mkdir(options.directory)
    const pool = await openPool(stack, options)
    const call = ownCall(pool)
    const [, { default_SR: SR }] = thePool(pool)
    const record = { SR, virtual_size: 1, type: 'user', sharable: false, read_only: false, other_config: {} } as const
    const disk = await createVdi(call, record)
    const gate = Promise.withResolvers<void>()
    const running = operateOnVdi(call, disk, ['snapshot', 'vdi_snapshot'], () => gate.promise)
    const holding = pool.holds.hold(call, disk, 'RO')
    await sleep(5)
    const drives = () => pool.db.get('VDI', disk).VBDs.map((vbd) => pool.db.get('VBD', vbd).currently_attached)
    expect(drives()).toEqual([false])
    gate.resolve()
    await running
    const release = await holding
    expect(drives()).toEqual([true])
    release()
    await pool.holds.settled()
    const going = destroyVdi(call, disk)
    await expect(pool.holds.hold(call, disk, 'RO')).rejects.toMatchObject({ failure: ['HANDLE_INVALID', 'VDI', disk] })
    await going
    expect(pool.operations.isIdle).toBe(true)
  } finally {
    await stack.disposeAsync()
  }
})
