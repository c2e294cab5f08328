import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLabControl, type LabControl, type LabOptions } from '@tidemark/lab'
import type { Credentials, PoolAddress } from '@tidemark/xenapi'

const PROGRAM = fileURLToPath(new URL('lab-process.ts', import.meta.url))

/** What a process takes, in bytes, after a collection. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
}

/** A lab in a process of its own, so that its memory is its own and its death would be seen. Disposal removes everything. */
export interface ForkedLab extends AsyncDisposable {
  readonly pool: PoolAddress
  /** The port of plain HTTP, where it was asked for. */
  readonly httpPort: number
  readonly credentials: Credentials
  readonly certificate: string
  readonly nbdAddress: { readonly host: string; readonly port: number }
  readonly control: LabControl
  readonly directory: string
  memory(): Promise<Memory>
  /** How many of each kind keep the process alive: `TCPSocketWrap`, `Timeout` and so on. */
  resources(): Promise<Readonly<Record<string, number>>>
  /** What the lab told its `onError`: connections that ended badly. */
  errors(): Promise<readonly string[]>
  /** The exit code, or the signal, if it has died. */
  readonly death: string | undefined
}

/** As the command starts its own process: glibc's allocator gives memory back early. */
const allocator = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '1048576' } as const

export async function forkLab(options: Partial<Omit<LabOptions, 'clock' | 'random'>> = {}): Promise<ForkedLab> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-stress-'))
  const child = fork(PROGRAM, [directory, JSON.stringify(options)], {
    env: { ...process.env, ...allocator },
    execArgv: ['--conditions=@tidemark/source', '--expose-gc', '--disable-warning=ExperimentalWarning'],
  })
  let death: string | undefined
  child.once('exit', (code, signal) => (death = String(signal ?? code)))
  const ready = (await answer(child, 'ready')) as Ready
  const ask = (name: string): Promise<unknown> => {
    child.send(name)
    return answer(child, name)
  }
  return {
    pool: { url: ready.url, trust: { kind: 'fingerprint', sha256: ready.fingerprint } },
    httpPort: ready.httpUrl === undefined ? 0 : Number(new URL(ready.httpUrl).port),
    credentials: { username: 'root', password: 'correct horse' },
    certificate: ready.certificate,
    nbdAddress: ready.nbdAddress,
    control: await openLabControl(directory),
    directory,
    memory: async () => (await ask('memory')) as Memory,
    resources: async () => {
      const names = (await ask('resources')) as Readonly<Record<string, readonly string[]>>
      return Object.fromEntries(Object.entries(names).map(([name, all]) => [name, all.length]))
    },
    errors: async () => (await ask('errors')) as readonly string[],
    get death() {
      return death
    },
    async [Symbol.asyncDispose]() {
      if (death === undefined) {
        const exit = once(child, 'exit')
        child.disconnect()
        await exit
      }
      await rm(directory, { recursive: true, force: true })
    },
  }
}

interface Ready {
  readonly url: string
  readonly httpUrl?: string
  readonly fingerprint: string
  readonly certificate: string
  readonly nbdAddress: { readonly host: string; readonly port: number }
}

/** The next message of this name. @throws when the process ends before */
async function answer(child: ChildProcess, name: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const onMessage = (message: unknown): void => {
    if (Object.hasOwn(message as object, name)) resolve((message as Record<string, unknown>)[name])
  }
  const onExit = (code: number | null, signal: string | null): void =>
    reject(new Error(`the lab's process ended with ${signal ?? code}`))
  child.on('message', onMessage).once('exit', onExit)
  return promise.finally(() => child.off('message', onMessage).off('exit', onExit))
}
