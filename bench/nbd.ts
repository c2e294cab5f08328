// Our NBD client and server beside the peers', in one run: npm run bench -- nbd [--json]
// ROUNDS (5) and SIZE in MiB (4096) by environment. The medians of the ratios count: the machine may be busy with other work.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { CBT_BLOCK } from '@tidemark/blocks'
import { median, timed } from './measure.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 5)
const SIZE = Number(process.env['SIZE'] ?? 4096) * 1024 * 1024
const isJson = process.argv.includes('--json')
const say = (text: string): void => void (isJson ? process.stderr : process.stdout).write(`${text}\n`)

const work = mkdtempSync(join(tmpdir(), 'tm-bench-nbd-'))
const running: ChildProcess[] = []
process.on('exit', () => {
  for (const child of running) child.kill()
  rmSync(work, { recursive: true, force: true })
})

const image = join(work, 'image.raw')
say(`image: ${SIZE / 2 ** 20} MiB of random bytes; ${ROUNDS} rounds`)
execFileSync('dd', ['if=/dev/urandom', `of=${image}`, 'bs=1M', `count=${SIZE / 2 ** 20}`, 'status=none'])
const tls = certificates()

const source = ['--conditions=@tidemark/source']
const here = (path: string): string => resolve(import.meta.dirname, path)

interface Case {
  readonly name: string
  readonly goal: number
  /** Seconds. */
  ours(): number
  theirs(): number
}

/** A tenth of the blocks, in runs of 1 to 16. */
const runs = scattered()
const cases = [...(await clientCases()), ...(await serverCases()), await latencyCase()]
const ratios: Record<string, { value: number; goal: number }> = {}
say(`${'case'.padEnd(42)} ours MB/s  peer MB/s  ratio  goal`)
for (const each of cases) {
  const rounds = Array.from({ length: ROUNDS }, () => ({ ours: each.ours(), theirs: each.theirs() }))
  const value = Number(median(rounds.map(({ ours, theirs }) => theirs / ours)).toFixed(2))
  ratios[each.name] = { value, goal: each.goal }
  const rate = (seconds: number): string => (bytesOf(each.name) / seconds / 1e6).toFixed(0).padStart(9)
  const [a, b] = [median(rounds.map(({ ours }) => ours)), median(rounds.map(({ theirs }) => theirs))]
  say(`${each.name.padEnd(42)} ${rate(a)}  ${rate(b)}  ${value.toFixed(2).padStart(5)}  ${each.goal}`)
}
if (isJson) process.stdout.write(`${JSON.stringify({ ratios })}\n`)
process.exit(0)

/** Reading with our client, with libnbd's, and with Xen Orchestra's. */
async function clientCases(): Promise<Case[]> {
  const plain = await nbdkit([])
  const secure = await nbdkit(['--tls=require', `--tls-certificates=${tls.directory}`])
  const blocks = runs.flatMap(({ offset, length }) =>
    Array.from({ length: length / CBT_BLOCK }, (_, i) => offset / CBT_BLOCK + i),
  )
  const clear = { address: { host: '127.0.0.1', port: plain }, exportName: '' }
  const trust = { kind: 'authority', ca: tls.ca, subject: 'localhost' }
  const veiled = { address: { host: '127.0.0.1', port: secure }, exportName: '', tls: trust }
  const uri = `nbds://localhost:${secure}/?tls-certificates=${tls.directory}`
  const copy = (from: string) => timed('nbdcopy', ['--connections=1', from, 'null:'])
  const xo = (port: number, cert?: string) => {
    const order = join(work, 'order.json')
    const info = { address: 'localhost', port, exportname: '', ...(cert === undefined ? {} : { cert }) }
    writeFileSync(order, JSON.stringify({ info, blocks, size: CBT_BLOCK }))
    return told(process.execPath, [here('nbd/xen-orchestra.mjs'), order])
  }
  return [
    {
      name: 'client, plain, sequential / nbdcopy',
      goal: 1.2,
      ours: () => read({ target: clear, connections: 1 }),
      theirs: () => copy(`nbd://localhost:${plain}`),
    },
    {
      name: 'client, TLS, sequential / nbdcopy',
      goal: 1.0,
      ours: () => read({ target: veiled, connections: 1 }),
      theirs: () => copy(uri),
    },
    {
      name: 'client, plain, scattered / Xen Orchestra',
      goal: 2,
      ours: () => read({ target: clear, connections: 1, runs }),
      theirs: () => xo(plain),
    },
    {
      name: 'client, TLS, scattered / Xen Orchestra',
      goal: 2,
      ours: () => read({ target: veiled, connections: 1, runs }),
      theirs: () => xo(secure, tls.ca),
    },
  ]
}

