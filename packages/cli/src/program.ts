import { Command, InvalidArgumentError, Option } from 'commander'
import { cacheDirectory } from './cache.ts'
import type { BackupArguments } from './commands/backup.ts'
import type { CheckArguments } from './commands/check.ts'
import type { FilesArguments } from './commands/files.ts'
import type { LabArguments, LabSeedArguments } from './commands/lab.ts'
import type { NbdArguments } from './commands/nbd.ts'
import type { PoolAddArguments } from './commands/pool.ts'
import type { RepoInitArguments, UnlockArguments } from './commands/repo.ts'
import type { RestoreArguments } from './commands/restore.ts'
import type { VerifyArguments } from './commands/verify.ts'
import { configPath } from './config.ts'
import type { GlobalOptions, PoolOptions, RepositoryOptions } from './connect.ts'
import type { DemoArguments } from './demo/demo.ts'
import { CliError } from './error.ts'
import type { ExitCode } from './exit.ts'
import type { Out } from './output/out.ts'
import { VERSION } from './version.ts'

/** What a command gets from its caller: where its words go, when to stop, and where its exit code goes. */
export interface Surroundings {
  out(json: boolean): Out
  readonly signal: AbortSignal
  exit(code: ExitCode): void
}

/** Commands are loaded when they run: a backup pays neither time nor memory for the lab. */
const commands = {
  backup: () => import('./commands/backup.ts'),
  check: () => import('./commands/check.ts'),
  demo: () => import('./demo/demo.ts'),
  doctor: () => import('./commands/doctor.ts'),
  files: () => import('./commands/files.ts'),
  lab: () => import('./commands/lab.ts'),
  nbd: () => import('./commands/nbd.ts'),
  points: () => import('./commands/points.ts'),
  pool: () => import('./commands/pool.ts'),
  repo: () => import('./commands/repo.ts'),
  restore: () => import('./commands/restore.ts'),
  verify: () => import('./commands/verify.ts'),
  vm: () => import('./commands/vm.ts'),
  xe: () => import('./xe/run.ts'),
} as const

interface Shared {
  readonly json?: boolean
  readonly config: string
  readonly cache: boolean
  readonly cacheDir?: string
}

/** Runs one command with the options that all share. */
type Start = (run: (global: GlobalOptions, out: Out) => Promise<ExitCode>) => Promise<void>

/** The command tree. Building it runs nothing. */
export function buildProgram(surroundings: Surroundings): Command {
  const program = new Command('tidemark')
    .description('Forever-incremental backup for virtual machines on XenServer and XCP-ng, into restic repositories.')
    .version(VERSION)
    .option('--json', 'one JSON object a line: events, then one result')
    .addOption(
      new Option('--config <file>', 'configuration file').default(
        configPath(),
        '$XDG_CONFIG_HOME/tidemark/config.yaml',
      ),
    )
    .addOption(
      new Option('--cache-dir <dir>', 'where to keep indexes of repositories').default(
        cacheDirectory(),
        '$XDG_CACHE_HOME/tidemark',
      ),
    )
    .option('--no-cache', 'keep nothing, and read all of the index each time')
    .addHelpText('after', footer)
    .exitOverride()
  const start: Start = async (run) => {
    const { json = false, config, cache, cacheDir } = program.opts<Shared>()
    const cached = cache && cacheDir !== undefined ? { cache: cacheDir } : {}
    surroundings.exit(await run({ config, signal: surroundings.signal, ...cached }, surroundings.out(json)))
  }
  for (const add of [
    addPool,
    addRepo,
    addVm,
    addBackup,
    addPoints,
    addRestore,
    addAccess,
    addFiles,
    addVerify,
    addDoctor,
    addXe,
    addLab,
    addDemo,
  ]) {
    add(program, start)
  }
  return program
}

const footer = `
Exit codes: 0 done, 1 failed, 2 usage, 3 done but something needs attention, 130 interrupted.

A first backup:
  tidemark pool add office https://10.0.0.5 --password-file pw      shows the certificate and pins it
  tidemark repo init main /backup/main --password-file repo-pw      any restic can read it
  tidemark vm ls                                                    what there is
  tidemark plan web1                                                what a run would do, and why
  tidemark backup web1                                              full once, then only what changed
  tidemark restore web1 --new-vm                                    and back again`

