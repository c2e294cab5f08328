import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { GiB } from '@tidemark/blocks'
import { openLabControl, type LabControl } from '@tidemark/lab'
import { backup } from '../commands/backup.ts'
import { runTable, type BackupRun } from '../output/runs.ts'
import { poolAdd } from '../commands/pool.ts'
import { repoInit } from '../commands/repo.ts'
import { restore } from '../commands/restore.ts'
import { verify } from '../commands/verify.ts'
import { vmList } from '../commands/vm.ts'
import type { GlobalOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { duration, shortId, size } from '../output/units.ts'
import { canMount, changeBlocks, changeFiles, withMounted } from './guest.ts'
import { makeImage } from './image.ts'
import { startLabProcess } from './lab-process.ts'
import { has, run } from './run.ts'

export interface DemoArguments {
  readonly directory: string
  readonly clean?: boolean
}

const VM = 'shop'
const SYSTEM_DISK = 4 * GiB
const DATABASE_DISK = 1 * GiB

/**
 * The guided tour: every step of the changed block tracking procedure on a lab, with real files, ended by a comparison
 * of every restored disk with what it was.
 */
export async function demo(global: GlobalOptions, out: Out, args: DemoArguments): Promise<ExitCode> {
  const directory = resolve(args.directory)
  await rm(directory, { recursive: true, force: true })
  if (args.clean === true) {
    out.result({ removed: directory }, `removed ${directory}`)
    return exitCodes.done
  }
  const startedAt = performance.now()
  await mkdir(directory, { recursive: true })
  const paths = pathsIn(directory)
  await writeFile(paths.password, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 })
  out.say(`The lab: a XenAPI pool in one process, in ${relative('', paths.lab)}/`)
  await using lab = await startLabProcess(paths.lab, paths.password)
  const control = await openLabControl(paths.lab)
  const tour = { global: { ...global, config: paths.config, cache: paths.cache }, out, control, paths }
  const vm = await makeVm(tour)
  await prepare(tour, lab)
  const moments = await backUpThreeTimes(tour, vm)
  const checks = await restoreTwice(tour, vm, moments)
  await askRestic(tour)
  finish(tour, moments, checks, performance.now() - startedAt)
  return checks.every(({ equal }) => equal) ? exitCodes.done : exitCodes.failed
}

interface Paths {
  readonly lab: string
  readonly repository: string
  readonly password: string
  readonly config: string
  readonly cache: string
}

const pathsIn = (directory: string): Paths => ({
  lab: join(directory, 'lab'),
  repository: join(directory, 'repository'),
  password: join(directory, 'password'),
  config: join(directory, 'config.yaml'),
  cache: join(directory, 'cache'),
})

/** What every step of the tour works with. */
interface Tour {
  readonly global: GlobalOptions
  readonly out: Out
  readonly control: LabControl
  readonly paths: Paths
}

type DemoVm = Awaited<ReturnType<LabControl['createVm']>> & { readonly mountable: boolean }

async function makeVm({ global, out, control, paths }: Tour): Promise<DemoVm> {
  const image = join(paths.lab, 'system.img')
  const made = await makeImage(image, SYSTEM_DISK, global.signal)
  const kind = made.ext4 ? 'an ext4 file system' : 'no file system (mkfs.ext4 is missing)'
  out.say(`  VM '${VM}', disk 0: ${size(SYSTEM_DISK)}, ${kind} with ${made.files} real files, ${size(made.bytes)}`)
  out.say(`  VM '${VM}', disk 1: ${size(DATABASE_DISK)}, scattered blocks of a make-believe database`)
  const vm = await control.createVm({
    name: VM,
    disks: [
      { name: 'system', image },
      { name: 'database', size: DATABASE_DISK },
    ],
  })
  await rm(image)
  const database = socketOf(vm, 1)
  await changeBlocks(database, 0, 2000, global.signal)
  const mountable = made.ext4 && (await canMount())
  out.say(
    mountable
      ? '  guest writes: the kernel mounts disk 0 through nbdfuse, and programs write files into it'
      : '  guest writes: block by block over NBD (mounting needs root, nbdfuse, /dev/fuse and loop devices)',
  )
  return { ...vm, mountable }
}

function socketOf(vm: Pick<DemoVm, 'disks'>, position: number): string {
  const disk = vm.disks[position]
  if (disk === undefined) throw new CliError('CLI_PROGRAM', `the lab made no disk ${position}`)
  return disk.guestSocket
}

async function prepare(tour: Tour, lab: { url: string; fingerprint: string }): Promise<void> {
  const { global, out, paths } = tour
  const password = relative('', paths.password)
  step(
    out,
    `tidemark pool add lab ${lab.url} --fingerprint ${lab.fingerprint.slice(0, 11)}… --password-file ${password}`,
  )
  await poolAdd(global, out, 'lab', lab.url, { fingerprint: lab.fingerprint, passwordFile: paths.password })
  step(out, `tidemark repo init main ${relative('', paths.repository)} --password-file ${password}`)
  await repoInit(global, out, 'main', paths.repository, { passwordFile: paths.password })
  step(out, 'tidemark vm ls')
  await vmList(global, out, {})
}

