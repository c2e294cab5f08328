import { execFileSync, spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, writeFile, chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import { openLabControl, type LabControl } from '@tidemark/lab'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mortalLab } from './support/mortal-lab.ts'
import { guestWrites, openBench, succeed, type Bench, type Line } from './support/pool.ts'

const SIZE = 32 * MiB
let bench: Bench
let vdi: string

beforeAll(async () => {
  bench = await openBench()
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ name: 'system', size: SIZE }] })
  vdi = vm.disks[0]?.uuid ?? ''
  await guestWrites(
    bench.lab,
    vdi,
    Array.from({ length: 300 }, (_, i) => i),
    'first',
  )
  await succeed(bench.tidemark('backup', 'web'))
})
afterAll(() => bench[Symbol.asyncDispose]())

/** What a user is told: exit code, error code, sentence. */
async function failure(...args: string[]): Promise<{ exit: number; code: unknown; message: string }> {
  const { code, last } = await bench.tidemark(...args)
  return { exit: code, code: last['code'], message: String(last['message']) }
}

/** The repository must be as good as before, by the word of a program that is not ours. */
async function expectSound(points: number): Promise<void> {
  expect(await bench.restic('check', '--read-data')).toContain('no errors were found')
  const snapshots = JSON.parse(await bench.restic('snapshots', '--json')) as Line[]
  expect(snapshots).toHaveLength(points)
}

/** Nothing of a failed run may stay on the pool: only bases of finished runs are left. */
async function expectCleanPool(): Promise<void> {
  await using admin = await bench.admin()
  const vms = Object.values(await admin.VM.get_all_records())
  expect(vms.filter((vm) => vm.is_a_snapshot).map((vm) => vm.name_label)).toEqual([])
  const disks = Object.values(await admin.VDI.get_all_records())
  const withData = disks.filter((disk) => disk.is_a_snapshot && disk.type !== 'cbt_metadata')
  expect(withData.map((disk) => disk.uuid)).toEqual([])
}

test('a wrong repository password', async () => {
  const wrong = join(bench.directory, 'wrong')
  await writeFile(wrong, 'not it')
  const told = await failure('backup', 'web', '--repo-password-file', wrong)
  expect(told).toMatchObject({ exit: 1, code: 'REPOSITORY_PASSWORD' })
})

test('a wrong pool password', async () => {
  const wrong = join(bench.directory, 'wrong-pool')
  await writeFile(wrong, 'not it')
  const told = await failure(
    'pool',
    'add',
    'other',
    bench.lab.url,
    '--fingerprint',
    bench.lab.fingerprint,
    '--password-file',
    wrong,
  )
  expect(told).toMatchObject({ exit: 1, code: 'XENAPI_FAILURE' })
  expect(told.message).toContain('SESSION_AUTHENTICATION_FAILED')
}, 60_000)

test('a certificate that is not the pinned one', async () => {
  const other = 'AB:'.repeat(31) + 'AB'
  const told = await failure(
    'pool',
    'add',
    'other',
    bench.lab.url,
    '--fingerprint',
    other,
    '--password-file',
    bench.passwordFile,
  )
  expect(told).toMatchObject({ exit: 1, code: 'CLI_TRUST' })
  const config = join(bench.directory, 'mitm.yaml')
  const text = await readFile(join(bench.directory, 'config.yaml'), 'utf8')
  await writeFile(config, text.replace(bench.lab.fingerprint, other))
  const pinned = await failure('vm', 'ls', '--config', config)
  expect(pinned).toMatchObject({ exit: 1, code: 'XENAPI_CERTIFICATE' })
  expect(pinned.message).toContain(bench.lab.fingerprint)
})

test('an unknown VM, an unknown point, words that make no sense', async () => {
  expect(await failure('backup', 'nobody')).toMatchObject({ exit: 1, code: 'ENGINE_VM_UNKNOWN' })
  expect(await failure('restore', 'ffffffff', '--over')).toMatchObject({ exit: 1, code: 'ENGINE_POINT_UNKNOWN' })
  expect((await bench.tidemark('restore', 'latest')).code).toBe(2)
  expect((await bench.tidemark('no-such-command')).code).toBe(2)
})

