import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBench, sha256, succeed, type Bench, type Line } from './support/pool.ts'

const MAIN = resolve(import.meta.dirname, '../packages/cli/src/main.ts')
const run = async (program: string, ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 28 })
  return stdout
}

/** Names and sizes of a file tree on the disk, for comparing. */
const FILES: Readonly<Record<string, Buffer>> = {
  'etc/hostname': Buffer.from('web1\n'),
  'var/log/empty': Buffer.alloc(0),
  'var/lib/data.bin': Buffer.alloc(3 << 20, 'tidemark '),
  'srv/deep/er/file': Buffer.from('found'),
}

let bench: Bench
let directory: string
let image: string
let vdi: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tm-access-'))
  const tree = join(directory, 'tree')
  for (const [name, data] of Object.entries(FILES)) {
    await mkdir(join(tree, name, '..'), { recursive: true })
    await writeFile(join(tree, name), data)
  }
  image = join(directory, 'disk.img')
  await writeFile(image, '')
  await truncate(image, 64 << 20)
  await run('mkfs.ext4', '-q', '-d', tree, image)
  bench = await openBench()
  const vm = await bench.lab.control.createVm({ name: 'web1', disks: [{ image }, { size: 4 << 20 }] })
  vdi = vm.disks[0]?.uuid ?? ''
  await succeed(bench.tidemark('backup', 'web1'))
}, 120_000)

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

interface Serving extends AsyncDisposable {
  readonly ready: Line
  readonly uri: string
  /** Ends it as Ctrl-C does. Answers the exit code. */
  stop(): Promise<number | null>
}

/** `tidemark nbd …`, until it says that it is ready. */
async function serve(...args: readonly string[]): Promise<Serving> {
  const config = ['--config', join(bench.directory, 'config.yaml')]
  const all = ['--conditions=@tidemark/source', MAIN, '--json', ...config, 'nbd', 'web1', ...args]
  const child: ChildProcess = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit') as Promise<[number | null]>
  if (child.stdout === null) throw new Error('no output to read')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { value } = await lines.next()
  const ready = JSON.parse(value ?? '{}') as Line
  const stop = async (): Promise<number | null> => {
    child.kill('SIGINT')
    return (await ended)[0]
  }
  return {
    ready,
    uri: ready['disks']?.[0]?.uri ?? '',
    stop,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) await stop()
    },
  }
}

test('qemu-img makes a qcow2 of a point that holds what the disk held', async () => {
  await using served = await serve()
  const made = join(directory, 'disk.qcow2')
  await run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', served.uri, made)
  await run('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', image, made)
  expect(await served.stop()).toBe(0)
})

test('libnbd sees both disks, their sizes, and the holes', async () => {
  await using served = await serve()
  const listed = await run('nbdinfo', '--list', served.uri.replace(/\/0\?/, '/?'))
  expect(listed).toMatch(/export="0"/)
  expect(listed).toMatch(/export="1"/)
  expect((await run('nbdinfo', '--size', served.uri)).trim()).toBe(String(64 << 20))
  const map = JSON.parse(await run('nbdinfo', '--map', '--json', served.uri)) as { length: number; type: number }[]
  const holes = map.filter(({ type }) => type === 3).reduce((sum, { length }) => sum + length, 0)
  expect(holes).toBeGreaterThan(40 << 20)
  const copy = join(directory, 'copy.raw')
  await run('nbdcopy', served.uri, copy)
  expect(await sha256(copy)).toBe(await sha256(image))
})

const printed = (served: Serving): readonly string[] => served.ready['disks']?.[0]?.lines ?? []

test('the lines it prints make disks of every format that hold what the disk held', async () => {
  await using served = await serve('0')
  const lines = printed(served).filter((line) => line.startsWith('qemu-img convert'))
  const work = await mkdtemp(join(directory, 'formats-'))
  for (const line of lines) await promisify(execFile)('sh', ['-c', line], { cwd: work })
  const made = (await readdir(work)).sort()
  expect(made).toEqual(['disk0.qcow2', 'disk0.vdi', 'disk0.vhd', 'disk0.vhdx', 'disk0.vmdk'])
  for (const file of made) {
    const format = file.replace('disk0.', '').replace(/^vhd$/, 'vpc')
    const info = await run('qemu-img', 'info', '--output=json', '-f', format, join(work, file))
    expect(JSON.parse(info), file).toMatchObject({ 'virtual-size': 64 << 20 })
    const compared = await run('qemu-img', 'compare', '-f', format, '-F', 'raw', join(work, file), image)
    expect(compared, file).toMatch(/identical/)
  }
})

test('the kernel mounts a file system of a point, and every file is there as it was', async () => {
  await using served = await serve('0')
  await using mounted = await mount(served.uri)
  for (const [name, data] of Object.entries(FILES)) {
    expect(Buffer.compare(await readFile(join(mounted.path, name)), data), name).toBe(0)
  }
  expect((await readdir(mounted.path)).sort()).toEqual(['etc', 'lost+found', 'srv', 'var'])
})

