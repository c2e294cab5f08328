import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { initRepository, loadPoint, localBackend, openRepository } from '../../src/index.ts'
import { serveRestic } from '../support/rclone.ts'
import { seededRandom, type Random } from '../support/random.ts'
import { expectVersion } from './disk.ts'

const PROGRAM = fileURLToPath(new URL('program.ts', import.meta.url))
const PASSWORD = 'stress'
/** Who is there: four writers, a pruner, a checker, two restorers. */
const ROLES = ['writer', 'writer', 'writer', 'writer', 'pruner', 'checker', 'restorer', 'restorer'] as const

type Role = (typeof ROLES)[number]

/** A program that says nothing for so long hangs: each works for seconds, and says that it waits for a lock. */
const SILENCE_MS = 120_000
/** How much longer than asked for a run goes on until everything happened that is to be tried. */
const LONGER = 5

/** What a program gets. */
export interface Task {
  readonly role: Role
  /** Its place among the programs. */
  readonly number: number
  /** How often it was started again. */
  readonly life: number
  readonly seed: number
  /** Where the repository is, as restic spells it. */
  readonly location: string
  readonly password: string
  /** 64 KiB blocks of a disk. */
  readonly blocks: number
}

/** What a program says. */
export type Report =
  | { readonly type: 'point'; readonly id: string; readonly writer: number; readonly version: number }
  | { readonly type: 'forgetting'; readonly ids: readonly string[] }
  | { readonly type: 'pruned'; readonly freed: number }
  | { readonly type: 'checked'; readonly lock: 'shared' | 'exclusive'; readonly errors: readonly string[] }
  | { readonly type: 'restored'; readonly id: string }
  | { readonly type: 'locked' }

export interface StressOptions {
  readonly seconds: number
  readonly seed: number
  /** 64 KiB blocks of each writer's disk. */
  readonly blocks: number
  /** Mean seconds between two kills of a program. */
  readonly killEvery: number
  /** How the programs reach the repository: its directory, or rclone's restic server before it. */
  readonly through?: 'directory' | 'rclone'
}

export interface StressResult {
  points: number
  forgotten: number
  prunes: number
  /** Bytes that prunes gave back. */
  freed: number
  checks: { shared: number; exclusive: number }
  restores: number
  /** Times that a program found the repository locked and asked again. */
  locked: number
  kills: number
  /** Acknowledged points, read at the end and compared. */
  compared: number
  /** What went wrong; empty when all is well. */
  readonly failures: string[]
}

