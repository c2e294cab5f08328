import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createHash } from 'node:crypto'
import { bytes, CBT_BLOCK } from '@tidemark/blocks'
import { startLab, type FaultPlan, type Lab, type LabSettings } from '@tidemark/lab'
import { openNbd } from '@tidemark/nbd'
import { login, type Session } from '@tidemark/xenapi'

const MAIN = resolve(import.meta.dirname, '../../packages/cli/src/main.ts')
export const PASSWORD = 'correct horse'

/** One run of the command as a user meets it: a process, its exit code, its JSON lines. */
export interface Run {
  readonly code: number
  readonly stderr: string
  readonly lines: readonly Line[]
  /** The last line: the result, or the error. */
  readonly last: Line
}

// oxlint-disable-next-line typescript/no-explicit-any -- the shape is what each test asserts
export type Line = Record<string, any>

/** A lab in this process, a directory for everything, and the command to run against them. */
export interface Bench extends AsyncDisposable {
  readonly lab: Lab
  readonly directory: string
  readonly repository: string
  readonly passwordFile: string
  /** Runs `tidemark --json --config … <args>`. */
  tidemark(...args: readonly string[]): Promise<Run>
  /** Another administrator of the same pool. */
  admin(): Promise<Session>
  /** Stock restic on the repository. Answers its standard output. */
  restic(...args: readonly string[]): Promise<string>
  /** Plans faults for some work, and sees that each of them happened. @throws LabError LAB_FAULT_UNFIRED */
  withFaults<Result>(faults: FaultPlan['faults'], work: () => Promise<Result>): Promise<Result>
}

/** Starts a lab and makes a repository, named `lab` and `main` in a configuration file. */
export async function openBench(options: Partial<LabSettings> = {}): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'tm-e2e-'))
  const usual = { directory: join(directory, 'lab'), httpsPort: 0, nbdPort: 0, password: PASSWORD }
  const lab = await startLab({ ...usual, ...options })
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, `${PASSWORD}\n`)
  const repository = join(directory, 'repository')
  const bench: Bench = {
    lab,
    directory,
    repository,
    passwordFile,
    tidemark: (...args) => tidemark(directory, args),
    admin: () => adminOf(lab),
    restic: (...args) => restic(['--repo', repository, '--password-file', passwordFile, '--no-cache', ...args]),
    async withFaults(faults, work) {
      await lab.control.planFaults({ faults })
      try {
        const result = await work()
        await lab.control.assertFaultsFired()
        return result
      } finally {
        await lab.control.clearFaults()
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        await lab.control.assertFaultsFired() // a plan that came to nothing proves nothing
      } finally {
        await lab[Symbol.asyncDispose]()
        await rm(directory, { recursive: true, force: true })
      }
    },
  }
  await succeed(
    bench.tidemark('pool', 'add', 'lab', lab.url, '--fingerprint', lab.fingerprint, '--password-file', passwordFile),
  )
  await succeed(bench.tidemark('repo', 'init', 'main', repository, '--password-file', passwordFile))
  return bench
}

/** A session of the lab's own user, beside the one that a backup has. */
export const adminOf = ({ url, fingerprint }: Pick<Lab, 'url' | 'fingerprint'>): Promise<Session> =>
  login({ url, trust: { kind: 'fingerprint', sha256: fingerprint } }, { username: 'root', password: PASSWORD })

/** A run that must end with code 0; its result. */
export async function succeed(run: Promise<Run>): Promise<Line> {
  const { code, last, stderr } = await run
  if (code !== 0) throw new Error(`tidemark ended with ${code}: ${JSON.stringify(last)} ${stderr}`)
  return last
}

/** The command from its sources, with the configuration of a bench, and JSON lines. */
export const commandOf = (directory: string, args: readonly string[]): string[] => [
  '--conditions=@tidemark/source',
  MAIN,
  '--json',
  '--config',
  join(directory, 'config.yaml'),
  '--cache-dir',
  join(directory, 'cache'),
  ...args,
]

function tidemark(directory: string, args: readonly string[]): Promise<Run> {
  const { promise, resolve: done } = Promise.withResolvers<Run>()
  const all = commandOf(directory, args)
  const env = { ...process.env, TIDEMARK_STATE_DIR: join(directory, 'state') }
  execFile(process.execPath, all, { maxBuffer: 1 << 28, env }, (error, stdout, stderr) => {
    const lines = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
    const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
    done({ code, stderr, lines, last: lines.at(-1) ?? {} })
  })
  return promise
}

function restic(args: readonly string[]): Promise<string> {
  const { promise, resolve: done, reject } = Promise.withResolvers<string>()
  execFile('restic', args, { maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
    error === null ? done(stdout) : reject(new Error(`restic ${args.join(' ')}: ${stderr}${stdout}`, { cause: error })),
  )
  return promise
}

/** Writes whole CBT blocks as a guest does, through the disk's own socket. */
export async function guestWrites(lab: Lab, vdi: string, blocks: readonly number[], seed: string): Promise<void> {
  await using disk = await openNbd({ address: { path: await lab.control.guestSocket(vdi) }, exportName: '' })
  for (const block of blocks) {
    const offset = block * CBT_BLOCK
    const length = Math.min(CBT_BLOCK, disk.size - offset)
    await disk.write(bytes(offset), noise(`${seed}:${block}`, length))
  }
  await disk.flush()
}

/** Bytes that do not compress and come out the same on every run. */
const noise = (seed: string, length: number): Buffer =>
  createHash('shake128', { outputLength: length }).update(seed).digest()

export const sha256 = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