/** The disk as a file through nbdfuse, and its file system mounted from there by the kernel. */
async function mount(uri: string): Promise<AsyncDisposable & { path: string }> {
  const [fuse, path] = [join(directory, 'fuse'), join(directory, 'mounted')]
  await mkdir(fuse, { recursive: true })
  await mkdir(path, { recursive: true })
  const daemon = spawn('nbdfuse', ['--readonly', join(fuse, 'disk.img'), uri], { stdio: 'inherit' })
  const gone = once(daemon, 'exit')
  for (let waited = 0; (await readdir(fuse)).length === 0; waited += 50) {
    if (waited > 20_000 || daemon.exitCode !== null) throw new Error('nbdfuse does not show the disk')
    await sleep(50)
  }
  await run('mount', '-o', 'ro,loop,noload', join(fuse, 'disk.img'), path)
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run('umount', path)
      await run('fusermount3', '-u', fuse)
      await gone
    },
  }
}

test('a read-only point takes no writes; a writable one takes them and throws them away', async () => {
  {
    await using served = await serve('0')
    expect(await failing('qemu-io', '-f', 'raw', '-c', 'write -P 7 0 64k', served.uri)).toMatch(
      /read-only|Permission|denied/i,
    )
  }
  {
    await using served = await serve('0', '--writable')
    await run('qemu-io', '-f', 'raw', '-c', 'write -P 7 1000 300k', '-c', 'flush', served.uri)
    expect(await run('qemu-io', '-f', 'raw', '-c', 'read -P 7 1000 300k', served.uri)).not.toMatch(/failed/)
  }
  await using served = await serve('0')
  const copy = join(directory, 'unchanged.raw')
  await run('nbdcopy', served.uri, copy)
  expect(await sha256(copy)).toBe(await sha256(image))
})

test('a kept overlay has its writes again the next time, and belongs to its point alone', async () => {
  const overlay = join(directory, 'overlay')
  await mkdir(overlay)
  {
    await using served = await serve('0', '--overlay', overlay)
    await run('qemu-io', '-f', 'raw', '-c', 'write -P 9 10M 1M', '-c', 'flush', served.uri)
    expect(await served.stop()).toBe(0)
  }
  {
    await using served = await serve('0', '--overlay', overlay)
    expect(await run('qemu-io', '-f', 'raw', '-c', 'read -P 9 10M 1M', served.uri)).not.toMatch(/failed/)
  }
  await bench.lab.control.writeDisk(vdi, 0, Buffer.alloc(512, 1))
  await succeed(bench.tidemark('backup', 'web1'))
  const refused = await bench.tidemark('nbd', 'latest', '0', '--overlay', overlay)
  expect([refused.code, refused.last['code']]).toEqual([1, 'ENGINE_TARGET'])
  await bench.lab.control.writeDisk(vdi, 0, (await readFile(image)).subarray(0, 512))
  await succeed(bench.tidemark('backup', 'web1'))
})

test('over TCP with TLS: the right authority gets in, another one does not; in the clear only on this machine', async () => {
  const pair = async (name: string) => {
    const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)]
    await run(
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    )
    const trusted = join(directory, `${name}-ca`)
    await mkdir(trusted)
    await writeFile(join(trusted, 'ca-cert.pem'), await readFile(cert))
    return { key, cert, trusted }
  }
  const [own, foreign] = await Promise.all([pair('own'), pair('foreign')])
  await using served = await serve('0', '--listen', 'localhost:0', '--tls-cert', own.cert, '--tls-key', own.key)
  const uri = served.uri
  expect(uri).toMatch(/^nbds:\/\/localhost:\d+\/0$/)
  expect((await run('nbdinfo', '--size', `${uri}?tls-certificates=${own.trusted}`)).trim()).toBe(String(64 << 20))
  expect(await failing('nbdinfo', '--size', `${uri}?tls-certificates=${foreign.trusted}`)).toMatch(/certificate|TLS/i)
  const work = await mkdtemp(join(directory, 'tls-lines-'))
  const shell = (line: string, certificates: string) =>
    promisify(execFile)('sh', ['-c', `CERTS=${certificates}; ${line}`], { cwd: work })
  const useful = printed(served).filter((line) => /^nbdinfo|-O qcow2/.test(line))
  expect(useful).toHaveLength(2)
  for (const line of useful) {
    await shell(line, own.trusted)
    await expect(shell(line, foreign.trusted)).rejects.toThrow(/certificate/)
  }
  expect(await run('qemu-img', 'compare', '-F', 'raw', join(work, 'disk0.qcow2'), image)).toMatch(/identical/)
  const refused = await bench.tidemark('nbd', 'web1', '--listen', '0.0.0.0:0')
  expect([refused.code, refused.last['code']]).toEqual([2, 'CLI_USAGE'])
})

async function failing(program: string, ...args: string[]): Promise<string> {
  try {
    const said = await run(program, ...args)
    if (/failed|error/i.test(said)) return said
  } catch (error) {
    return (error as { stderr: string }).stderr
  }
  throw new Error(`${program} was not refused`)
}
