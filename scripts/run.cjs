'use strict'
// Sets the workspace up and runs one of its commands. Written for any Node from 14 on, because it brings the right one.
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const root = path.resolve(__dirname, '..')
const bin = path.join(root, 'node_modules', '.bin')
const NODE_MAJOR = 24

/** Programs that the tests meet, and the Debian packages that bring them. */
const OUTSIDERS = {
  restic: 'restic',
  rclone: 'rclone',
  radosgw: 'radosgw',
  ceph: 'ceph-common',
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  nbdkit: 'nbdkit',
  nbdinfo: 'libnbd-bin',
  nbdcopy: 'libnbd-bin',
  nbdfuse: 'libnbd-bin',
  'qemu-img': 'qemu-utils',
  'qemu-nbd': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'nbd-client': 'nbd-client',
  'nbd-server': 'nbd-server',
  'mkfs.ext4': 'e2fsprogs',
  guestfish: ['libguestfs-tools', 'linux-image-cloud-amd64'], // it boots a kernel of this machine's
  fusermount3: 'fuse3',
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  cpio: 'cpio',
  extlinux: 'extlinux',
  '/usr/lib/postgresql/15/bin/initdb': 'postgresql-15',
  runuser: 'util-linux',
  setpriv: 'util-linux',
  modprobe: 'kmod',
  ip: 'iproute2',
  openssl: 'openssl',
  'systemd-analyze': 'systemd',
  python3: 'python3',
}

/** What only a bench needs. */
const BENCH_OUTSIDERS = { borg: 'borgbackup', time: 'time' }

/** What the demo shows when it can; it runs without. */
const DEMO_PROGRAMS = ['restic', 'nbdfuse', 'mkfs.ext4', 'fusermount3']

/** Scripts that run on the sources, and the programs of others that they meet. */
const SCRIPTS = {
  // Many clients at random on one lab, for as long as is asked.
  soak: ['python3'],
  // Thirty days of changes on a disk: what increments store.
  'grid-simulation': [],
  // A database that works while it is backed up, and recovers on every point.
  postgres: ['/usr/lib/postgresql/15/bin/initdb', 'nbdfuse', 'mkfs.ext4', 'fusermount3'],
  // NBD servers that die, stall and talk nonsense.
  schedules: ['openssl'],
  // Operations on a repository, killed at every call of the storage and every step of the file system.
  crash: ['restic'],
  // Programs that share a repository, some of them killed.
  stress: ['restic'],
  // Backups and restores stopped by Ctrl-C: how long they take to end.
  cancel: [],
  // Bitmaps that omit a changed block, until the audit catches them.
  'lying-bitmap': [],
  // One flipped bit after the other, in every kind of file of a repository.
  detect: [],
  // Life cycles of VMs under faults drawn from seeds.
  simulate: [],
  // A backup and a restore, killed before and after every call that they make.
  'kill-points': [],
}

function main() {
  const [command, ...args] = process.argv.slice(2)
  const commands = {
    demo,
    test,
    build,
    unit,
    generate,
    bench,
    'soak:xo': soakXo,
    fuzz,
    scale,
    ...Object.fromEntries(Object.entries(SCRIPTS).map(([name, programs]) => [name, script(name, programs)])),
  }
  if (!Object.hasOwn(commands, command)) fail(`usage: node scripts/run.cjs ${Object.keys(commands).join('|')}`, 2)
  process.chdir(root)
  install()
  process.env.PATH = [bin, process.env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].join(path.delimiter)
  commands[command](args)
}