/** nbdcopy reading from our server, and from the peers'. */
async function serverCases(): Promise<Case[]> {
  const own = join(work, 'own.sock')
  await child(process.execPath, [
    ...source,
    here('nbd/serve.ts'),
    JSON.stringify({ file: image, listen: { path: own } }),
  ])
  const secured = {
    file: image,
    listen: { host: '127.0.0.1', port: 0 },
    tls: { key: tls.key, cert: tls.ca, mode: 'required' },
  }
  const { port } = await child(process.execPath, [...source, here('nbd/serve.ts'), JSON.stringify(secured)])
  const qemu = join(work, 'qemu.sock')
  await background('qemu-nbd', ['-r', '-t', '-e', '32', '-f', 'raw', '-k', qemu, image], qemu)
  const file = join(work, 'file.sock')
  await background('nbdkit', ['-f', '-U', file, 'file', image], file)
  const kit = await nbdkit(['--tls=require', `--tls-certificates=${tls.directory}`])
  const copy = (uri: string, connections = 1) => timed('nbdcopy', [`--connections=${connections}`, uri, 'null:'])
  const unix = (path: string) => `nbd+unix:///?socket=${path}`
  const nbds = (at: number) => `nbds://localhost:${at}/?tls-certificates=${tls.directory}`
  return [
    {
      name: 'server, plain, 1 client / qemu-nbd',
      goal: 1.0,
      ours: () => copy(unix(own)),
      theirs: () => copy(unix(qemu)),
    },
    {
      name: 'server, plain, 16 connections / qemu-nbd',
      goal: 1.0,
      ours: () => copy(unix(own), 16),
      theirs: () => copy(unix(qemu), 16),
    },
    {
      name: 'server, plain, 1 client / nbdkit file',
      goal: 0.8,
      ours: () => copy(unix(own)),
      theirs: () => copy(unix(file)),
    },
    {
      name: 'server, TLS, 1 client / nbdkit file',
      goal: 0.8,
      ours: () => copy(nbds(port)),
      theirs: () => copy(nbds(kit)),
    },
  ]
}

/** Ours alone: the same line with 20 ms and without. */
async function latencyCase(): Promise<Case> {
  const server = await nbdkit([])
  const line = async (ms: number) => {
    const { port } = await child(process.execPath, [...source, here('nbd/delay.ts'), String(server), String(ms)])
    const target = { address: { host: '127.0.0.1', port }, exportName: '' }
    return () => read({ target, connections: 4 })
  }
  return { name: 'client, 20 ms latency / none, 4 connections', goal: 0.8, ours: await line(10), theirs: await line(0) }
}

function bytesOf(name: string): number {
  return name.includes('scattered') ? runs.reduce((sum, { length }) => sum + length, 0) : SIZE
}

function scattered(): { offset: number; length: number }[] {
  const count = SIZE / CBT_BLOCK
  const found: { offset: number; length: number }[] = []
  let state = 1
  const next = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below
  for (let at = next(100); at < count;) {
    const length = Math.min(1 + next(16), count - at)
    found.push({ offset: at * CBT_BLOCK, length: length * CBT_BLOCK })
    at += length + 20 + next(114)
  }
  return found
}

function read(order: object): number {
  return told(process.execPath, [...source, here('nbd/read.ts'), JSON.stringify(order)])
}

/** Seconds that a program says it took. */
function told(program: string, args: string[]): number {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ').slice(0, 300)}: ${stderr}`)
  return (JSON.parse(stdout) as { seconds: number }).seconds
}

/** A process of ours that says its port, and ends with this one. */
async function child(program: string, args: string[]): Promise<{ port: number }> {
  const process = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  running.push(process)
  const lines = createInterface({ input: process.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return JSON.parse(line) as { port: number }
}

/** A server that is there once its socket is. */
async function background(program: string, args: string[], socket: string): Promise<void> {
  running.push(spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] }))
  const ask = () => spawnSync('nbdinfo', ['--size', `nbd+unix:///?socket=${socket}`]).status
  for (let tries = 0; ask() !== 0; tries++) {
    if (tries > 100) throw new Error(`${program} does not answer`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** nbdkit with its file plugin, on a free port. */
async function nbdkit(options: string[]): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  running.push(
    spawn('nbdkit', ['-f', '-r', '-i', '127.0.0.1', '-p', String(port), ...options, 'file', image], {
      stdio: 'ignore',
    }),
  )
  const uri =
    options.length > 0 ? `nbds://localhost:${port}/?tls-certificates=${tls.directory}` : `nbd://localhost:${port}`
  for (let tries = 0; spawnSync('nbdinfo', ['--size', uri]).status !== 0; tries++) {
    if (tries > 100) throw new Error('nbdkit does not answer')
    await new Promise((done) => setTimeout(done, 50))
  }
  return port
}

/** A certificate for localhost that is its own authority, as files for libnbd and nbdkit. */
function certificates(): { directory: string; ca: string; key: string } {
  const directory = join(work, 'tls')
  mkdirSync(directory)
  const [key, cert] = [join(directory, 'server-key.pem'), join(directory, 'server-cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject],
    { stdio: 'ignore' },
  )
  const ca = readFileSync(cert, 'utf8')
  writeFileSync(join(directory, 'ca-cert.pem'), ca)
  return { directory, ca, key: readFileSync(key, 'utf8') }
}
