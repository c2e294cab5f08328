import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostRef, SessionRef, TaskRef } from '@tidemark/xenapi'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Sessions } from '../src/calls/sessions.ts'
import { Tasks } from '../src/calls/tasks.ts'
import { Database } from '../src/database/database.ts'
import { labDefaults } from '../src/options.ts'
import { loggedIn, testLab } from './harness.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const host = 'OpaqueRef:host' as HostRef

let directory: string
let db: Database
let tasks: Tasks
let sessions: Sessions
let now: number
let count = 0

beforeEach(async () => {
  now = Date.UTC(2026, 0, 1)
  directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-tasks-'))
  db = new Database({ directory, newUuid: () => `00000000-0000-0000-0000-${String(++count).padStart(12, '0')}` })
  const clock = { now: () => new Date(now) }
  tasks = new Tasks(db, clock, () => host)
  sessions = new Sessions(db, { ...labDefaults, directory, password: 'secret', clock }, () => host)
})
afterEach(async () => {
  db.close()
  await rm(directory, { recursive: true, force: true })
})

const remaining = (): TaskRef[] => db.all('task').map(([ref]) => ref)

function ended(): TaskRef {
  const task = tasks.create('done')
  tasks.succeed(task, '')
  return task
}

test('a finished task is there for 65 minutes', () => {
  const task = ended()
  now += 64 * MINUTE
  tasks.collect()
  expect(remaining()).toEqual([task])
  now += 2 * MINUTE
  tasks.collect()
  expect(remaining()).toEqual([])
})

test('a pending task of more than a day goes when it made no progress between two passes', () => {
  const [hung, slow] = [tasks.create('hung'), tasks.create('slow')]
  const running = tasks.run(slow)
  now += DAY + MINUTE
  tasks.collect()
  expect(remaining()).toEqual([hung, slow])
  running.progress(0.1)
  tasks.collect()
  expect(remaining()).toEqual([slow])
  running.progress(0.2)
  tasks.collect()
  tasks.collect()
  expect(remaining()).toEqual([])
})

test('above 200 tasks, only the newest finished ones stay, fewer the more there are', () => {
  for (let n = 0; n < 150; n++) tasks.create('pending')
  const finished = Array.from({ length: 120 }, () => {
    now += 1000
    return ended()
  })
  tasks.collect()
  const left = new Set(remaining())
  expect(left.size).toBe(150 + 80)
  expect(finished.filter((task) => left.has(task))).toEqual(finished.slice(-80))
})

test('a pending task that somebody destroyed goes when it has ended, not before', () => {
  const task = tasks.create('work')
  const running = tasks.run(task)
  tasks.destroy(task)
  expect(db.get('task', task).current_operations).toEqual({ task: 'destroy' })
  tasks.collect()
  expect(running.signal.aborted).toBe(false)
  tasks.succeed(task, '<value></value>')
  expect(db.get('task', task).status).toBe('success')
  tasks.collect()
  expect(remaining()).toEqual([])
})

test('a cancel that comes before the work begins takes effect; one that comes after the end does nothing', () => {
  const task = tasks.create('upload')
  tasks.cancel(task)
  expect(tasks.run(task).signal.aborted).toBe(true)
  tasks.fail(task, ['TASK_CANCELLED', task])
  expect(db.get('task', task)).toMatchObject({ status: 'cancelled', error_info: ['TASK_CANCELLED', task], progress: 1 })
  tasks.cancel(task)
  expect(db.get('task', task).status).toBe('cancelled')
})

test('what its owner ended stays as the owner said', () => {
  const task = tasks.create('own')
  tasks.run(task)
  db.update('task', task, { status: 'failure' })
  tasks.succeed(task, 'too late')
  expect(db.get('task', task)).toMatchObject({ status: 'failure', result: '' })
})

test('a login ends after a day without use, but not while it has pending tasks', async () => {
  const [idle, busy] = [await sessions.login('root', 'secret', 'a'), await sessions.login('root', 'secret', 'a')]
  const task = tasks.create('long', '', busy)
  now += DAY + MINUTE
  sessions.collect(tasks.owners())
  expect([sessions.isValid(idle), sessions.isValid(busy)]).toEqual([false, true])
  tasks.succeed(task, '')
  sessions.collect(tasks.owners())
  expect(sessions.isValid(busy)).toBe(false)
})

test('of more than 500 logins of one originator the longest unused end; 400 of those that name none', async () => {
  const login = async (originator: string): Promise<SessionRef> => {
    now += 1000
    return sessions.login('root', 'secret', originator)
  }
  const named: SessionRef[] = []
  for (let n = 0; n < 503; n++) named.push(await login('tidemark'))
  const nameless: SessionRef[] = []
  for (let n = 0; n < 401; n++) nameless.push(await login(''))
  sessions.collect()
  expect(named.map((each) => sessions.isValid(each)).indexOf(true)).toBe(3)
  expect(nameless.map((each) => sessions.isValid(each)).indexOf(true)).toBe(1)
})

test('a client sees its own task through: progress, result, error, status, and the wish to be rid of it', async () => {
  await using world = await testLab()
  const api = await loggedIn(world)
  const task = (await api.call('task.create', 'mine', 'by hand')) as string
  expect(await api.call('task.get_allowed_operations', task)).toEqual(['cancel', 'destroy'])
  await api.call('task.set_progress', task, 0.5)
  await api.call('task.set_result', task, '<value>1</value>')
  await api.call('task.set_error_info', task, ['A', 'b'])
  await api.call('task.destroy', task)
  expect(await api.call('task.get_record', task)).toMatchObject({
    status: 'pending',
    progress: 0.5,
    result: '<value>1</value>',
    error_info: ['A', 'b'],
    current_operations: { task: 'destroy' },
  })
  await api.call('task_set_status', task, 'success')
  expect(await api.call('task.get_allowed_operations', task)).toEqual([])
  await api.call('task.destroy', task)
  expect(await api.failure('task.get_status', task)).toEqual(['HANDLE_INVALID', 'task', task])
})
