import { setTimeout as pause } from 'node:timers/promises'
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

/** Refuses so many calls with a code. */
const refusing = (times: number, ...failure: string[]) => {
  let left = times
  return () => {
    if (left-- > 0) throw new Failure(...failure)
    return vdi
  }
}

test('a call that is refused for now is made again by those who have patience, and by no others', async () => {
  await using pool = await startPool({
    calls: {
      'VDI.snapshot': refusing(1, 'TOO_MANY_PENDING_TASKS'),
      'VDI.clone': refusing(1, 'OTHER_OPERATION_IN_PROGRESS', 'VDI', vdi, 'copy', 'OpaqueRef:7'),
      'VDI.copy': refusing(1, 'SR_FULL', '1', '2'),
    },
  })
  await using session = await enter(pool)
  await expect(session.VDI.snapshot(vdi)).rejects.toMatchObject({ failure: ['TOO_MANY_PENDING_TASKS'] })
  await using patient = await enter(pool, { patienceMs: 60_000 })
  expect(await patient.VDI.clone(vdi)).toBe(vdi)
  await expect(patient.VDI.copy(vdi, vdi as never)).rejects.toMatchObject({ failure: ['SR_FULL', '1', '2'] })
})

test('patience ends, and can be left', async () => {
  await using pool = await startPool({ calls: { 'VDI.snapshot': refusing(1000, 'TOO_MANY_PENDING_TASKS') } })
  await using session = await enter(pool)
  await expect(session.VDI.snapshot(vdi, { patienceMs: 20 })).rejects.toMatchObject({
    failure: ['TOO_MANY_PENDING_TASKS'],
  })
  expect(pool.log.filter((entry) => entry.endsWith('VDI.snapshot')).length).toBeGreaterThan(1)
  const stop = new AbortController()
  const call = session.VDI.snapshot(vdi, { patienceMs: 60_000, signal: stop.signal })
  setTimeout(() => stop.abort(new Error('enough')), 30)
  await expect(call).rejects.toThrow('enough')
})

test('a task whose failure says "not now" is started again', async () => {
  let starts = 0
  await using pool = await startPool({
    calls: {
      'Async.VM.snapshot': () => {
        const task = pool.tasks.create()
        if (starts++ === 0) pool.tasks.end(task, { failure: ['OTHER_OPERATION_IN_PROGRESS', 'VM', vm] })
        else pool.tasks.end(task, { result: `<value>${vm}</value>` })
        return task
      },
    },
  })
  await using session = await enter(pool, { patienceMs: 60_000 })
  expect(await session.Async.VM.snapshot(vm, 'name')).toBe(vm)
  expect([starts, pool.tasks.destroyed.length]).toEqual([2, 2])
})

test('a few calls at once reach the pool, whoever waits for events aside', async () => {
  let [going, most] = [0, 0]
  await using pool = await startPool({
    calls: {
      'VM.get_all': async () => {
        most = Math.max(most, ++going)
        await new Promise((resolve) => setTimeout(resolve, 5))
        going--
        return [vm]
      },
    },
  })
  await using session = await enter(pool, { callsAtOnce: 3 })
  const stop = new AbortController()
  const { token } = await session.event.from(['task/x'], '', 0)
  const waiting = Array.from({ length: 5 }, () => session.event.from(['task/x'], token, 60, { signal: stop.signal }))
  await Promise.all(Array.from({ length: 30 }, () => session.VM.get_all()))
  expect(most).toBe(3)
  stop.abort(new Error('enough'))
  for (const call of waiting) await expect(call).rejects.toThrow('enough')
})

test('a change that is not answered in time says that it may have taken effect', async () => {
  await using pool = await startPool({ calls: { 'VDI.snapshot': () => new Promise(() => {}) } })
  await using session = await enter(pool)
  await expect(session.VDI.snapshot(vdi, { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'XENAPI_TIMEOUT',
    message: expect.stringContaining('VDI.snapshot may have taken effect'),
  })
})

test('a task that comes no further is given up and cancelled; one that does is waited for, however long it takes', async () => {
  const made: string[] = []
  let pool: TestPool | undefined
  pool = await startPool({
    calls: {
      'Async.VM.snapshot': () => {
        const task = pool?.tasks.create() ?? ''
        made.push(task)
        return task
      },
    },
  })
  await using open = pool
  await using session = await enter(open, { callTimeoutMs: 1000 })
  await expect(session.Async.VM.snapshot(vm, 'stuck')).rejects.toMatchObject({ code: 'XENAPI_TIMEOUT' })
  expect(open.tasks.cancelled).toEqual(made)
  const slow = session.Async.VM.snapshot(vm, 'slow')
  for (let step = 1; step <= 8; step++) {
    await pause(200)
    Object.assign(open.tasks.records.get(made[1] ?? '') ?? {}, { progress: step / 10 })
    open.tasks.wake()
  }
  open.tasks.end(made[1] ?? '', { result: `<value>${vm}</value>` })
  expect(await slow).toBe(vm)
})

test('a task that cannot be followed has not failed for that, and is not started again: its outcome is unknown', async () => {
  for (const code of ['INTERNAL_ERROR', 'TOO_MANY_PENDING_TASKS']) {
    let starts = 0
    await using pool = await startPool({
      calls: {
        'Async.VM.snapshot': () => {
          starts++
          return 'OpaqueRef:7a5c'
        },
        'event.from': () => {
          throw new Failure(code)
        },
      },
    })
    await using session = await enter(pool)
    await expect(session.Async.VM.snapshot(vm, 'name', [], { patienceMs: 5000 })).rejects.toMatchObject({
      code: 'XENAPI_TASK',
      cause: { failure: [code] },
    })
    expect(starts).toBe(1)
  }
})

test('a task whose start was not answered is not started again: its outcome is unknown', async () => {
  let starts = 0
  await using pool = await startPool({
    calls: {
      'Async.VM.snapshot': (_, { socket }) => {
        starts++
        socket.destroy()
      },
    },
  })
  await using session = await enter(pool)
  await expect(session.Async.VM.snapshot(vm, 'name')).rejects.toMatchObject({
    code: 'XENAPI_TASK',
    message: expect.stringContaining('Async.VM.snapshot may have been started'),
  })
  expect(starts).toBe(1)
})

test('a task that was started in a pool that then went away has an unknown outcome, also when nothing more was sent', async () => {
  const pool = await startPool({ calls: { 'Async.VM.snapshot': () => pool.tasks.create() } })
  await using session = await enter(pool, { outageMs: 0 })
  const result = expect(session.Async.VM.snapshot(vm, 'name')).rejects.toMatchObject({ code: 'XENAPI_TASK' })
  while (!pool.log.includes('json event.from')) await new Promise((resolve) => setTimeout(resolve, 5))
  await pool[Symbol.asyncDispose]()
  await result
}, 20_000)