function addPool(program: Command, start: Start): void {
  const pool = program.command('pool').description('pools by name: their address, certificate and readiness')
  pool
    .command('add <name> <url>')
    .description("show the pool's certificate, pin it, log in, check what a backup needs, and remember it")
    .option('--username <name>', 'XenAPI user', 'root')
    .option('--password-file <file>', 'file with the password; else TIDEMARK_POOL_PASSWORD or a prompt')
    .option('--fingerprint <sha256>', 'accept exactly this certificate, without asking')
    .option('--ca <file>', 'trust these certificate authorities instead of pinning')
    .option('--insecure-nbd', "allow networks with purpose 'insecure_nbd': disks cross them in clear text")
    .option('--outage-minutes <n>', 'how long a run waits for a pool that does not answer (default: 5)', minutes)
    .action((name: string, url: string, args: PoolAddArguments) =>
      start(async (global, out) => (await commands.pool()).poolAdd(global, out, name, url, args)),
    )
  pool
    .command('ls')
    .description('list pools')
    .action(() => start(async (global, out) => (await commands.pool()).poolList(global, out)))
  withPool(pool.command('check').description('tracking, NBD networks, rights, clock and space')).action(
    (args: PoolOptions) => start(async (global, out) => (await commands.pool()).poolCheck(global, out, args)),
  )
}

function addRepo(program: Command, start: Start): void {
  const repo = program.command('repo').description('restic repositories by name')
  withStorage(
    repo.command('init <name> <url>').description('make a new repository and remember it').addHelpText('after', urls),
  ).action((name: string, url: string, args: RepoInitArguments) =>
    start(async (global, out) => (await commands.repo()).repoInit(global, out, name, url, args)),
  )
  withStorage(
    repo
      .command('add <name> <url>')
      .description('remember a repository that exists, made by tidemark or by restic')
      .addHelpText('after', urls),
  ).action((name: string, url: string, args: RepoInitArguments) =>
    start(async (global, out) => (await commands.repo()).repoAdd(global, out, name, url, args)),
  )
  repo
    .command('ls')
    .description('list repositories')
    .action(() => start(async (global, out) => (await commands.repo()).repoList(global, out)))
  withRepo(repo.command('info').description('open one and count its snapshots')).action((args: RepositoryOptions) =>
    start(async (global, out) => (await commands.repo()).repoShow(global, out, args)),
  )
  withRepo(
    repo
      .command('renew-retention')
      .description('with Object Lock: keep all files from removal for as long as new ones'),
  ).action((args: RepositoryOptions) =>
    start(async (global, out) => (await commands.repo()).repoRenew(global, out, args)),
  )
}

const urls = `
A repository is at a path, in a bucket of S3, or on a server that speaks restic's REST protocol (rest-server, rclone serve restic):
  /backup/main     s3:https://s3.example.org/bucket/prefix     rest:https://user@backup.example.org:8000/main/

Keys and passwords are never arguments: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or an AWS profile; RESTIC_REST_PASSWORD; or files.`

const withStorage = (command: Command): Command =>
  command
    .option('--password-file <file>', 'file with its password; else TIDEMARK_REPOSITORY_PASSWORD or a prompt')
    .option('--append-only', 'remove nothing but locks; doctor insists that the storage sees to it')
    .option('--connections <n>', 'requests at a time (default: 5)', count)
    .option('--upload-limit <MiB/s>', 'mean rate of uploads', rate)
    .option('--download-limit <MiB/s>', 'mean rate of downloads', rate)
    .option('--ca <file>', 'trust these certificate authorities for the server, PEM')
    .option('--client-cert <file>', 'certificate to show to the server, PEM')
    .option('--client-key <file>', 'its key, PEM')
    .option('--rest-password-file <file>', "file with the password of the REST server's user")
    .option('--s3-region <name>', 'region of the bucket')
    .option('--s3-key-id <id>', 'access key; its secret comes by --s3-secret-file')
    .option('--s3-secret-file <file>', 'file with the secret key')
    .option('--object-lock-days <n>', 'S3: keep each file from removal for so many days', days)
    .addOption(
      new Option('--object-lock-mode <mode>', 'S3: who may shorten that').choices(['governance', 'compliance']),
    )

function addVm(program: Command, start: Start): void {
  const vm = program.command('vm').description('virtual machines of a pool')
  withRepo(withPool(vm.command('ls').description('VMs with their disks, tracking and newest restore point'))).action(
    (args: PoolOptions & RepositoryOptions) =>
      start(async (global, out) => (await commands.vm()).vmList(global, out, args)),
  )
}

