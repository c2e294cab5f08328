import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelled, type Moment } from './support/cancelled.ts'
import { guestWrites, openBench, succeed, type Bench } from './support/pool.ts'

let bench: Bench
let vdi: string

beforeAll(async () => {
  bench = await openBench()
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ size: 64 * MiB }] })
  vdi = vm.disks[0]?.uuid ?? ''
  await write('first')
  await succeed(bench.tidemark('backup', 'web'))
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())

const write = (seed: string): Promise<void> =>
  guestWrites(
    bench.lab,
    vdi,
    Array.from({ length: 800 }, (_, i) => i),
    seed,
  )

/** What could be left: snapshots, copies with data, disks and VMs that a restore made. */
async function census(): Promise<Record<string, number>> {
  await using admin = await bench.admin()
  const vms = Object.values(await admin.VM.get_all_records()).filter((vm) => !vm.is_a_template && !vm.is_control_domain)
  const vdis = Object.values(await admin.VDI.get_all_records())
  return {
    vms: vms.filter((vm) => !vm.is_a_snapshot).length,
    snapshots: vms.filter((vm) => vm.is_a_snapshot).length,
    disks: vdis.filter((each) => !each.is_a_snapshot).length,
    copies: vdis.filter((each) => each.is_a_snapshot && each.type !== 'cbt_metadata').length,
  }
}

test.each<[string, Moment, NodeJS.Signals]>([
  ['while the snapshot is taken', { stage: 'snapshot' }, 'SIGTERM'],
  ['in the middle of the reading', { moved: 4 * MiB }, 'SIGINT'],
  ['while the pool is tidied', { stage: 'clean-up' }, 'SIGINT'],
])(
  'a backup that is stopped %s ends with 130, and the next one leaves the pool clean',
  async (_, moment, signal) => {
    await write(JSON.stringify(moment))
    const { code } = await cancelled(bench, ['backup', 'web'], moment, signal)
    expect([0, 130]).toContain(code) // 0 when it was done by then
    const then = await bench.lab.control.sha256(vdi)
    const { lines } = await bench.tidemark('backup', 'web')
    if ('moved' in moment) expect(lines.map(({ type }) => type)).toContain('resumed')
    expect(await census()).toEqual({ vms: 1, snapshots: 0, disks: 1, copies: 0 })
    expect(await bench.lab.control.invariants()).toEqual([])
    expect((await bench.tidemark('verify', 'web', '--against-pool')).code).toBe(0)
    expect(await bench.lab.control.sha256(vdi)).toBe(then)
  },
  60_000,
)

test('a restore that is stopped ends with 130, and the next one leaves nothing of it', async () => {
  const restore = (name: string) => ['restore', 'web', '--new-vm', '--name', name]
  const { code } = await cancelled(bench, restore('stopped'), { moved: 4 * MiB }, 'SIGINT')
  expect(code).toBe(130)
  await succeed(bench.tidemark(...restore('whole')))
  expect(await census()).toEqual({ vms: 2, snapshots: 0, disks: 2, copies: 0 })
  expect(await bench.lab.control.invariants()).toEqual([])
}, 60_000)

test('a second signal ends a command at once, whatever it was tidying', async () => {
  await write('twice')
  const { code, lines } = await cancelled(bench, ['backup', 'web'], { moved: 4 * MiB }, 'SIGINT', 'twice')
  expect(code).toBe(130)
  expect(lines.map(({ type }) => type)).not.toContain('cut') // there was no time to say so
  await succeed(bench.tidemark('backup', 'web'))
  expect(await census()).toMatchObject({ snapshots: 0, copies: 0 })
}, 60_000)
