import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { login, XenApiError, type TaskRef, type VdiRef, type VmRef } from '../src/index.ts'
import { Failure, SESSION, startPool, type PoolOptions, type TestPool } from './pool.ts'

const credentials = { username: 'root', password: 'secret' }
const enter = (pool: TestPool, api: 'auto' | 'json' | 'xml' = 'auto') =>
  login({ url: pool.url, trust: { kind: 'plain' } }, credentials, { api })
const vdi = 'OpaqueRef:d15c' as VdiRef
const vm = 'OpaqueRef:7777' as VmRef

const vdiRecord = {
  uuid: '8a45f3ab',
  name_label: 'disk "1" <é>',
  name_description: '',
  allowed_operations: ['clone', 'snapshot'],
  current_operations: { 'OpaqueRef:t': 'copy' },
  SR: 'OpaqueRef:5',
  VBDs: [],
  virtual_size: 1_099_511_627_776,
  physical_utilisation: -1,
  type: 'user',
  sharable: false,
  snapshot_time: new Date('2025-03-19T04:16:24Z'),
  snapshot_of: 'Ref:12',
  other_config: { __proto__x: 'y', 'a b': '' },
  cbt_enabled: true,
}

test('a login tells its version and originator, speaks JSON, and logs out at the end', async () => {
  let given: readonly unknown[] = []
  await using pool = await startPool({
    calls: {
      'session.login_with_password': (params) => {
        given = params
        return SESSION
      },
      'VM.get_all': () => [vm],
    },
  })
  {
    await using session = await enter(pool)
    expect(session).toMatchObject({ api: 'json', url: pool.url })
    expect(await session.VM.get_all()).toEqual([vm])
  }
  expect(given).toEqual(['root', 'secret', '1.0', 'tidemark'])
  expect(pool.log).toEqual(['json session.login_with_password', 'json VM.get_all', 'json session.logout'])
})

test.each(['not found', 'forbidden', 'unknown', 'html', 'xml'] as const)(
  'a server whose JSON is %s is spoken to in XML',
  async (json) => {
    await using pool = await startPool({ json, calls: { 'VM.get_all': () => [vm] } })
    await using session = await enter(pool)
    expect(session.api).toBe('xml')
    expect(await session.VM.get_all()).toEqual([vm])
    expect(pool.log).toEqual(['xml session.login_with_password', 'xml VM.get_all'])
  },
)

test('a wrong password is the failure itself, and is not tried a second time in XML', async () => {
  const failure = ['SESSION_AUTHENTICATION_FAILED', 'root', 'Authentication failure']
  await using pool = await startPool({
    calls: {
      'session.login_with_password': () => {
        throw new Failure(...failure)
      },
    },
  })
  await expect(enter(pool)).rejects.toMatchObject({
    code: 'XENAPI_FAILURE',
    failure,
    message: 'SESSION_AUTHENTICATION_FAILED: the user name or the password is wrong (root, Authentication failure)',
  })
  expect(pool.log).toEqual(['json session.login_with_password'])
})

test('a member of a pool names the coordinator, which is followed once and keeps the port', async () => {
  const hosts: string[] = []
  await using pool = await startPool({
    calls: {
      'session.login_with_password': (_, { headers }) => {
        hosts.push(headers.host ?? '')
        if (headers.host?.startsWith('127.0.0.1') === true) throw new Failure('HOST_IS_SLAVE', 'localhost')
        return SESSION
      },
    },
  })
  const port = new URL(pool.url).port
  await using session = await enter(pool)
  expect(session.url).toBe(`http://localhost:${port}`)
  expect(hosts).toEqual([`127.0.0.1:${port}`, `localhost:${port}`])
})

test('two members that name each other are an error, not a loop', async () => {
  await using pool = await startPool({
    calls: {
      'session.login_with_password': () => {
        throw new Failure('HOST_IS_SLAVE', 'localhost')
      },
    },
  })
  await expect(enter(pool)).rejects.toMatchObject({ failure: ['HOST_IS_SLAVE', 'localhost'] })
  expect(pool.log).toHaveLength(2)
})

