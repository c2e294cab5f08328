import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeGuestImage } from './guest/image.ts'
import { openBench, succeed } from './support/pool.ts'

const BACKUPS = 3
const place = ['--pool', 'lab', '--repo', 'main']

test('a Debian guest boots, writes while it is backed up three times, and each point boots again and holds what was acknowledged', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tm-guest-'))
  stack.defer(() => rm(directory, { recursive: true }))
  const image = await makeGuestImage(directory)
  const bench = stack.use(await openBench({ machines: 'qemu' }))
  const admin = stack.use(await bench.admin())
  const { control } = bench.lab
  const vm = await control.createVm({ name: 'debian', memory: 256 << 20, disks: [{ image }] })
  const ref = await admin.VM.get_by_uuid(vm.uuid)
  await admin.VM.set_VCPUs_at_startup(ref, 1) // emulated, one is faster than two
  const told = async (key: string) => (await admin.VM.get_xenstore_data(ref))[`vm-data/${key}`]
  const written = async () => Number((await told('written')) ?? 0)

  await admin.VM.start(ref, false, false)
  await expect.poll(() => written(), { timeout: 120_000, interval: 200 }).toBeGreaterThan(3)
  const metrics = await admin.VM_guest_metrics.get_record(await admin.VM.get_guest_metrics(ref))
  expect(metrics).toMatchObject({ PV_drivers_detected: true, live: true })
  expect(metrics.os_version['name']).toMatch(/^Debian GNU\/Linux/)

  const points: { id: string; from: number; to: number }[] = []
  for (let i = 0; i < BACKUPS; i++) {
    const from = await written()
    const { points: made } = await succeed(bench.tidemark('backup', 'debian', ...place))
    points.push({ id: made[0].id, from, to: (await written()) + 1 }) // one more may be flushed and not acknowledged
    expect(made[0].disks[0].action).toBe(i === 0 ? 'full' : 'incremental')
  }
  await admin.VM.clean_shutdown(ref) // by its power button
  expect(await admin.VM.get_power_state(ref)).toBe('Halted')

  for (const { id, from, to } of points) {
    const args = ['verify', id, '--boot', '--boot-sign', 'holds', '--boot-limit', '120', ...place]
    const { boot } = await succeed(bench.tidemark(...args))
    const [count = '', hash] = boot.data.holds.split(' ')
    expect(boot.data.chain).toBe('whole')
    expect(Number(count)).toBeGreaterThanOrEqual(from)
    expect(Number(count)).toBeLessThanOrEqual(to)
    expect(hash).toBe(chain(Number(count)))
  }
  expect(await readFile(await control.consoleLog(vm.uuid), 'utf8')).toContain('the disk holds 0 lines, whole')
  expect(await control.invariants()).toEqual([])
}, 300_000)

/** The hash of line `count`, as the guest reckons it. */
function chain(count: number): string {
  let hash = 'start'
  for (let n = 1; n <= count; n++) hash = createHash('sha256').update(`${hash} ${n}`).digest('hex')
  return hash
}