test('restoring over a disk that a running VM holds is refused before anything is written', async () => {
  const before = await bench.lab.control.sha256(vdi)
  await using admin = await bench.admin()
  const [vm] = await admin.VM.get_by_name_label('web')
  if (vm === undefined) throw new Error('no VM web')
  await admin.VM.start(vm, false, false)
  expect(await failure('restore', 'web', '--over')).toMatchObject({ exit: 1, code: 'ENGINE_TARGET' })
  await admin.VM.hard_shutdown(vm)
  expect(await bench.lab.control.sha256(vdi)).toBe(before)
})

test('a network without NBD purpose', async () => {
  await guestWrites(bench.lab, vdi, [1], 'no-nbd')
  await bench.lab.control.removePurposes()
  const told = await failure('backup', 'web')
  expect(told).toMatchObject({ exit: 1, code: 'ENGINE_NO_NBD' })
  expect(told.message).toContain('purpose')
  expect((await bench.tidemark('pool', 'check')).code).toBe(3)
  await using admin = await bench.admin()
  for (const network of await admin.network.get_all()) await admin.network.add_purpose(network, 'nbd')
  await expectCleanPool()
  await expectSound(1)
})

test('tracking that was switched off behind our back: all is compared, which says why, and tracking again', async () => {
  await bench.lab.control.disableCbtBehind(vdi)
  const { lines, code } = await bench.tidemark('backup', 'web')
  expect(code).toBe(0)
  const plan = lines.find(({ type }) => type === 'plan')
  expect(plan?.['disks'][0]).toMatchObject({ action: 'compare', reason: 'tracking-off' })
  await guestWrites(bench.lab, vdi, [2], 'tracked again')
  const next = await succeed(bench.tidemark('backup', 'web'))
  expect(next['points'][0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: CBT_BLOCK } })
  await expectSound(3)
})

test('tracking that was switched off and on again: the pool cannot tell the changes, and that is said', async () => {
  await bench.lab.control.disableCbtBehind(vdi)
  await using admin = await bench.admin()
  await admin.VDI.enable_cbt(await admin.VDI.get_by_uuid(vdi))
  const { lines, code } = await bench.tidemark('backup', 'web')
  expect(code).toBe(0)
  const replan = lines.findIndex(({ type }) => type === 'replan')
  expect(lines[replan]?.['disk']).toMatchObject({ action: 'compare', reason: 'base-unusable' })
  expect(replan).toBeLessThan(lines.findIndex(({ type }) => type === 'disk'))
  await expectSound(4)
})

test('a pool that will not tidy: exit code 3 and a sound point; the next run is incremental and tidies', async () => {
  await bench.lab.control.failCall({
    method: 'Async.VDI.data_destroy',
    times: 1,
    failure: ['INTERNAL_ERROR', 'planned'],
  })
  const { code, last } = await bench.tidemark('backup', 'web')
  expect(code).toBe(3)
  expect(last['points'][0]).toMatchObject({ clean: false })
  await guestWrites(bench.lab, vdi, [3], 'after')
  const next = await succeed(bench.tidemark('backup', 'web'))
  expect(next['points'][0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: CBT_BLOCK } })
  await expectCleanPool()
  await expectSound(6)
})

test('a restore whose last step fails leaves no VM and no disk behind', async () => {
  await using admin = await bench.admin()
  const before = [(await admin.VM.get_all()).length, (await admin.VDI.get_all()).length]
  await bench.lab.control.failCall({ method: 'VM.set_name_label', times: 1, failure: ['INTERNAL_ERROR', 'planned'] })
  expect(await failure('restore', 'web', '--new-vm', '--name', 'copy')).toMatchObject({
    exit: 1,
    code: 'XENAPI_FAILURE',
  })
  expect([(await admin.VM.get_all()).length, (await admin.VDI.get_all()).length]).toEqual(before)
})