test.each(['json', 'xml'] as const)(
  'a record is the same in %s: numbers, dates, maps, and foreign references as null',
  async (api) => {
    await using pool = await startPool({
      calls: { 'VDI.get_record': () => vdiRecord, 'VDI.get_all_records': () => ({ [vdi]: vdiRecord }) },
    })
    await using session = await enter(pool, api)
    const expected = { ...vdiRecord, snapshot_of: 'OpaqueRef:NULL', on_boot: 'persist' }
    expect(await session.VDI.get_record(vdi)).toMatchObject(expected)
    expect(await session.VDI.get_all_records()).toMatchObject({ [vdi]: expected })
  },
)

test.each(['json', 'xml'] as const)(
  'parameters arrive by their types in %s, and what is left out stays away',
  async (api) => {
    const seen: unknown[] = []
    const see = (params: readonly unknown[]) => {
      seen.push(structuredClone(params))
      return vdi
    }
    await using pool = await startPool({
      calls: { 'VDI.create': see, 'VDI.snapshot': see, 'VDI.set_sharable': see, 'VDI.resize': see },
    })
    await using session = await enter(pool, api)
    const { signal } = new AbortController()
    const sr = 'OpaqueRef:5' as Parameters<typeof session.VDI.create>[0]['SR']
    const record = {
      SR: sr,
      virtual_size: 1024,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    } as const
    await session.VDI.create({ ...record, name_label: undefined }, { signal })
    await session.VDI.snapshot(vdi, { signal })
    await session.VDI.snapshot(vdi, { signal: 'no options, a map' })
    await session.VDI.resize(vdi, 2 ** 40)
    const size = (value: number) => (api === 'json' ? value : String(value))
    expect(seen).toEqual([
      [{ ...record, virtual_size: size(1024) }],
      [vdi],
      [vdi, { signal: 'no options, a map' }],
      [vdi, size(2 ** 40)],
    ])
  },
)

test('a parameter of the wrong type is refused before it is sent', async () => {
  await using pool = await startPool()
  await using session = await enter(pool)
  await expect(session.VDI.resize(vdi, 1.5)).rejects.toThrow('size: number is no int')
  expect(pool.log).toHaveLength(1)
})

test.each(['json', 'xml'] as const)('calls by name: known ones typed, unknown ones as they are, in %s', async (api) => {
  const seen: unknown[] = []
  await using pool = await startPool({
    calls: {
      'VDI.get_virtual_size': () => 4096,
      'Brand.new_call': (params) => {
        seen.push(...params)
        return 'made'
      },
    },
  })
  await using session = await enter(pool, api)
  expect(await session.call('VDI.get_virtual_size', [vdi])).toBe(4096)
  expect(await session.call('Brand.new_call', ['x', 5])).toBe('made')
  expect(seen).toEqual(['x', api === 'json' ? 5 : '5'])
})

test('a failure keeps the array of the pool and says what it means', async () => {
  await using pool = await startPool({
    calls: {
      'VDI.destroy': () => {
        throw new Failure('VDI_IN_USE', vdi, 'destroy')
      },
    },
  })
  await using session = await enter(pool)
  const error = await session.VDI.destroy(vdi).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(XenApiError)
  expect(error).toMatchObject({ code: 'XENAPI_FAILURE', failure: ['VDI_IN_USE', vdi, 'destroy'] })
  expect(String(error)).toMatch(/^XenApiError: VDI_IN_USE: the disk is in use: .* \(OpaqueRef:d15c, destroy\)$/)
})