/** `npm ci` when the lock file is newer than what is installed. No package needs its install script. */
function install(directory = root, what = 'dependencies') {
  const stamp = path.join(directory, 'node_modules', '.package-lock.json')
  const lock = path.join(directory, 'package-lock.json')
  if (fs.existsSync(stamp) && fs.statSync(stamp).mtimeMs >= fs.statSync(lock).mtimeMs) return
  say(`installing ${what}`)
  must('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: directory })
  fs.utimesSync(stamp, new Date(), new Date())
}

/** The Node that the project brings, or the one that runs this when it is new enough. */
function node() {
  const own = path.join(bin, 'node')
  if (fs.existsSync(own)) return own
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath
  return fail(
    `Tidemark needs Node ${NODE_MAJOR} or later; this is ${process.version}, and none was installed for ${os.platform()}`,
    70,
  )
}

function build() {
  must(node(), [path.join(bin, 'tsc'), '-b', ...references()])
}

/** All packages, without the tests' own project. */
const references = () => fs.readdirSync('packages').map((name) => path.join('packages', name))

function demo(args) {
  if (!args.includes('--clean')) installPrograms(DEMO_PROGRAMS, { needed: false })
  build()
  follow(node(), ['packages/cli/bin/tidemark.cjs', 'demo', ...args])
}

function unit(args) {
  build()
  follow(node(), [path.join(bin, 'vitest'), 'run', ...args])
}

/** Ours beside the peers', in one run: the whole job, or the part that is named. */
function bench([first, ...others]) {
  const benches = {
    backup: ['restic', 'mkfs.ext4'],
    nbd: ['nbdkit', 'nbdcopy', 'qemu-nbd', 'openssl', 'restic', 'nbdfuse', 'mkfs.ext4', 'fusermount3'],
    repository: ['restic', 'borg', 'mkfs.ext4', 'time'],
  }
  const isNamed = first !== undefined && !first.startsWith('-')
  const name = isNamed ? first : 'backup'
  if (!Object.hasOwn(benches, name)) fail(`usage: npm run bench -- ${Object.keys(benches).join('|')} [--json]`, 2)
  installPrograms(benches[name], { needed: true })
  if (name === 'nbd') install(path.join(root, 'test', 'xen-orchestra'), "Xen Orchestra's packages")
  build()
  const args = isNamed || first === undefined ? others : [first, ...others]
  follow(node(), ['--conditions=@tidemark/source', `bench/${name}.ts`, ...args])
}

/** Xen Orchestra's mirror of a pool on which clients do things at random. */
function soakXo(args) {
  install(path.join(root, 'test', 'xen-orchestra'), "Xen Orchestra's packages")
  build()
  follow(node(), ['--conditions=@tidemark/source', 'scripts/soak-xo.ts', ...args])
}

/** Runs `scripts/<name>.ts`. */
const script = (name, programs) => (args) => {
  if (programs.length > 0) installPrograms(programs, { needed: true })
  build()
  follow(node(), ['--conditions=@tidemark/source', `scripts/${name}.ts`, ...args])
}

/** Generated inputs for every protocol. */
function fuzz(args) {
  build()
  follow(node(), ['--conditions=@tidemark/source', '--expose-gc', 'scripts/fuzz.ts', ...args])
}

/** A repository of many blobs, or the list of a disk of 16 TiB: what they take. */
function scale([first, ...others]) {
  build()
  const args = first === 'disk' ? ['scripts/scale-disk.ts', ...others] : ['scripts/scale.ts', first, ...others]
  follow(node(), ['--conditions=@tidemark/source', ...args.filter((each) => each !== undefined)])
}

function generate() {
  must(node(), ['packages/xenapi/generate/generate.ts'])
}

/** Everything that must hold, then one line that says so. */
function test(args) {
  installPrograms(Object.keys(OUTSIDERS), { needed: true })
  install(path.join(root, 'test', 'xen-orchestra'), "Xen Orchestra's packages")
  build()
  const checks = [
    { name: 'format', program: 'oxfmt', args: ['--check'] },
    { name: 'lint', program: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
    { name: 'types of the tests', program: 'tsc', args: ['-p', 'tsconfig.tests.json'] },
    { name: 'unused code', program: 'knip', args: [] },
    ...references().flatMap((directory) => [
      { name: `${directory} as it would be published`, program: 'publint', args: [directory, '--strict'] },
      {
        name: `types of ${directory}`,
        program: 'attw',
        args: ['--pack', directory, '--profile', 'esm-only', '--quiet'],
      },
    ]),
  ]
  const failed = checks.filter((check) => {
    say(check.name)
    return run(node(), [path.join(bin, check.program), ...check.args]) !== 0
  })
  say('tests')
  const counts = path.join(os.tmpdir(), `tidemark-counts-${process.pid}.json`)
  const env = { ...process.env, TIDEMARK_COUNTS: counts }
  const status = run(node(), [path.join(bin, 'vitest'), 'run', ...args], { env })
  const tests = readCounts(counts, status)
  for (const { name } of failed) console.log(`failed: ${name}`)
  const passed = tests.passed + checks.length - failed.length
  const broken = tests.failed + failed.length
  console.log(`\n${passed} passed, ${broken} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`)
  process.exitCode = broken === 0 && status === 0 ? 0 : 1
}

function readCounts(file, status) {
  try {
    const counts = JSON.parse(fs.readFileSync(file, 'utf8'))
    fs.unlinkSync(file)
    return counts
  } catch {
    return { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 } // the runner died before it counted
  }
}

/** Installs what is missing where apt and root allow it; else says what to install. */
function installPrograms(programs, { needed }) {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
  if (missing.length === 0) return
  const packages = [...new Set(missing.flatMap((program) => OUTSIDERS[program] ?? BENCH_OUTSIDERS[program]))]
  const byHand = `apt-get install ${packages.join(' ')}`
  if (process.getuid && process.getuid() === 0 && spawnSync('sh', ['-c', 'command -v apt-get']).status === 0) {
    say(`installing ${packages.join(' ')}`)
    const quiet = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] }
    run('apt-get', ['update', '-qq'], quiet)
    if (run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quiet) === 0) return
  }
  const text = `missing: ${missing.join(', ')}; as root: ${byHand}`
  if (needed) fail(text, 1)
  console.log(text)
}

/** Runs a command to its end and answers its exit code. */
function run(program, args, options = {}) {
  const result = spawnSync(program, args, { stdio: 'inherit', ...options })
  if (result.error) console.error(`${program}: ${result.error.message}`)
  return result.status === null ? 1 : result.status
}

function must(program, args, options = {}) {
  const status = run(program, args, options)
  if (status !== 0) process.exit(status)
}

/** Runs a command in our place: its signals and its exit code are ours. */
function follow(program, args) {
  const child = spawn(program, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + os.constants.signals[signal] : code))
}

const say = (text) => console.log(`== ${text}`)

function fail(text, code) {
  console.error(text)
  process.exit(code)
}

main()