test('one VM that fails does not take the others with it', async () => {
  await bench.lab.control.createVm({ name: 'empty', disks: [] })
  const { code, last } = await bench.tidemark('backup', 'empty', 'web')
  expect(code).toBe(1)
  expect(last['failed']).toMatchObject([{ vm: 'empty', code: 'ENGINE_NO_DISKS' }])
  expect(last['points']).toHaveLength(1)
  expect(await failure('backup', 'web', '--disk', 'no-such-disk')).toMatchObject({ code: 'ENGINE_DISK_UNKNOWN' })
})

test('a lock that another program left stops a check, and unlock removes it', async () => {
  const locks = join(bench.repository, 'locks')
  await writeFile(join(locks, 'ab'.repeat(32)), 'torn by a crash')
  const told = await failure('check')
  expect(told).toMatchObject({ exit: 1, code: 'REPOSITORY_LOCKED' })
  expect(told.message).toContain('unlock')
  expect((await succeed(bench.tidemark('unlock', '--remove-all')))['removed']).toBe(1)
  expect((await succeed(bench.tidemark('check')))['errors']).toEqual([])
})

test('a flipped bit and a cut pack are found and named, by verify and by check; nothing wrong is handed out', async () => {
  for (const harm of ['flip', 'cut'] as const) {
    const copy = join(bench.directory, `copy-${harm}`)
    await cp(bench.repository, copy, { recursive: true })
    const pack = await largestPack(copy)
    await chmod(pack.path, 0o600)
    const bytes = await readFile(pack.path)
    if (harm === 'flip') bytes[1000] = (bytes[1000] ?? 0) ^ 1
    await writeFile(pack.path, harm === 'flip' ? bytes : bytes.subarray(0, bytes.length - 5000))
    const at = ['--repo', copy, '--repo-password-file', bench.passwordFile]
    const checked = await bench.tidemark('check', '--read-data', ...at)
    expect(checked.code).toBe(1)
    expect(JSON.stringify(checked.last['errors'])).toContain(pack.name)
    const target = join(bench.directory, `out-${harm}`)
    const oldest = ((await succeed(bench.tidemark('points', ...at)))['points'] as Line[])[0]?.['id']
    const told = await failure('restore', String(oldest), '--to-dir', target, ...at)
    expect(told).toMatchObject({ exit: 1, code: 'REPOSITORY_DAMAGED' })
    expect(told.message).toContain(pack.name)
    expect(await allFiles(target)).toEqual([])
    await rm(copy, { recursive: true })
  }
}, 60_000)

test('Ctrl-C in the middle of a transfer: exit code 130, the repository as it was, and the next run goes on with the snapshot', async () => {
  const vm = await bench.lab.control.createVm({ name: 'long', disks: [{ name: 'system', size: 512 * MiB }] })
  const blocks = Array.from({ length: 4000 }, (_, i) => i)
  await guestWrites(bench.lab, vm.disks[0]?.uuid ?? '', blocks, 'long')
  const child = spawn(
    process.execPath,
    [
      ...command(),
      '--config',
      join(bench.directory, 'config.yaml'),
      'backup',
      'long',
      '--pool',
      'lab',
      '--repo',
      'main',
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TIDEMARK_STATE_DIR: join(bench.directory, 'state') },
    },
  )
  const ended = once(child, 'exit')
  let isStopped = false
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as Line
    if (isStopped || event['type'] !== 'disk' || event['moved'] === 0) continue
    isStopped = child.kill('SIGINT')
  }
  const [code] = (await ended) as [number]
  expect(code).toBe(130)
  await expectSound(7)
  const next = await bench.tidemark('backup', 'long', '--pool', 'lab', '--repo', 'main')
  expect(next.lines.map(({ type }) => type)).toContain('resumed')
  await expectCleanPool()
  await expectSound(8)
}, 120_000)