test('the session is never shown: not in failures, not by inspecting', async () => {
  let pool: TestPool | undefined
  const refuse = () => {
    throw new Failure('SESSION_INVALID', [...(pool?.sessions ?? [])].at(-1) ?? '')
  }
  pool = await startPool({ calls: { 'VM.get_all': refuse } })
  await using _ = pool
  await using session = await enter(pool)
  const error = await session.VM.get_all().catch((reason: unknown) => reason)
  expect(error).toMatchObject({ failure: ['SESSION_INVALID', '[session]'] })
  expect(pool.sessions).toContain(session.ref)
  for (const secret of pool.sessions) {
    expect(inspect(error)).not.toContain(secret)
    expect(inspect(session, { depth: 9, getters: false })).not.toContain(secret)
    expect(JSON.stringify(session)).not.toContain(secret)
  }
})

test('calls in a row keep their connections', async () => {
  await using pool = await startPool({ calls: { 'VM.get_all': () => [] } })
  await using session = await enter(pool)
  for (let n = 0; n < 20; n++) await session.VM.get_all()
  expect(pool.counts.requests).toBe(21)
  expect(pool.counts.connections).toBeLessThanOrEqual(2) // one more when the next call is faster than the last one's clean-up
})

test('a reading call survives one broken connection; a changing one does not repeat itself', async () => {
  let asked = 0
  const broken = (_: unknown, { socket }: { socket: { destroy(): void } }) => {
    if (asked++ === 0) socket.destroy()
    return 4096
  }
  await using pool = await startPool({ calls: { 'VDI.get_virtual_size': broken, 'VDI.snapshot': broken } })
  await using session = await enter(pool)
  expect(await session.VDI.get_virtual_size(vdi)).toBe(4096)
  asked = 0
  await expect(session.VDI.snapshot(vdi)).rejects.toMatchObject({ code: 'XENAPI_UNREACHABLE' })
  expect(asked).toBe(1)
})

