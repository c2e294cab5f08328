import type { WireStruct } from '@tidemark/xenapi/codec'
import { expect, test } from 'vitest'
import { loggedIn, testLab } from './harness.ts'

interface Batch {
  readonly events: readonly WireStruct[]
  readonly valid_ref_counts: WireStruct
  readonly token: string
}

test('event.from gives what is there, waits for a change, and tells of what has gone', async () => {
  await using world = await testLab()
  const client = await loggedIn(world)
  const from = async (classes: readonly string[], token: string, timeout = 5): Promise<Batch> =>
    (await client.call('event.from', classes, token, timeout)) as unknown as Batch
  const first = await from(['pool', 'VM'], '')
  expect(first.events.map((event) => [event['class'], event['operation']])).toEqual([
    ['pool', 'add'],
    ...Array.from({ length: 4 }, () => ['vm', 'add']),
  ])
  expect(first.token).toMatch(/^\d{20},\d{20}$/)
  expect(first.valid_ref_counts).toMatchObject({ task: 0, vm: 4, session: 1 })

  const [pool] = (await client.call('pool.get_all')) as string[]
  const waiting = from(['pool'], first.token)
  await client.call('pool.add_to_other_config', pool ?? '', 'xo:barrier:1', 'x')
  const { events, token } = await waiting
  expect(events).toMatchObject([{ class: 'pool', operation: 'mod', ref: pool, timestamp: '0.0' }])
  expect(events[0]?.['snapshot']).toMatchObject({ other_config: { 'xo:barrier:1': 'x' } })

  const task = (await client.call('task.create', 'short', '')) as string
  const added = await from([`task/${task}`], token)
  expect(added.events).toMatchObject([{ class: 'task', operation: 'add', ref: task }])
  await client.call('task.set_status', task, 'success')
  await client.call('task.destroy', task)
  const gone = await from(['*'], added.token)
  expect(gone.events).toMatchObject([{ class: 'task', operation: 'del', ref: task }])
  expect(gone.events[0]).not.toHaveProperty('snapshot')
  expect((await from(['*'], gone.token, 0.05)).events).toEqual([])

  const injected = (await client.call('event.inject', 'pool', pool ?? '')) as string
  expect((await from(['pool'], injected)).events).toMatchObject([{ operation: 'mod', ref: pool }])
  expect(await client.failure('event.from', ['pool'], 'yesterday', 1)).toEqual([
    'EVENT_FROM_TOKEN_PARSE_FAILURE',
    'yesterday',
  ])
  expect(await client.failure('event.from', ['po ol'], '', 1)).toEqual(['EVENT_SUBSCRIPTION_PARSE_FAILURE', 'po ol'])
})

test('a logout wakes those who wait for events', async () => {
  await using world = await testLab()
  const client = await loggedIn(world)
  const { token } = (await client.call('event.from', ['pool'], '', 1)) as unknown as Batch
  const waiting = client.failure('event.from', ['pool'], token, 30)
  const other = await loggedIn(world)
  await other.call('host.get_all')
  await client.call('session.logout')
  expect(await waiting).toEqual(['SESSION_INVALID', client.session])
})