function addBackup(program: Command, start: Start): void {
  const selecting = (command: Command) =>
    withRepo(withPool(command))
      .option('--full', 'read everything, whatever the tracking says')
      .addOption(
        new Option('--source <kind>', 'how to read in full: a VHD stream shows the holes').choices([
          'nbd',
          'vhd',
          'raw',
        ]),
      )
      .option('--disk <which...>', 'only these disks, by position, name or UUID')
      .option('--exclude <which...>', 'all disks but these')
  selecting(program.command('plan <vm...>').description('what the next run would do to each disk, and why')).action(
    (vms: string[], args: BackupArguments) =>
      start(async (global, out) => (await commands.backup()).plan(global, out, vms, args)),
  )
  selecting(
    program.command('backup <vm...>').description('one restore point of each VM, by changed blocks where possible'),
  )
    .option('--tag <tag...>', 'tags for the restore point')
    .action((vms: string[], args: BackupArguments) =>
      start(async (global, out) => (await (await commands.backup()).backup(global, out, vms, args)).exit),
    )
}

function addPoints(program: Command, start: Start): void {
  withRepo(program.command('points [vm]').description('restore points, oldest first')).action(
    (vm: string | undefined, args: RepositoryOptions) =>
      start(async (global, out) => (await commands.points()).points(global, out, vm, args)),
  )
  withRepo(
    program
      .command('show <point>')
      .description('one restore point, its disks and a map of what changed')
      .addHelpText('after', selectors),
  ).action((point: string, args: RepositoryOptions) =>
    start(async (global, out) => (await commands.points()).show(global, out, point, args)),
  )
}

const selectors = `
A point is named by a prefix of its ID, 'latest', the name of a VM (its newest), or <vm>@<time>, the newest not after it:
  tidemark show 3f9a2c      tidemark show web1@2026-11-23      tidemark show web1@2026-11-23T10:15`

function addRestore(program: Command, start: Start): void {
  withRepo(withPool(program.command('restore <point>').description('bring a restore point back')))
    .option('--new-vm', 'as a new VM with new disks')
    .option('--over', "over the pool's own disks; the VM must be off")
    .option('--to-dir <directory>', 'as raw files, sparse where the disk is zero')
    .option('--name <name>', 'name of the new VM')
    .option('--disk <which...>', 'only these disks, with --over or --to-dir')
    .option('--sr <storage>', "storage for the new VM's disks, by name or UUID")
    .option('--dry-run', 'only say what would go where')
    .addHelpText('after', selectors)
    .action((point: string, args: RestoreArguments) =>
      start(async (global, out) => (await (await commands.restore()).restore(global, out, point, args)).exit),
    )
}

function addAccess(program: Command, start: Start): void {
  withRepo(program.command('nbd <point> [disk]').description('serve the disks of a restore point over NBD, at once'))
    .option('--socket <path>', 'Unix socket to listen on; default: a private one of its own')
    .option('--listen <host:port>', 'TCP address to listen on instead')
    .option('--tls-cert <file>', "server's certificate, PEM: everything is encrypted then")
    .option('--tls-key <file>', "server's key, PEM")
    .option('--tls-client-ca <file>', 'only clients with a certificate of this authority, PEM')
    .option('--writable', 'take writes, and throw them away at the end')
    .option('--overlay <directory>', 'take writes, and keep them in this directory for the next time')
    .option('--cache <MiB>', 'memory for what was read, per disk', mebibytes, 64)
    .addHelpText('after', selectors)
    .action((point: string, disk: string | undefined, args: NbdArguments) =>
      start(async (global, out) => (await commands.nbd()).nbd(global, out, [point, disk], args)),
    )
}

function addFiles(program: Command, start: Start): void {
  withRepo(
    program
      .command('files <point> [path...]')
      .description('list or extract files of a restore point, through libguestfs'),
  )
    .option('--disk <which...>', 'only these disks')
    .option('--fs <device>', 'the file system, as listed without a path; default: as the guest mounts them')
    .option('--to <directory>', 'extract the paths to this directory')
    .option('--mount <directory>', 'show all files in this empty directory, until Ctrl-C')
    .addHelpText('after', selectors)
    .action((point: string, paths: string[], args: FilesArguments) =>
      start(async (global, out) => (await commands.files()).files(global, out, [point, paths], args)),
    )
}

