import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelled } from './support/cancelled.ts'
import { guestWrites, openBench, succeed, type Bench, type Line } from './support/pool.ts'

let bench: Bench
const VMS = ['db', 'mail', 'web'] as const
const vdis: string[] = []

beforeAll(async () => {
  bench = await openBench()
  for (const name of VMS) {
    const { disks } = await bench.lab.control.createVm({ name, disks: [{ size: 16 * MiB }, { size: 8 * MiB }] })
    vdis.push(...disks.map(({ uuid }) => uuid))
  }
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())

const write = (seed: string) => Promise.all(vdis.map((vdi) => guestWrites(bench.lab, vdi, blocks, `${seed}${vdi}`)))
const blocks = Array.from({ length: 60 }, (_, i) => i)

/** How many snapshots of VMs the pool had at once while something was done, at most. */
async function snapshotsDuring(work: () => Promise<void>): Promise<number> {
  await using admin = await bench.admin()
  const open = new Set<string>()
  let most = 0
  let isOver = false
  const watch = async () => {
    for (let token = ''; !isOver;) {
      const batch = await admin.event.from(['vm'], token, 0.2)
      for (const event of batch.events) {
        if (event.class !== 'vm') continue
        if (event.snapshot?.is_a_snapshot === true) open.add(event.ref)
        else open.delete(event.ref)
      }
      token = batch.token
      most = Math.max(most, open.size)
    }
  }
  const watching = watch()
  try {
    await work()
  } finally {
    isOver = true
    await watching
  }
  return most
}

async function configure(limits: Readonly<Record<string, number>>): Promise<void> {
  const path = join(bench.directory, 'config.yaml')
  const text = (await readFile(path, 'utf8')).replace(/\n {4}limits:.*/, '')
  await writeFile(path, text.replace('\n  lab:', `\n  lab:\n    limits: ${JSON.stringify(limits)}`))
}

test('as many VMs as were said are backed up at once, and every event says whose it is', async () => {
  await write('first')
  let lines: readonly Line[] = []
  const most = await snapshotsDuring(async () => {
    const run = await bench.tidemark('backup', '--all', '--vms-at-once', '2')
    expect(run).toMatchObject({ code: 0 })
    lines = run.lines
  })
  expect(most).toBe(2)
  const events = lines.filter(({ type }) => ['plan', 'stage', 'disk'].includes(type))
  expect(new Set(events.map(({ vm }) => vm.name))).toEqual(new Set(VMS))
  expect(lines.at(-1)?.['points'].map(({ vm }: Line) => vm.name)).toEqual(VMS) // in the order they were asked for
}, 60_000)

test('the limit of open snapshots of a storage holds, however many VMs may be at work, and a run says that it waits', async () => {
  await write('second')
  await configure({ vms: 3, storageSnapshots: 1 })
  let lines: readonly Line[] = []
  const most = await snapshotsDuring(async () => {
    const run = await bench.tidemark('backup', '--all')
    expect(run).toMatchObject({ code: 0 })
    lines = run.lines
  })
  await configure({})
  expect(most).toBe(1)
  const waiting = lines.filter((line) => line['type'] === 'waiting' && line['for'] === 'snapshot')
  expect(waiting).toHaveLength(2)
  expect(waiting[0]).toMatchObject({
    most: 1,
    storages: [{ name: expect.any(String) }],
    vm: { name: expect.any(String) },
  })
}, 60_000)

test('no host has more NBD connections than its limit, however many disks are read, and all are read', async () => {
  const { control } = bench.lab
  const limits = ['--vms-at-once', '3', '--disks-at-once', '6', '--host-connections', '3']
  await control.resetNbdConnections()
  await succeed(bench.tidemark('backup', '--all', '--full', '--source', 'nbd', ...limits))
  expect(await control.nbdConnections()).toMatchObject([{ open: 0, most: 3 }])
}, 60_000)

test('a VM that fails does not end the others', async () => {
  await bench.lab.control.failCall({ method: 'Async.VM.snapshot', times: 1, failure: ['SR_BACKEND_FAILURE', 'full'] })
  const { code, last } = await bench.tidemark('backup', '--all', '--vms-at-once', '3')
  expect(code).toBe(1)
  expect(last['failed']).toHaveLength(1)
  expect(last['points']).toHaveLength(2)
}, 60_000)

test.each(['SIGINT', 'SIGKILL'] as const)(
  'several VMs that are stopped by %s while they are read are gone on with, each from its own snapshot',
  async (signal) => {
    await write(signal)
    const run = ['backup', '--all', '--vms-at-once', '3', '--full']
    const { code, lines } = await cancelled(bench, run, { moved: 4 * MiB }, signal)
    expect(code).toBe(signal === 'SIGINT' ? 130 : null)
    const linesOf = (all: readonly Line[], type: string) => all.filter((line) => line['type'] === type)
    const begun = linesOf(lines, 'disk').map(({ vm }) => vm.name)
    const done = linesOf(lines, 'point').map(({ vm }) => vm)
    const left = [...new Set(begun)].filter((vm) => !done.includes(vm))
    const next = await bench.tidemark(...run)
    expect(next.code).toBe(0)
    const resumed = linesOf(next.lines, 'resumed').map(({ vm }) => vm.name)
    expect(left.length).toBeGreaterThan(0)
    expect(resumed).toEqual(expect.arrayContaining(left))
    for (const vm of left.slice(0, 1)) await succeed(bench.tidemark('verify', vm, '--against-pool'))
    expect(await bench.lab.control.invariants()).toEqual([])
  },
  60_000,
)

test('the repository is sound after all that', async () => {
  await succeed(bench.tidemark('check', '--read-data'))
})