/** The command from its sources, with JSON lines. */
const command = (): string[] => [
  '--conditions=@tidemark/source',
  join(import.meta.dirname, '../packages/cli/src/main.ts'),
  '--json',
]

test('a lab that dies in the middle of a transfer; after its return the next run is incremental again', async () => {
  const directory = join(bench.directory, 'mortal')
  const lab = await mortalLab(directory, bench.passwordFile)
  const control = await openLabControl(directory)
  const vm = await control.createVm({ name: 'mortal', disks: [{ name: 'system', size: 512 * MiB }] })
  const disk = vm.disks[0]?.uuid ?? ''
  const place = ['--pool', 'mortal', '--repo', 'main']
  await succeed(
    bench.tidemark(
      'pool',
      'add',
      'mortal',
      lab.url,
      '--fingerprint',
      lab.fingerprint,
      '--password-file',
      bench.passwordFile,
      '--outage-minutes',
      '0',
    ),
  )
  await writeBlocks(control, disk, 50)
  await succeed(bench.tidemark('backup', 'mortal', ...place))
  await writeBlocks(control, disk, 6000)
  const run = bench.tidemark('backup', 'mortal', ...place)
  for (let tries = 0; tries < 4000 && (await bytesRead(control)) < 5 * MiB; tries++) await sleep(5)
  lab.kill('SIGKILL')
  const { code, last } = await run
  expect(code).toBe(1)
  expect(last['code']).toMatch(/^(NBD|XENAPI)_/)
  await lab.ended
  await expectSound(9)
  const again = await mortalLab(directory, bench.passwordFile, lab)
  const next = await succeed(bench.tidemark('backup', 'mortal', ...place))
  expect(next['points'][0].disks[0]).toMatchObject({ action: 'incremental', bytes: { read: 6000 * CBT_BLOCK } })
  again.kill('SIGTERM')
  await again.ended
  await expectSound(10)
}, 120_000)

const bytesRead = async (control: LabControl): Promise<number> =>
  (await control.nbdReads()).reduce((sum, { bytes }) => sum + bytes, 0)

async function writeBlocks(control: { guestSocket(vdi: string): Promise<string> }, vdi: string, count: number) {
  await guestWrites(
    { control } as Bench['lab'],
    vdi,
    Array.from({ length: count }, (_, i) => i),
    `mortal ${count}`,
  )
}

test('a full repository disk: what was stored before stays sound, and the pool is left clean', async () => {
  const small = join(bench.directory, 'small')
  await mkdir(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', small])
  try {
    const path = join(small, 'repository')
    await succeed(bench.tidemark('repo', 'init', 'small', path, '--password-file', bench.passwordFile))
    const told = await failure('backup', 'web', '--pool', 'lab', '--repo', 'small', '--no-resume')
    expect(told, told.message).toMatchObject({ exit: 1, code: 'REPOSITORY_FULL' })
    expect(await readdir(join(path, 'snapshots'))).toEqual([])
    expect((await allFiles(path)).filter((file) => !/[0-9a-f]{64}$|config$/.test(file))).toEqual([])
    const checked = execFileSync(
      'restic',
      ['--repo', path, '--password-file', bench.passwordFile, '--no-cache', 'check', '--read-data'],
      { encoding: 'utf8' },
    )
    expect(checked).toContain('no errors were found')
  } finally {
    execFileSync('umount', [small])
  }
  await expectCleanPool()
}, 60_000)

const allFiles = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true, withFileTypes: true })).flatMap((entry) =>
    entry.isFile() ? [entry.name] : [],
  )

async function largestPack(repository: string): Promise<{ path: string; name: string }> {
  const entries = await readdir(join(repository, 'data'), { recursive: true, withFileTypes: true })
  let best = { path: '', name: '', size: -1 }
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const { length: size } = await readFile(path)
    if (size > best.size) best = { path, name: entry.name, size }
  }
  return best
}
