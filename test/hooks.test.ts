import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { commandOf, openBench, succeed, type Bench, type Line } from './support/pool.ts'

let bench: Bench
let plain: string
const log = () => join(bench.directory, 'log')
const EVIL = `web $(touch evil) ; touch evil #'"`

beforeAll(async () => {
  bench = await openBench()
  await bench.lab.control.createVm({ name: 'db', disks: [{ size: 2 * MiB }] })
  await bench.lab.control.createVm({ name: EVIL, disks: [{ size: 2 * MiB }] })
  plain = await readFile(join(bench.directory, 'config.yaml'), 'utf8')
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())
beforeEach(() => rm(log(), { force: true }))

/** Lines of JSON are YAML too. */
async function configure(...hooks: object[]): Promise<void> {
  await writeFile(join(bench.directory, 'config.yaml'), `${plain}\nhooks: ${JSON.stringify(hooks)}\n`)
}

const logged = async (): Promise<string[]> => (await readFile(log(), 'utf8').catch(() => '')).split('\n').slice(0, -1)
const note = (text: string): string => `printf '%s\\n' "${text}" >> '${log()}'`
const events = ['before-run', 'before-vm', 'before-snapshot', 'after-snapshot', 'after-vm', 'after-run']
const snapshots = async (): Promise<number> => {
  await using admin = await bench.admin()
  return Object.values(await admin.VM.get_all_records()).filter((vm) => vm.is_a_snapshot).length
}

test('hooks run in their order and are told what they are about; no shell reads the name of a VM', async () => {
  const words = '$TIDEMARK_EVENT|$TIDEMARK_VM_NAME|$TIDEMARK_RESULT|$TIDEMARK_POINT|$TIDEMARK_POOL|$TIDEMARK_SNAPSHOT'
  await configure(...events.map((on) => ({ on, shell: note(words) })))
  const { points } = await succeed(bench.tidemark('backup', EVIL))
  const [{ id, snapshot }] = points
  expect(await logged()).toEqual([
    'before-run||||lab|',
    `before-vm|${EVIL}|||lab|`,
    `before-snapshot|${EVIL}|||lab|`,
    `after-snapshot|${EVIL}|done||lab|${snapshot}`,
    `after-vm|${EVIL}|done|${id}|lab|`,
    'after-run||done||lab|',
  ])
  await expect(readFile('evil')).rejects.toMatchObject({ code: 'ENOENT' })
}, 60_000)

test('arguments of a command are passed as they are, and passwords are not', async () => {
  const script =
    'require("node:fs").writeFileSync(process.argv[1], JSON.stringify([process.argv.slice(2), process.env]))'
  const command = [process.execPath, '-e', script, log(), 'a b', '$HOME; `id`', '']
  await configure({ on: 'before-vm', command, vms: ['db'] })
  process.env['RESTIC_PASSWORD'] = 'not for others'
  try {
    await succeed(bench.tidemark('backup', 'db'))
  } finally {
    delete process.env['RESTIC_PASSWORD']
  }
  const [args, environment] = JSON.parse(await readFile(log(), 'utf8')) as [string[], Record<string, string>]
  expect(args).toEqual(['a b', '$HOME; `id`', ''])
  expect(environment).toMatchObject({ TIDEMARK_VM_NAME: 'db', PATH: process.env['PATH'] })
  expect(environment).not.toHaveProperty('RESTIC_PASSWORD')
}, 60_000)

test('a hook that fails before the snapshot stops its VM, not the others, and what comes after comes', async () => {
  const shell = 'echo the database says no >&2; exit 7'
  await configure(
    { on: 'before-snapshot', shell, vms: ['db'] },
    { on: 'after-snapshot', shell: note('thaw $TIDEMARK_RESULT') },
  )
  const { code, last } = await bench.tidemark(
    'backup',
    '--all',
    '--vms-at-once',
    '1',
    '--hook',
    `after-run=${note('end $TIDEMARK_RESULT $TIDEMARK_VMS_DONE $TIDEMARK_VMS_FAILED')}`,
  )
  expect(code).toBe(1)
  expect(last['points']).toHaveLength(1)
  expect(last['failed']).toMatchObject([
    { vm: 'db', code: 'CLI_HOOK', message: expect.stringMatching(/exit code 7:\nthe database says no/) },
  ])
  expect(await logged()).toEqual(['thaw failed', 'thaw done', 'end failed 1 1'])
}, 60_000)

test('hooks that fail where nothing is to be stopped leave a point, each is told, and the run ends with 3', async () => {
  await configure(
    { on: 'before-snapshot', shell: 'exit 1', onFailure: 'warn' },
    { on: 'after-snapshot', shell: 'exit 1' },
    { on: 'after-vm', command: ['/no/such/program'] },
    { on: 'after-run', shell: 'kill -9 $$' },
  )
  const { code, last, lines } = await bench.tidemark('backup', 'db')
  expect(code).toBe(3)
  expect(last['points']).toMatchObject([{ clean: false }])
  const failed = lines.filter(({ type, result }) => type === 'hook' && result === 'failed')
  expect(failed.map(({ event }) => event)).toEqual(['before-snapshot', 'after-snapshot', 'after-vm', 'after-run'])
}, 60_000)

test('a hook that hangs is ended after its time, with all that it started', async () => {
  const shell = `trap '' TERM; (trap '' TERM; sleep 600) & echo $! > '${log()}'; wait`
  await configure({ on: 'before-vm', shell: `exec 9>&1; ${shell}`, timeoutSeconds: 0.5 })
  const { code, last } = await bench.tidemark('backup', 'db')
  expect([code, last['code'], last['message']]).toEqual([1, 'CLI_HOOK', expect.stringContaining('longer than 0.5 s')])
  expect(await isAlive(Number((await logged())[0]))).toBe(false)
}, 60_000)

test.each(['once', 'twice'] as const)(
  'a run that is stopped %s while a hook hangs ends at once and ends the hook, and what comes after comes',
  async (often) => {
    await configure(
      { on: 'before-snapshot', shell: `trap '' TERM; echo $$ >> '${log()}'; while :; do sleep 0.1; done` },
      ...events.slice(3).map((on) => ({ on, shell: `sleep 0.5; ${note('$TIDEMARK_EVENT $TIDEMARK_RESULT')}` })),
    )
    const env = { ...process.env, TIDEMARK_STATE_DIR: join(bench.directory, 'state') }
    const command = spawn(process.execPath, commandOf(bench.directory, ['backup', 'db']), { stdio: 'ignore', env })
    const ended = once(command, 'exit')
    await untilLogged(1)
    command.kill('SIGINT')
    if (often === 'twice') setTimeout(() => command.kill('SIGINT'), 5)
    expect(await ended).toEqual([130, null])
    const lines = await untilLogged(4)
    expect(await isAlive(Number(lines[0]))).toBe(false)
    const after = events.slice(3).map((event) => `${event} interrupted`)
    expect(lines.slice(-after.length).toSorted()).toEqual(after.toSorted())
    expect(await snapshots()).toBe(0)
  },
  60_000,
)

test('no hook runs when none is to, and a typo in an event or a name is said', async () => {
  await configure({ on: 'before-run', shell: 'exit 1' })
  const { lines } = await bench.tidemark('backup', 'db', '--no-hooks')
  expect(lines.map(({ type }) => type)).not.toContain('hook')
  await configure({ on: 'before-vm', shell: 'true', vms: ['bd'] }, { on: 'after-run', shell: 'exit 1' })
  const run = await bench.tidemark('backup', 'db')
  expect(run.lines).toContainEqual({ type: 'hook-without-vm', name: 'bd' })
  expect(run.code).toBe(3) // for the hook behind the run, which itself was clean
  const usage = await bench.tidemark('backup', 'db', '--hook', 'befor-run=true')
  expect(usage).toMatchObject({ code: 2, last: { code: 'CLI_USAGE' } satisfies Line })
  await configure({ on: 'before-run', shell: 'true', vms: ['db'] })
  expect((await bench.tidemark('backup', 'db')).last).toMatchObject({ code: 'CLI_CONFIG' })
}, 60_000)

/** Waits for hooks that were left to themselves. */
async function untilLogged(lines: number): Promise<string[]> {
  for (;;) {
    const all = await logged()
    if (all.length >= lines) return all
    await sleep(50)
  }
}

/** Not counting what is dead and not buried. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') X')
  return !/\) [ZX]/.test(stat)
}
