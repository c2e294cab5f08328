import { CBT_BLOCK } from '@tidemark/blocks'
import { backupDefaults, backupVm, noLedger, systemClock, type BackupEvent, type SnapshotHooks } from '@tidemark/engine'
import { initRepository, memoryBackend, openRepository } from '@tidemark/repository'
import { expect, test } from 'vitest'
import { memoryPool } from './memory-pool.ts'

const fast = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 } as const

/** One VM, and what was called in which order: hooks, and the pool's snapshot. */
async function bench(hooks: Partial<SnapshotHooks>) {
  const pool = memoryPool([4 * CBT_BLOCK])
  const backend = memoryBackend()
  await initRepository(backend, 'p', fast)
  const repository = await openRepository(backend, 'p', { workers: 0 })
  const calls: string[] = []
  const events: BackupEvent[] = []
  pool.before = (call) => {
    if (call === 'snapshot') calls.push(call)
  }
  const traced: SnapshotHooks = {
    async before(vm, signal) {
      calls.push('before')
      return (await hooks.before?.(vm, signal)) ?? []
    },
    async after(vm, snapshot, signal) {
      calls.push(`after ${snapshot === undefined ? 'nothing' : 'it'}`)
      return (await hooks.after?.(vm, snapshot, signal)) ?? []
    },
  }
  const context = {
    pool,
    repository,
    clock: systemClock,
    tool: 'test 1.0',
    ledger: noLedger,
    hooks: traced,
    on: (event: BackupEvent) => void events.push(event),
  }
  const run = (signal?: AbortSignal) => backupVm(context, pool.vm, backupDefaults, signal)
  return { pool, calls, events, run, [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose]() }
}

test('the snapshot is taken between its hooks', async () => {
  await using job = await bench({})
  expect(await job.run()).toMatchObject({ clean: true })
  expect(job.calls).toEqual(['before', 'snapshot', 'after it'])
})

test('a hook that fails before ends the run without a snapshot, and what comes after comes all the same', async () => {
  await using job = await bench({ before: () => Promise.reject(new Error('not at rest')) })
  await expect(job.run()).rejects.toThrow('not at rest')
  expect(job.calls).toEqual(['before', 'after nothing'])
  expect(job.pool.frozen).toEqual([])
})

test('what comes after comes when the pool takes no snapshot', async () => {
  await using job = await bench({})
  job.pool.before = (call) => {
    if (call === 'snapshot') throw new Error('no room')
  }
  await expect(job.run()).rejects.toThrow('no room')
  expect(job.calls).toEqual(['before', 'after nothing'])
})

test('a run that is cancelled while a hook is at work takes no snapshot, and what comes after comes', async () => {
  const stop = new AbortController()
  await using job = await bench({
    before: () => {
      stop.abort(new Error('stopped'))
      return Promise.resolve([])
    },
  })
  await expect(job.run(stop.signal)).rejects.toThrow('stopped')
  expect(job.calls).toEqual(['before', 'after nothing'])
})

test.each(['before', 'after'] as const)(
  'a failure %s that stops nothing makes a point, and somebody look',
  async (at) => {
    await using job = await bench({ [at]: () => Promise.resolve([new Error('odd')]) })
    expect(await job.run()).toMatchObject({ clean: false })
    expect(job.events).toContainEqual(expect.objectContaining({ type: 'attention', cause: new Error('odd') }))
  },
)

test('a hook behind the snapshot that throws loses neither the snapshot nor the point', async () => {
  await using job = await bench({ after: () => Promise.reject(new Error('asleep')) })
  expect(await job.run()).toMatchObject({ clean: false })
  expect(job.pool.frozen).toHaveLength(1)
})
