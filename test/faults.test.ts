import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import type { FaultPlan } from '@tidemark/lab'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestWrites, openBench, succeed, type Bench, type Line, type Run } from './support/pool.ts'

type Planned = FaultPlan['faults'][number]

let bench: Bench
let vdi: string
let points = 1
let writes = 0

beforeAll(async () => {
  bench = await openBench()
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ name: 'system', size: 16 * MiB }] })
  vdi = vm.disks[0]?.uuid ?? ''
  await changeBlocks(20)
  await succeed(bench.tidemark('backup', 'web'))
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())

/** Every third block, from the first on. */
function changeBlocks(count: number): Promise<void> {
  writes++
  const blocks = Array.from({ length: count }, (_, index) => index * 3)
  return guestWrites(bench.lab, vdi, blocks, `write ${writes}`)
}

const backup = (...faults: Planned[]): Promise<Run> =>
  bench.withFaults(faults, () => bench.tidemark('backup', 'web', '--pool', 'lab', '--repo', 'main'))

/** The repository is sound by restic's word and has the points it should, and the pool has nothing of ours but bases. */
async function expectSound(): Promise<void> {
  expect(await bench.restic('check', '--read-data')).toContain('no errors were found')
  expect(JSON.parse(await bench.restic('snapshots', '--json')) as Line[]).toHaveLength(points)
  await using admin = await bench.admin()
  const vms = Object.values(await admin.VM.get_all_records()).filter((vm) => vm.is_a_snapshot)
  expect(vms.map((vm) => vm.name_label)).toEqual([])
  const disks = Object.values(await admin.VDI.get_all_records()).filter((disk) => disk.is_a_snapshot)
  expect(disks.filter((disk) => disk.type !== 'cbt_metadata').map((disk) => disk.uuid)).toEqual([])
  expect(await bench.lab.control.invariants()).toEqual([])
}

const verified = (): Promise<Run> => bench.tidemark('verify', 'web', '--against-pool')

test('a bad day: everything that a run can get over, in one run', async () => {
  await changeBlocks(40)
  const run = await backup(
    { id: 'session lost', at: 'request', match: { method: 'VDI.get_nbd_info' }, do: { action: 'lose-session' } },
    {
      id: 'busy',
      at: 'call',
      match: { method: '*VM.snapshot' },
      do: { action: 'fail', failure: ['TOO_MANY_PENDING_TASKS'] },
    },
    { id: 'answer lost', at: 'request', match: { method: 'VM.get_VBDs' }, do: { action: 'lose-reply' } },
    { id: 'proxy down', at: 'request', match: { method: 'VDI.get_record' }, do: { action: 'status', status: 503 } },
    { id: 'answer cut', at: 'request', match: { method: 'VBD.get_record' }, do: { action: 'truncate', after: 20 } },
    { id: 'slow', at: 'call', match: { method: '*list_changed_blocks' }, do: { action: 'delay', ms: 300 } },
    { id: 'server full', at: 'nbd-greeting', do: { action: 'close' } },
    { id: 'TLS cut', at: 'nbd-tls', do: { action: 'close' } },
    { id: 'reply late', at: 'nbd-reply', match: { type: 'READ' }, after: 3, do: { action: 'delay', ms: 200 } },
    { id: 'reply cut', at: 'nbd-reply', match: { type: 'READ' }, after: 6, do: { action: 'cut', after: 5000 } },
    { id: 'medium', at: 'disk-read', after: 20, do: { action: 'io-error' } },
    { id: 'kept', at: 'detach', match: {}, do: { action: 'leave', ms: 1500 } },
  )
  points++
  expect(run.last, run.stderr).toMatchObject({ failed: [], points: [{ clean: true }] })
  expect(run.last['points'][0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 40 * CBT_BLOCK } })
  expect((await verified()).code).toBe(0)
  await expectSound()
}, 60_000)

const snapshot = { method: '*VM.snapshot' }

