import { expect, test } from 'vitest'
import { login, type SessionOptions, type VdiRef, type VmRef } from '../src/index.ts'
import { Failure, SESSION, startPool, type TestPool } from './pool.ts'

const credentials = { username: 'root', password: 'secret' }
const enter = (pool: TestPool, options: Partial<SessionOptions> = {}) =>
  login({ url: pool.url, trust: { kind: 'plain' } }, credentials, options)
const vdi = 'OpaqueRef:d15c' as VdiRef
const vm = 'OpaqueRef:7777' as VmRef
const logins = (pool: TestPool) => pool.log.filter((entry) => entry.endsWith('login_with_password')).length

test('a session that expired is replaced, for a change as well, and every call after that uses the new one', async () => {
  let changes = 0
  await using pool = await startPool({ calls: { 'VDI.snapshot': () => (changes++, vdi), 'VM.get_all': () => [vm] } })
  await using session = await enter(pool)
  pool.sessions.clear()
  expect(await session.VDI.snapshot(vdi)).toBe(vdi)
  expect(changes).toBe(1)
  expect(await session.VM.get_all()).toEqual([vm])
  expect(session.ref).not.toBe(SESSION)
  expect([...pool.sessions]).toEqual([session.ref])
  expect(logins(pool)).toBe(2)
})

test('twenty calls that find their session expired share one new login', async () => {
  await using pool = await startPool({ calls: { 'VM.get_all': () => [vm] } })
  await using session = await enter(pool)
  pool.sessions.clear()
  expect(await Promise.all(Array.from({ length: 20 }, () => session.VM.get_all()))).toHaveLength(20)
  expect(logins(pool)).toBe(2)
})

test('a call by its name alone is made again as well, with the new session in its place', async () => {
  await using pool = await startPool({ calls: { 'Brand.new_call': () => 'made' } })
  await using session = await enter(pool)
  pool.sessions.clear()
  expect(await session.call('Brand.new_call', ['x'])).toBe('made')
  expect(session.ref).not.toBe(SESSION)
})

test('a password that was changed meanwhile is a clear error', async () => {
  let isChanged = false
  await using pool = await startPool({
    calls: {
      'session.login_with_password': () => {
        if (isChanged) throw new Failure('SESSION_AUTHENTICATION_FAILED', 'root', 'Authentication failure')
        return SESSION
      },
    },
  })
  await using session = await enter(pool)
  pool.sessions.clear()
  isChanged = true
  await expect(session.VM.get_all()).rejects.toMatchObject({
    failure: ['SESSION_AUTHENTICATION_FAILED', 'root', 'Authentication failure'],
    message: expect.stringContaining('the user name or the password is wrong'),
  })
})

test('a session that is refused whatever is done ends in its failure, not in a loop', async () => {
  await using pool = await startPool({
    calls: {
      'VM.get_all': () => {
        throw new Failure('SESSION_INVALID', 'x')
      },
    },
  })
  await using session = await enter(pool)
  await expect(session.VM.get_all()).rejects.toMatchObject({ failure: ['SESSION_INVALID', 'x'] })
  expect(logins(pool)).toBeLessThan(6)
})

test('whoever logs out stays out', async () => {
  await using pool = await startPool({ calls: { 'VM.get_all': () => [vm] } })
  await using session = await enter(pool)
  await session.session.logout()
  await expect(session.VM.get_all()).rejects.toMatchObject({ failure: ['SESSION_INVALID', '[session]'] })
  await session[Symbol.asyncDispose]()
  expect(logins(pool)).toBe(1)
})

test('events do not go on from a token under a new session: EVENTS_LOST says that they begin anew', async () => {
  await using pool = await startPool()
  await using session = await enter(pool)
  const { token } = await session.event.from(['task/x'], '', 0)
  pool.sessions.clear()
  await expect(session.event.from(['task/x'], token, 0)).rejects.toMatchObject({ failure: ['EVENTS_LOST'] })
  expect(session.ref).not.toBe(SESSION)
  expect((await session.event.from(['task/x'], '', 0)).events).toEqual([])
  pool.sessions.clear()
  expect((await session.event.from(['task/x'], '', 0)).events).toEqual([])
})

test('a task is waited for across sessions', async () => {
  let task = ''
  await using pool = await startPool({ calls: { 'Async.VM.snapshot': () => (task = pool.tasks.create()) } })
  await using session = await enter(pool)
  setTimeout(() => pool.sessions.clear(), 30)
  setTimeout(() => pool.tasks.wake(), 60)
  setTimeout(() => pool.tasks.end(task, { result: `<value>${vm}</value>` }), 90)
  expect(await session.Async.VM.snapshot(vm, 'name')).toBe(vm)
})

test('a transfer goes out under the session that counts', async () => {
  const used: (string | null)[] = []
  await using pool = await startPool({
    calls: { 'VDI.get_virtual_size': () => 4 },
    http: (_, response, url) => {
      used.push(url.searchParams.get('session_id'))
      pool.tasks.end(url.searchParams.get('task_id') ?? '', { result: '' })
      response.writeHead(200).end('data')
    },
  })
  await using session = await enter(pool)
  pool.sessions.clear()
  await using disk = await session.exportRawVdi(vdi, { format: 'raw' })
  for await (const bytes of disk.body) expect(Buffer.from(bytes).toString()).toBe('data')
  expect(used).toEqual([session.ref])
})
