import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const HOME = resolve(import.meta.dirname, '../xen-orchestra')

// oxlint-disable-next-line typescript/no-explicit-any -- what Xen Orchestra answers is what each test asserts
type Answer = any

/** A failure in Xen Orchestra's code; `code` and `params` as the pool gave them. */
class XenOrchestraError extends Error {
  readonly code: string | undefined
  readonly params: readonly string[]

  constructor({ message, code, params, stack }: Told) {
    super(message)
    this.name = 'XenOrchestraError'
    this.code = code
    this.params = params ?? []
    if (stack !== undefined) this.stack = stack
  }
}

interface Told {
  readonly message: string
  readonly code?: string
  readonly params?: readonly string[]
  readonly stack?: string
}

interface Reply {
  readonly id: number
  readonly result?: Answer
  readonly error?: Told
}

/** Xen Orchestra's packages in a process of their own: `test/xen-orchestra/main.mjs`. */
export class XenOrchestra implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>()
  readonly #lines: string[] = []
  #last = 0

  constructor() {
    if (!existsSync(join(HOME, 'node_modules'))) {
      throw new Error('the packages of Xen Orchestra are missing: npm ci --ignore-scripts in test/xen-orchestra')
    }
    const child = fork(join(HOME, 'main.mjs'), { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#lines.push(text))
    }
    child.on('message', (reply: Reply) => this.#settle(reply))
    child.on('exit', (code, signal) => this.#fail(new Error(`ended with ${code ?? signal}: ${this.output}`)))
    this.#child = child
  }

  /** What it has said so far: XO warns there of what it works around. */
  get output(): string {
    return this.#lines.join('')
  }

  /** Does one of the acts of the script. @throws XenOrchestraError with the pool's code */
  do(act: string, ...args: readonly unknown[]): Promise<Answer> {
    const id = ++this.#last
    const waiting = Promise.withResolvers<Answer>()
    this.#waiting.set(id, waiting)
    this.#child.send({ id, act, args }, (error) => error !== null && waiting.reject(error))
    return waiting.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill()
    await ended
  }

  #settle({ id, result, error }: Reply): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new XenOrchestraError(error))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/**
 * Ends the workers that XO leaves behind in a backup folder to merge disks: they would go on for minutes, and for ever in
 * a folder that is gone.
 */
export async function endWorkersIn(directory: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const place = await readlink(`/proc/${pid}/cwd`).catch(() => '') // ended meanwhile, or somebody else's
    if (place.startsWith(directory)) process.kill(Number(pid), 'SIGKILL')
  }
}