test.each<[string, Planned]>([
  ['was lost', { id: 'lost', at: 'request', match: snapshot, do: { action: 'lose-reply' } }],
  ['came twice', { id: 'twice', at: 'request', match: snapshot, do: { action: 'duplicate' } }],
])('a snapshot whose answer %s is found by its name, used, and tidied', async (_, fault) => {
  await changeBlocks(5)
  const run = await backup(fault)
  points++
  expect(run.last, run.stderr).toMatchObject({ failed: [], points: [{ clean: true }] })
  await expectSound()
})

test.each<[string, Planned]>([
  ['NBD_CERTIFICATE', { id: 'cert', at: 'nbd-tls', times: 'always', do: { action: 'wrong-certificate' } }],
  ['XENAPI_CERTIFICATE', { id: 'pool cert', at: 'https', times: 'always', do: { action: 'wrong-certificate' } }],
  ['NBD_PROTOCOL', { id: 'noise', at: 'nbd-reply', times: 'always', do: { action: 'corrupt', what: 'head', bit: 7 } }],
  ['NBD_IO', { id: 'EIO', at: 'nbd-reply', do: { action: 'error' } }],
  ['XENAPI_PROTOCOL', { id: 'page', at: 'request', match: { method: 'VDI.get_nbd_info' }, do: { action: 'html' } }],
  ['XENAPI_FAILURE', { id: 'full', at: 'disk-write', match: { by: 'snapshot' }, do: { action: 'full' } }],
])('what a run cannot get over ends it with %s, and leaves nothing behind', async (code, fault) => {
  await changeBlocks(5)
  const { code: exit, last } = await bench.withFaults([fault], () => bench.tidemark('backup', 'web', '--no-resume'))
  expect(last).toMatchObject({ type: 'error', code })
  expect(exit).toBe(1)
  await expectSound()
})

test('a bitmap that is too short, or no base64, is not believed: all of the disk is compared, and that is said', async () => {
  for (const action of [{ action: 'truncate', after: 5 }, { action: 'garble' }] as const) {
    await changeBlocks(5)
    const { last } = await backup({ id: action.action, at: 'bitmap', do: action })
    points++
    expect(last['points'][0].disks[0]).toMatchObject({
      action: 'compare',
      reason: expect.stringMatching(/^base-unusable/),
    })
  }
  expect((await verified()).code).toBe(0)
  await expectSound()
})

test('a bitmap that omits a changed block, and a bit that flips on the way, are found by verify', async () => {
  const lies: Planned[] = [
    { id: 'omitted', at: 'bitmap', do: { action: 'omit' } },
    { id: 'flipped', at: 'nbd-reply', match: { type: 'READ' }, do: { action: 'corrupt' } },
  ]
  for (const [index, lie] of lies.entries()) {
    // blocks of their own, so that no lie covers another
    await guestWrites(bench.lab, vdi, [200 + 20 * index, 210 + 20 * index], 'lies')
    const unaudited = () => bench.tidemark('backup', 'web', '--pool', 'lab', '--repo', 'main', '--audit', 'off')
    await succeed(bench.withFaults([lie], unaudited))
    points++
    const { code, last } = await verified()
    expect(code).toBe(1)
    expect(last['disks'][0].differences).toHaveLength(index + 1)
  }
  await succeed(bench.tidemark('backup', 'web', '--full'))
  points++
  expect((await verified()).code).toBe(0)
  await expectSound()
}, 60_000)

test('a bitmap that omits a changed block is found by the audit: an alarm, code 3, and a point that is right', async () => {
  await succeed(backup())
  points++
  await guestWrites(bench.lab, vdi, [60, 190], 'unsaid')
  const audited = () => bench.tidemark('backup', 'web', '--pool', 'lab', '--repo', 'main', '--audit', '1')
  const lie: Planned = { id: 'unsaid', at: 'bitmap', do: { action: 'omit' } }
  const { code, lines, last } = await bench.withFaults([lie], audited)
  points++
  expect(code).toBe(3)
  expect(lines.find(({ type }) => type === 'wrong-bitmap')?.['differing']).toHaveLength(1)
  expect(last['points'][0].disks[0]).toMatchObject({
    action: 'compare',
    reason: expect.stringMatching(/^bitmap-wrong/),
  })
  const listed = (await bench.tidemark('points', 'web')).last['points'] as { id: string; suspect: boolean }[]
  expect(listed.slice(-2).map(({ suspect }) => suspect)).toEqual([true, false])
  const [suspect, right] = listed.slice(-2).map(({ id }) => id)
  const restored = (...options: string[]) =>
    bench.tidemark('restore', suspect ?? '', '--to-dir', join(bench.directory, 'suspect'), ...options)
  const refused = await restored()
  expect(refused).toMatchObject({ code: 1, last: { code: 'CLI_SUSPECT' } })
  expect(refused.last['message']).toContain(right?.slice(0, 10))
  const warned = expect.objectContaining({ type: 'suspect' })
  expect((await restored('--plan')).lines).toContainEqual(warned)
  expect(await restored('--accept-suspect')).toMatchObject({ code: 0, lines: expect.arrayContaining([warned]) })
  expect((await verified()).code).toBe(0)
  await expectSound()
}, 60_000)