/** Lets the programs loose on a new repository for some time, kills one now and then, and looks at what is left. */
export async function stress(options: StressOptions): Promise<StressResult> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-stress-'))
  try {
    const kdf = { N: 1024, r: 8, p: 1 }
    await (await initRepository(localBackend(directory), PASSWORD, { kdf }))[Symbol.asyncDispose]()
    await using server = options.through === 'rclone' ? await serveRestic(directory) : undefined
    const run = new Run(options, directory, server === undefined ? directory : `rest:${server.url}`)
    await run.go()
    return await run.judge()
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

class Run {
  readonly #options: StressOptions
  readonly #directory: string
  readonly #location: string
  readonly #random: Random
  readonly #children: (ChildProcess | undefined)[] = []
  /** Programs that did their work once in this life: only they are killed, so that all get somewhere on a slow machine too. */
  readonly #proven = new Set<number>()
  /** When each program said something. */
  readonly #heard: number[] = []
  readonly #lives: number[] = ROLES.map(() => 0)
  readonly #points = new Map<string, { readonly writer: number; readonly version: number }>()
  readonly #forgetting = new Set<string>()
  readonly #result: StressResult = {
    points: 0,
    forgotten: 0,
    prunes: 0,
    freed: 0,
    checks: { shared: 0, exclusive: 0 },
    restores: 0,
    locked: 0,
    kills: 0,
    compared: 0,
    failures: [],
  }
  #isOver = false

  constructor(options: StressOptions, directory: string, location: string) {
    this.#options = options
    this.#directory = directory
    this.#location = location
    this.#random = seededRandom(options.seed)
  }

  async go(): Promise<void> {
    for (const number of ROLES.keys()) this.#start(number)
    const length = this.#options.seconds * 1000
    const [end, latest] = [Date.now() + length, Date.now() + length * LONGER]
    const isGoingOn = () => Date.now() < (this.#hasTriedAll() ? end : latest) && this.#result.failures.length === 0
    while (isGoingOn()) {
      const pause = this.#options.killEvery * (500 + this.#random.below(1000))
      await sleep(Math.min(pause, Math.max(100, end - Date.now())))
      this.#findSilent()
      if (isGoingOn()) await this.#kill(this.#random.below(ROLES.length))
    }
    await this.#stop()
  }

  #hasTriedAll(): boolean {
    const { prunes, checks, restores, kills } = this.#result
    return this.#points.size > 3 && Math.min(prunes, checks.shared + checks.exclusive, restores, kills) > 0
  }

  #findSilent(): void {
    for (const [number, role] of ROLES.entries()) {
      const silent = Date.now() - (this.#heard[number] ?? 0)
      if (silent > SILENCE_MS) this.#result.failures.push(`${role} ${number} hangs: it said nothing for ${silent} ms`)
    }
  }

  /** What is left is whole: by our own eyes and by restic's. */
  async judge(): Promise<StressResult> {
    const { failures } = this.#result
    await using repository = await openRepository(localBackend(this.#directory), PASSWORD)
    await using _lock = await repository.lock('shared')
    const present = new Map<string, Awaited<ReturnType<typeof repository.loadSnapshot>>>()
    for await (const snapshot of repository.snapshots()) present.set(snapshot.id, snapshot)
    for (const [id, { writer, version }] of this.#points) {
      const snapshot = present.get(id)
      if (snapshot === undefined) {
        if (!this.#forgetting.has(id)) failures.push(`${id}: acknowledged, never forgotten, and gone`)
        continue
      }
      const content = await (await loadPoint(repository, snapshot)).disks[0]?.content()
      if (content === undefined) failures.push(`${id}: it has lost its disk`)
      else {
        const disk = { seed: this.#options.seed, writer, blocks: this.#options.blocks }
        await expectVersion(repository, content, disk, version).catch((error: Error) => failures.push(error.message))
        this.#result.compared++
      }
    }
    const { errors } = await repository.check({ readData: true })
    failures.push(...errors.map(({ file, message }) => `${file}: ${message}`))
    await this.#resticCheck()
    this.#result.points = this.#points.size
    this.#result.forgotten = [...this.#forgetting].filter((id) => !present.has(id)).length
    return this.#result
  }

  async #resticCheck(): Promise<void> {
    const env = { ...process.env, RESTIC_PASSWORD: PASSWORD }
    const args = ['--no-cache', '--no-lock', '-r', this.#directory, 'check', '--read-data']
    try {
      const { stdout } = await promisify(execFile)('restic', args, { env })
      if (!stdout.includes('no errors were found')) this.#result.failures.push(`restic: ${stdout}`)
    } catch (error) {
      this.#result.failures.push(`restic: ${(error as Error).message}`)
    }
  }

  #start(number: number): void {
    const role = ROLES[number]
    if (role === undefined) return
    const { seed, blocks } = this.#options
    const life = (this.#lives[number] ?? 0) + 1
    this.#lives[number] = life
    const task: Task = { role, number, life, seed, location: this.#location, password: PASSWORD, blocks }
    const child = fork(PROGRAM, [JSON.stringify(task)], {
      execArgv: ['--conditions=@tidemark/source', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let said = ''
    child.stderr?.on('data', (data: Buffer) => (said += data.toString()))
    this.#heard[number] = Date.now()
    child.on('message', (report: Report) => {
      this.#heard[number] = Date.now()
      if (report.type !== 'locked' && report.type !== 'forgetting') this.#proven.add(number)
      this.#take(role, report)
    })
    child.once('exit', (code, signal) => {
      if (signal === 'SIGKILL' && code === null) return
      if (!this.#isOver || code !== 0)
        this.#result.failures.push(`${role} ${number} ended with ${code ?? signal}: ${said}`)
    })
    this.#children[number] = child
  }

  async #kill(number: number): Promise<void> {
    const child = this.#children[number]
    if (child === undefined || child.exitCode !== null || !this.#proven.delete(number)) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    this.#result.kills++
    this.#start(number)
  }

  async #stop(): Promise<void> {
    this.#isOver = true
    const ends = this.#children.map(async (child, number) => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.send('stop')
      const late = setTimeout(() => {
        this.#result.failures.push(`${ROLES[number]} ${number} hangs: it did not stop`)
        child.kill('SIGKILL')
      }, SILENCE_MS)
      await gone
      clearTimeout(late)
    })
    await Promise.all(ends)
  }

  #take(role: Role, report: Report): void {
    const result = this.#result
    if (report.type === 'point') this.#points.set(report.id, report)
    else if (report.type === 'forgetting') for (const id of report.ids) this.#forgetting.add(id)
    else if (report.type === 'pruned') {
      result.prunes++
      result.freed += report.freed
    } else if (report.type === 'restored') result.restores++
    else if (report.type === 'locked') result.locked++
    else {
      result.checks[report.lock]++
      result.failures.push(...report.errors.map((error) => `${role}, ${report.lock}: ${error}`))
    }
  }
}
