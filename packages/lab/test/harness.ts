import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { decodeJsonAnswer, encodeJsonCall, type WireValue } from '@tidemark/xenapi/codec'
import { startLab, type Lab, type LabSettings } from '../src/index.ts'

/** A lab in a directory of its own; disposal removes both. */
export interface TestLab extends AsyncDisposable {
  readonly lab: Lab
  readonly directory: string
  /** The certificate as a file. */
  readonly caFile: string
}

export async function testLab(settings: Partial<LabSettings> = {}): Promise<TestLab> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-test-'))
  const lab = await startLab({ directory, ...quick, ...settings })
  const caFile = join(directory, 'ca.pem')
  await writeFile(caFile, lab.certificate)
  return {
    lab,
    directory,
    caFile,
    async [Symbol.asyncDispose]() {
      await lab.stop()
      await rm(directory, {
        recursive: true,
        force: true,
      })
    },
  }
}

/** Free ports, and no waiting. */
export const quick = {
  password: 'correct horse',
  httpsPort: 0,
  nbdPort: 0,
  loginDelayMs: 10,
  detachDelayMs: 20,
  dataDestroyWaitMs: 400,
} as const

/** Answers of a client that knows nothing of our types: a value, or the failure array. */
export interface RawClient {
  readonly session: string
  /** The session goes before the parameters. @throws Failed */
  call(method: string, ...params: readonly WireValue[]): Promise<WireValue>
  /** The failure array of a call that must fail. */
  failure(method: string, ...params: readonly WireValue[]): Promise<readonly string[]>
}

export class Failed extends Error {
  readonly failure: readonly string[]
  constructor(method: string, failure: readonly string[]) {
    super(`${method}: ${failure.join(', ')}`)
    this.failure = failure
  }
}

export async function loggedIn({ lab }: Pick<TestLab, 'lab'>): Promise<RawClient> {
  const session = await bareCall(lab, 'session.login_with_password', [lab.username, lab.password])
  const call = (method: string, ...params: readonly WireValue[]) => bareCall(lab, method, [session, ...params])
  return {
    session: session as string,
    call,
    async failure(method, ...params) {
      try {
        await call(method, ...params)
      } catch (error) {
        if (error instanceof Failed) return error.failure
        throw error
      }
      throw new Error(`${method} did not fail`)
    },
  }
}

/** JSON-RPC 2.0 with the parameters as they are. @throws Failed */
export async function bareCall(
  lab: Pick<Lab, 'url' | 'certificate'>,
  method: string,
  params: readonly WireValue[],
): Promise<WireValue> {
  const body = encodeJsonCall({ version: 2, method, params, id: 1 })
  const { body: answer } = await http(lab, 'POST', '/jsonrpc', Buffer.from(body))
  const decoded = decodeJsonAnswer(answer.toString('utf8'))
  if (!decoded.ok) throw new Failed(method, decoded.failure)
  return decoded.value
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export function http(
  { url, certificate }: Pick<Lab, 'url' | 'certificate'>,
  method: string,
  path: string,
  body: Uint8Array = new Uint8Array(),
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  const length = { 'Content-Length': String(body.length) }
  const sent = request(`${url}${path}`, { method, ca: certificate, agent: false, headers: { ...length, ...headers } })
  sent.once('error', reject)
  sent.once('response', (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('error', reject)
    response.once('end', () => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
    })
  })
  sent.end(body)
  return promise
}

/** Runs a program to its end. @throws with its error output when it fails or is not installed */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', (cause) => reject(new Error(`${program} has to be installed for this test`, { cause })))
  child.once('close', resolve)
  const [code, out, err] = await Promise.all([promise, text(child.stdout), text(child.stderr)])
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${err}`)
  return out
}