test('a call has its limit, and its signal', async () => {
  await using pool = await startPool({ calls: { 'VM.get_all': () => new Promise(() => {}) } })
  await using session = await enter(pool)
  await expect(session.VM.get_all({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'XENAPI_TIMEOUT' })
  const stop = new AbortController()
  const call = session.VM.get_all({ signal: stop.signal })
  setTimeout(() => stop.abort(new Error('enough')), 50)
  await expect(call).rejects.toThrow('enough')
  await expect(session.VM.get_all({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
})

test('a server that is not there is unreachable', async () => {
  const pool = await startPool()
  await pool[Symbol.asyncDispose]()
  await expect(enter(pool)).rejects.toMatchObject({ code: 'XENAPI_UNREACHABLE' })
})

/** A pool whose VM.snapshot starts a task that `run` may end. */
const withTask = (run: (tasks: TestPool['tasks'], task: string) => void, more: PoolOptions['calls'] = {}) => {
  let pool: TestPool | undefined
  const started = startPool({
    calls: {
      ...more,
      'Async.VM.snapshot': () => {
        const task = pool?.tasks.create() ?? ''
        if (pool !== undefined) run(pool.tasks, task)
        return task
      },
    },
  })
  return started.then((made) => (pool = made))
}

const inAMoment = (work: () => void) => void setTimeout(work, 30)

test.each(['json', 'xml'] as const)('an async call answers with the decoded result of its task, in %s', async (api) => {
  await using pool = await withTask((tasks, task) =>
    inAMoment(() => tasks.end(task, { result: `<value>${vm}</value>` })),
  )
  await using session = await enter(pool, api)
  expect(await session.Async.VM.snapshot(vm, 'name', [])).toBe(vm)
  expect(pool.tasks.destroyed).toHaveLength(1)
  expect(pool.tasks.cancelled).toHaveLength(0)
})

test('a task that was over before anybody looked is seen as well', async () => {
  await using pool = await withTask((tasks, task) => tasks.end(task, { result: `<value>${vm}</value>` }))
  await using session = await enter(pool)
  expect(await session.Async.VM.snapshot(vm, 'name')).toBe(vm)
})

test('the failure of a task is the failure of the call', async () => {
  await using pool = await withTask((tasks, task) =>
    inAMoment(() => tasks.end(task, { failure: ['SR_FULL', '10', '5'] })),
  )
  await using session = await enter(pool)
  await expect(session.Async.VM.snapshot(vm, 'name')).rejects.toMatchObject({
    code: 'XENAPI_FAILURE',
    failure: ['SR_FULL', '10', '5'],
  })
  expect(pool.tasks.destroyed).toHaveLength(1)
})

test('a task cancelled by somebody else is TASK_CANCELLED', async () => {
  await using pool = await withTask((tasks, task) => inAMoment(() => tasks.end(task, 'cancelled')))
  await using session = await enter(pool)
  await expect(session.Async.VM.snapshot(vm, 'name')).rejects.toMatchObject({
    failure: ['TASK_CANCELLED', expect.any(String)],
  })
})

test('a task that vanished has an unknown outcome', async () => {
  await using pool = await withTask((tasks, task) => {
    inAMoment(() => {
      tasks.records.delete(task)
      tasks.wake()
    })
  })
  await using session = await enter(pool)
  await expect(session.Async.VM.snapshot(vm, 'name')).rejects.toMatchObject({ code: 'XENAPI_TASK' })
})

test('an abort cancels the task and throws its reason', async () => {
  await using pool = await withTask(() => {})
  await using session = await enter(pool)
  const stop = new AbortController()
  inAMoment(() => stop.abort(new Error('enough')))
  await expect(session.Async.VM.snapshot(vm, 'name', [], { signal: stop.signal })).rejects.toThrow('enough')
  expect(pool.tasks.cancelled).toHaveLength(1)
  expect(pool.tasks.destroyed).toHaveLength(1)
})

test('a server without event.from is polled', async () => {
  const unknown = () => {
    throw new Failure('MESSAGE_METHOD_UNKNOWN', 'event.from')
  }
  await using pool = await withTask(
    (tasks, task) => setTimeout(() => tasks.end(task, { result: `<value>${vm}</value>` }), 150),
    { 'event.from': unknown },
  )
  await using session = await enter(pool)
  expect(await session.Async.VM.snapshot(vm, 'name')).toBe(vm)
})

test('connections that break while a task runs do not lose its outcome', async () => {
  await using pool = await withTask((tasks, task) => {
    setTimeout(() => pool.cut(), 30)
    setTimeout(() => tasks.end(task, { result: `<value>${vm}</value>` }), 60)
  })
  await using session = await enter(pool)
  expect(await session.Async.VM.snapshot(vm, 'name')).toBe(vm)
})

test('a call that has no result and one that answers a string', async () => {
  let pool: TestPool | undefined
  const answering = (result: string) => () => {
    const task = pool?.tasks.create() ?? ''
    pool?.tasks.end(task, { result })
    return task
  }
  pool = await startPool({
    calls: {
      'Async.VDI.data_destroy': answering('<value></value>'),
      'Async.VDI.list_changed_blocks': answering('<value>gAAA</value>'),
      'Async.VDI.checksum': answering('<value/>'),
    },
  })
  await using _ = pool
  await using session = await enter(pool)
  expect(await session.Async.VDI.data_destroy(vdi)).toBeUndefined()
  expect(await session.Async.VDI.list_changed_blocks(vdi, vdi)).toBe('gAAA')
  expect(await session.Async.VDI.checksum(vdi)).toBe('')
})

test('events come with typed records', async () => {
  await using pool = await withTask((tasks, task) => tasks.end(task, { result: '' }))
  await using session = await enter(pool, 'xml')
  const task = (await session.call('Async.VM.snapshot', [vm, 'name'])) as TaskRef
  const { events, valid_ref_counts: counts } = await session.event.from([`task/${task}`], '', 1)
  const [event] = events
  expect(event?.class === 'task' ? event.snapshot?.status : undefined).toBe('success')
  expect(event?.id).toBe(1)
  expect(counts).toEqual({ task: 1 })
})
