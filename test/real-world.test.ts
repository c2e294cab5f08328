import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import { openLabControl, type LabControl } from '@tidemark/lab'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { mortalLab } from './support/mortal-lab.ts'
import { guestWrites, openBench, succeed, type Bench } from './support/pool.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const blocks = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const writeTo = (control: Pick<LabControl, 'guestSocket'>, vdi: string, count: number, seed: string) =>
  guestWrites({ control } as Bench['lab'], vdi, blocks(count), seed)
const bytesRead = async (control: LabControl): Promise<number> =>
  (await control.nbdReads()).reduce((sum, each) => sum + each.bytes, 0)

test('sessions that end again and again in the middle of runs: full, incremental, and compared with the pool', async () => {
  const { control } = bench.lab
  const vm = await control.createVm({ name: 'restless', disks: [{ name: 'system', size: 64 * MiB }] })
  const vdi = vm.disks[0]?.uuid ?? ''
  const stop = new AbortController()
  let ended = 0
  const endSessions = async () => {
    for (; !stop.signal.aborted; ended++) {
      await control.expireSessions()
      await sleep(150)
    }
  }
  const ending = endSessions()
  try {
    await writeTo(control, vdi, 500, 'first')
    const place = ['--pool', 'lab', '--repo', 'main']
    await succeed(bench.tidemark('backup', 'restless', ...place))
    await writeTo(control, vdi, 100, 'second')
    const { points } = await succeed(bench.tidemark('backup', 'restless', ...place))
    expect(points[0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 100 * CBT_BLOCK } })
    expect(points[0]).toMatchObject({ clean: true })
    await succeed(bench.tidemark('verify', 'restless', '--against-pool', ...place))
  } finally {
    stop.abort()
    await ending
  }
  expect(ended).toBeGreaterThan(10)
}, 60_000)

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a pool that ends by %s in the middle of a disk and comes back: the run waits for it and reads on',
  async (signal) => {
    const name = `phoenix-${signal}`
    const directory = join(bench.directory, name)
    const lab = await mortalLab(directory, bench.passwordFile)
    onTestFinished(() => lab.kill('SIGKILL'))
    const control = await openLabControl(directory)
    const vm = await control.createVm({ name, disks: [{ name: 'system', size: 256 * MiB }] })
    const vdi = vm.disks[0]?.uuid ?? ''
    const trust = ['--fingerprint', lab.fingerprint, '--password-file', bench.passwordFile]
    await succeed(bench.tidemark('pool', 'add', name, lab.url, ...trust))
    const place = ['--pool', name, '--repo', 'main']
    await succeed(bench.tidemark('backup', name, ...place))
    await writeTo(control, vdi, 3000, 'second')
    const run = bench.tidemark('backup', name, ...place)
    while ((await bytesRead(control)) < 5 * MiB) await sleep(5)
    lab.kill(signal)
    await lab.ended
    const again = await mortalLab(directory, bench.passwordFile, lab)
    onTestFinished(() => again.kill('SIGKILL'))
    const { points } = await succeed(run)
    expect(points[0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 3000 * CBT_BLOCK } })
    await succeed(bench.tidemark('verify', name, '--against-pool', ...place))
    again.kill('SIGTERM')
    await again.ended
  },
  60_000,
)