test('a host that dies in the middle of the reading and comes back: the point is made, and the next run knows that tracking is gone', async () => {
  await using admin = await bench.admin()
  const [vm] = await admin.VM.get_by_name_label('web')
  if (vm === undefined) throw new Error('no VM web')
  await admin.VM.start(vm, false, false)
  await changeBlocks(5)
  await succeed(backup({ id: 'crash', at: 'nbd-reply', after: 2, do: { action: 'restart-host' } }))
  const next = await succeed(bench.tidemark('backup', 'web'))
  points += 2
  expect(next['points'][0].disks[0]).toMatchObject({
    action: 'compare',
    reason: expect.stringMatching(/^tracking-off|^base/),
  })
  await expectSound()
})

test('a restore onto storage that fills up, or over a line that breaks each time, leaves no VM and no disk', async () => {
  await using admin = await bench.admin()
  const count = async () => [(await admin.VM.get_all()).length, (await admin.VDI.get_all()).length]
  const before = await count()
  for (const fault of [
    { id: 'no room', at: 'disk-write', match: { by: 'write' }, after: 2, times: 'always', do: { action: 'full' } },
    {
      id: 'line',
      at: 'transfer',
      match: { path: '/import_raw_vdi' },
      times: 'always',
      do: { action: 'cut', after: 300_000 },
    },
  ] as const) {
    const { code, last } = await bench.withFaults([fault], () =>
      bench.tidemark('restore', 'web', '--new-vm', '--name', 'copy'),
    )
    expect(code, JSON.stringify(last)).toBe(1)
    expect(last['code']).toMatch(/^(XENAPI|ENGINE)_/)
    expect(await count()).toEqual(before)
  }
})

test('a plan that comes to nothing fails the test that made it', async () => {
  const never: Planned = { id: 'never', at: 'call', match: { method: 'VM.start' }, do: { action: 'delay', ms: 1 } }
  const own = await openBench()
  await own.lab.control.planFaults({ faults: [never] })
  await expect(own[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'LAB_FAULT_UNFIRED' })
})

test('the lab as a command takes its plan from a file, refuses a wrong one, and tells at its end what never happened', async () => {
  const plan = join(bench.directory, 'plan.yaml')
  const directory = join(bench.directory, 'planned')
  await writeFile(plan, 'faults: [{ id: odd, at: call, do: { action: explode } }]')
  const flags = ['--https-port', '0', '--nbd-port', '0', '--password-file', bench.passwordFile, '--faults', plan]
  const refused = await bench.tidemark('lab', directory, ...flags)
  expect(refused).toMatchObject({
    code: 1,
    last: { code: 'LAB_FAULT_PLAN', message: expect.stringContaining("'odd' (faults[0])") },
  })
  await writeFile(plan, 'faults: [{ id: idle, at: call, do: { action: delay, ms: 1 } }]')
  const lines: Line[] = []
  const child = spawn(process.execPath, ['--conditions=@tidemark/source', MAIN, '--json', 'lab', directory, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(JSON.parse(line) as Line)
    if (lines.length === 1) child.kill('SIGTERM')
  }
  expect(lines.at(-1)).toEqual({ type: 'faults', faults: [{ id: 'idle', at: 'call', fired: 0, seen: 0 }] })
})

const MAIN = join(import.meta.dirname, '../packages/cli/src/main.ts')
