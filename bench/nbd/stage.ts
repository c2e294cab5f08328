import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { CBT_BLOCK } from '@tidemark/blocks'

/** A comparison: what ours takes over what the peer takes. */
export interface Case {
  readonly name: string
  /** The ratio, theirs by ours, that we want to reach. */
  readonly goal: number
  /** Bytes that one round moves. */
  readonly bytes: number
  /** Seconds. */
  ours(): number
  theirs(): number
}

/** In bytes. */
export interface Run {
  readonly offset: number
  readonly length: number
}

/** An authority and a certificate of its for localhost, in PEM, and as files for libnbd, nbdkit and QEMU. */
export interface StageTls {
  readonly directory: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** What all cases of one run share. */
export interface Stage {
  /** A directory that is gone afterwards. */
  readonly work: string
  /** Path of a raw file of random bytes. */
  readonly image: string
  /** Of the image, in bytes. */
  readonly size: number
  readonly tls: StageTls
  /** A tenth of the blocks, in runs of 1 to 16. */
  readonly runs: readonly Run[]
}

const running: ChildProcess[] = []

/** @param size of the image, in bytes */
export function openStage(size: number): Stage {
  const work = mkdtempSync(join(tmpdir(), 'tm-bench-nbd-'))
  process.on('exit', () => {
    for (const child of running) child.kill()
    rmSync(work, { recursive: true, force: true })
  })
  const image = join(work, 'image.raw')
  execFileSync('dd', ['if=/dev/urandom', `of=${image}`, 'bs=1M', `count=${size / 2 ** 20}`, 'status=none'])
  return { work, image, size, tls: certificates(work), runs: scattered(size) }
}

/** Runs one of the programs beside this file that says how long it took. Answers seconds. */
export function told(program: string, args: readonly string[]): number {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ').slice(0, 300)}: ${stderr}`)
  return (JSON.parse(stdout) as { seconds: number }).seconds
}

/** Seconds that our client takes, as it was built: its threads start in a third of the time that sources need. */
export const read = (order: object): number =>
  told(process.execPath, [resolve(import.meta.dirname, 'read.ts'), JSON.stringify(order)])

/** How Node runs one of the programs beside this file, from source. */
const scriptArguments = (script: string, ...args: readonly string[]): string[] => [
  '--conditions=@tidemark/source',
  resolve(import.meta.dirname, script),
  ...args,
]

/** A process of ours that says its port, and ends with this one. */
export async function ownServer(script: string, ...args: readonly string[]): Promise<{ port: number }> {
  const child = spawn(process.execPath, scriptArguments(script, ...args), { stdio: ['pipe', 'pipe', 'inherit'] })
  running.push(child)
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return JSON.parse(line) as { port: number }
}

/** Starts a server of others. It is there once libnbd gets an answer at the URI. */
export async function peerServer(program: string, args: readonly string[], uri: string): Promise<void> {
  running.push(spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] }))
  for (let tries = 0; spawnSync('nbdinfo', ['--size', uri]).status !== 0; tries++) {
    if (tries > 100) throw new Error(`${program} does not answer`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** nbdkit with its file plugin, read-only, on a free port. */
export async function nbdkit({ image, tls }: Stage, secure: boolean): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const options = secure ? ['--tls=require', `--tls-certificates=${tls.directory}`] : []
  const args = ['-f', '-r', '-i', '127.0.0.1', '-p', String(port), ...options, 'file', image]
  await peerServer('nbdkit', args, secure ? secureUri(tls, port) : `nbd://localhost:${port}`)
  return port
}

/** An export without a name over TLS, as libnbd takes it. */
export const secureUri = (tls: StageTls, port: number): string =>
  `nbds://localhost:${port}/?tls-certificates=${tls.directory}`

function scattered(size: number): Run[] {
  const count = size / CBT_BLOCK
  const found: Run[] = []
  let state = 1
  const next = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below
  for (let at = next(100); at < count;) {
    const length = Math.min(1 + next(16), count - at)
    found.push({ offset: at * CBT_BLOCK, length: length * CBT_BLOCK })
    at += length + 20 + next(114)
  }
  return found
}

function certificates(work: string): StageTls {
  const directory = join(work, 'tls')
  mkdirSync(directory)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' })
  const newKey = ['-newkey', 'rsa:2048', '-nodes']
  openssl('req', '-x509', ...newKey, '-days', '2', '-keyout', 'ca-key.pem', '-out', 'ca-cert.pem', '-subj', '/CN=bench')
  openssl('req', ...newKey, '-keyout', 'server-key.pem', '-out', 'server.csr', '-subj', '/CN=localhost')
  writeFileSync(join(directory, 'server.ext'), 'subjectAltName=DNS:localhost\n')
  const signed = ['-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', 'server.ext']
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server-cert.pem', '-days', '2')
  const pem = (name: string) => readFileSync(join(directory, name), 'utf8')
  return { directory, ca: pem('ca-cert.pem'), cert: pem('server-cert.pem'), key: pem('server-key.pem') }
}