/** A restore point and what the disks held at its instant, by position. */
interface Moment {
  readonly run: BackupRun
  readonly hashes: readonly string[]
}

async function backUpThreeTimes(tour: Tour, vm: DemoVm): Promise<readonly [Moment, Moment, Moment]> {
  const full = await backUp(tour, vm)
  await guestWrites(tour, vm, 1)
  const second = await backUp(tour, vm)
  await guestWrites(tour, vm, 2)
  return [full, second, await backUp(tour, vm)]
}

async function backUp({ global, out, control }: Tour, vm: DemoVm): Promise<Moment> {
  step(out, `tidemark backup ${VM}`)
  const { runs } = await backup(global, out, [VM], {})
  const [run] = runs
  if (run === undefined) throw new CliError('CLI_PROGRAM', 'the backup made no restore point')
  return { run, hashes: await hashesOf(control, vm.disks) } // the guest is still: this is what the snapshot saw
}

const hashesOf = (control: LabControl, disks: readonly { uuid: string }[]): Promise<string[]> =>
  Promise.all(disks.map(({ uuid }) => control.sha256(uuid)))

async function guestWrites({ global, out }: Tour, vm: DemoVm, round: number): Promise<void> {
  const system = socketOf(vm, 0)
  out.say(`\nThe guest writes (round ${round})`)
  if (vm.mountable) await withMounted(system, (files) => changeFiles(files, round), global.signal)
  else await changeBlocks(system, round, 150, global.signal)
  await changeBlocks(socketOf(vm, 1), round, 300, global.signal)
}

interface Comparison {
  readonly what: string
  readonly disk: number
  readonly sha256: string
  readonly equal: boolean
}

async function restoreTwice(
  tour: Tour,
  vm: DemoVm,
  [, middle, last]: readonly [Moment, Moment, Moment],
): Promise<readonly Comparison[]> {
  const { global, out, control } = tour
  const middleId = shortId(middle.run.point.id)
  step(out, `tidemark restore ${middleId} --new-vm --name ${VM}-yesterday`)
  const asNew = await restore(global, out, middleId, { newVm: true, name: `${VM}-yesterday` })
  const created = asNew.disks.map(({ vdiUuid }) => ({ uuid: vdiUuid }))
  const comparisons = await compare(control, `middle point as new VM '${VM}-yesterday'`, created, middle)
  out.say('\nThe guest ruins its disks')
  for (const [position] of vm.disks.entries()) await changeBlocks(socketOf(vm, position), 99, 50, global.signal)
  const lastId = shortId(last.run.point.id)
  step(out, `tidemark restore ${lastId} --over`)
  await restore(global, out, lastId, { over: true })
  const over = await compare(control, 'last point over the original disks', vm.disks, last)
  step(out, `tidemark verify ${lastId} --against-pool`)
  await verify(global, out, lastId, { againstPool: true })
  return [...comparisons, ...over]
}

async function compare(
  control: LabControl,
  what: string,
  disks: readonly { uuid: string }[],
  { hashes }: Moment,
): Promise<Comparison[]> {
  const found = await hashesOf(control, disks)
  return found.map((sha256, disk) => ({ what, disk, sha256, equal: sha256 === hashes[disk] }))
}

async function askRestic({ global, out, paths }: Tour): Promise<void> {
  if (!(await has('restic'))) return out.say('\n(restic is not installed here, so it could not be asked)')
  step(out, 'restic check --read-data')
  const place = ['--repo', paths.repository, '--password-file', paths.password, '--no-cache']
  const said = await run('restic', [...place, 'check', '--read-data'], global.signal)
  out.say(said.trim().split('\n').at(-1) ?? '')
}

function finish({ out, paths }: Tour, moments: readonly Moment[], checks: readonly Comparison[], ms: number): void {
  const rows = checks.map(({ what, disk, sha256, equal }) => [
    what,
    String(disk),
    `${sha256.slice(0, 16)}…`,
    equal ? 'equal' : 'DIFFERENT',
  ])
  const place = `--repo ${relative('', paths.repository)} --password-file ${relative('', paths.password)}`
  const cli = 'node_modules/.bin/node packages/cli/bin/tidemark.cjs'
  out.result(
    {
      runs: moments.map(({ run }) => ({ point: run.point.id, seconds: run.seconds, disks: run.record.disks })),
      comparisons: checks,
      seconds: ms / 1000,
    },
    `
${runTable(moments.map(({ run }) => run))}

${table(['restored', '>disk', 'SHA-256', 'compared with the disk at that moment'], rows)}

Done in ${duration(ms)}. What to type next:
  restic ${place} snapshots
  restic ${place} ls latest
  restic ${place} check --read-data
On your own pool (the CLI is ${cli}):
  tidemark pool add office https://<your pool> --password-file <file>
  tidemark repo init main /backup/main --password-file <file>
  tidemark backup <vm>
'npm run demo -- --clean' removes ${relative('', join(paths.lab, '..'))}/.`,
  )
}

const step = (out: Out, command: string): void => out.say(`\n$ ${command}`)