function addVerify(program: Command, start: Start): void {
  withRepo(withPool(program.command('verify <point>').description('every blob of a point against its ID')))
    .option('--disk <which...>', 'only these disks')
    .option('--against-pool', 'also read the disks on the pool back and compare')
    .option('--vm <vm>', 'compare with the disks of this VM, by position')
    .addHelpText('after', selectors)
    .action((point: string, args: VerifyArguments) =>
      start(async (global, out) => (await commands.verify()).verify(global, out, point, args)),
    )
  withRepo(program.command('check').description('the whole repository: structure, and with --read-data every byte'))
    .option('--read-data', 'read, decrypt and hash every pack')
    .action((args: CheckArguments) => start(async (global, out) => (await commands.check()).check(global, out, args)))
  withRepo(program.command('unlock').description('remove locks that programs left behind'))
    .option('--remove-all', 'also locks that may be in use: only when no program works on the repository')
    .action((args: UnlockArguments) => start(async (global, out) => (await commands.repo()).unlock(global, out, args)))
}

function addDoctor(program: Command, start: Start): void {
  withRepo(
    program
      .command('doctor')
      .description("prove what backups rest on: whether somebody with this machine's credentials could destroy them"),
  ).action((args: RepositoryOptions) =>
    start(async (global, out) => (await commands.doctor()).doctor(global, out, args)),
  )
}

/** xe has a syntax of its own: all of its words, `--help` included, go there as they are. */
function addXe(program: Command, start: Start): void {
  program
    .command('xe [words...]')
    .description("XenServer's command on any pool: 'tidemark xe help'")
    .helpOption(false)
    .allowUnknownOption()
    .action((words: string[]) =>
      start(async (global, out) => {
        if (out.json) throw new CliError('CLI_USAGE', 'xe prints what xe prints; for programs it has --minimal')
        return (await commands.xe()).xe(global, words)
      }),
    )
}

function addLab(program: Command, start: Start): void {
  const group = program
    .command('lab')
    .description('a XenAPI pool in one process, for trying and testing')
    .argument('[directory]', 'where its state is kept', 'lab')
    .option('--address <ip>', 'address to listen on', '127.0.0.1')
    .option('--https-port <port>', 'XenAPI port', port, 8443)
    .option('--nbd-port <port>', 'NBD port', port, 10_809)
    .option('--hosts <count>', 'hosts of a new pool, on successive addresses', count)
    .option('--password-file <file>', 'file with the password of its user root')
    .option('--faults <file>', 'fault plan, YAML or JSON: what shall go wrong, and when')
    .action((directory: string, args: LabArguments) =>
      start(async (global, out) => (await commands.lab()).lab(global, out, directory, args)),
    )
  group
    .command('seed <directory>')
    .description('make a VM on the running lab of that directory')
    .option('--name <name>', 'name of the VM', 'sample')
    .option('--image <file...>', 'raw files to make disks of')
    .option('--size <bytes...>', 'sizes of empty disks, in bytes', sizes)
    .action((directory: string, args: LabSeedArguments) =>
      start(async (global, out) => (await commands.lab()).labSeed(global, out, directory, args)),
    )
}

function addDemo(program: Command, start: Start): void {
  program
    .command('demo')
    .description('the guided tour: a lab, a VM, a full backup, two increments, two restores')
    .option('--clean', 'only remove the data of an earlier demo')
    .option('--directory <path>', 'where its data go', 'demo-data')
    .action((args: DemoArguments) => start(async (global, out) => (await commands.demo()).demo(global, out, args)))
}

const withPool = (command: Command): Command =>
  command.option('--pool <name>', 'pool of the configuration; may be left out when there is one')

const withRepo = (command: Command): Command =>
  command
    .option('--repo <name>', 'repository of the configuration, a path or a URL; may be left out when there is one')
    .option('--repo-password-file <file>', "file with the repository's password")

function port(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value
  throw new InvalidArgumentError('a port is a number from 0 to 65535')
}

function count(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 64) return value
  throw new InvalidArgumentError('a number from 1 to 64')
}

function minutes(text: string): number {
  const value = Number(text)
  if (text !== '' && value >= 0) return value
  throw new InvalidArgumentError('minutes are a number, 0 or more')
}

function rate(text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new InvalidArgumentError('a rate is a number of MiB per second, above 0')
}

function days(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 36_500) return value
  throw new InvalidArgumentError('a number of days from 1 to 36500')
}

function mebibytes(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value
  throw new InvalidArgumentError('a number of MiB from 1 to 1024')
}

function sizes(text: string, before: readonly number[] = []): readonly number[] {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return [...before, value]
  throw new InvalidArgumentError('a size is a whole number of bytes')
}
