import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  decodeJsonAnswer,
  decodeJsonCall,
  decodeXmlAnswer,
  decodeXmlCall,
  encodeJsonAnswer,
  encodeJsonCall,
  encodeXmlAnswer,
  encodeXmlBareAnswer,
  encodeXmlCall,
  XenApiError,
  structOf,
  type Answer,
  type Call,
  type WireValue,
} from '@tidemark/xenapi/codec'
import { dispatch, type Asked, type Dispatched } from '../../packages/lab/src/calls/dispatch.ts'
import { openPool } from '../../packages/lab/src/lab.ts'
import { labDefaults } from '../../packages/lab/src/options.ts'
import { theHost, type Pool } from '../../packages/lab/src/pool.ts'
import { violations, type Violation } from '../../packages/lab/src/invariants.ts'
import type { Random } from '../support/random.ts'
import { makeCall, SESSION } from './calls.ts'
import { Broken, inTime, type Kind, type Target, type Verdict } from './kind.ts'
import { mutateBytes, mutateTokens } from './mutate.ts'

/** XML-RPC bodies through the codec, the dispatcher and the codec again, without a socket. */
export const xmlKind: Kind = { name: 'xml', share: 310, open: () => openRpc(xmlBody, serveXml) }
export const jsonKind: Kind = { name: 'json', share: 310, open: () => openRpc(jsonBody, serveJson) }

/** The body of a request; mostly almost right. */
export function xmlBody(random: Random): Uint8Array {
  const text = encodeXmlCall(makeCall(random))
  if (random.chance(45)) return Buffer.from(text)
  const tokens = text.match(/<[^>]*>|[^<]+/g) ?? []
  return random.chance(60) ? Buffer.from(mutateTokens(random, tokens)) : mutateBytes(random, Buffer.from(text))
}

export function jsonBody(random: Random): Uint8Array {
  const text = jsonText(random)
  if (random.chance(45)) return Buffer.from(text)
  const tokens = text.match(/[{}[\],:]|"(?:[^"\\]|\\.)*"|[^{}[\],:"]+/g) ?? []
  return random.chance(60) ? Buffer.from(mutateTokens(random, tokens)) : mutateBytes(random, Buffer.from(text))
}

/** Bytes and dates have no place in JSON: such calls are written as text. */
function jsonText(random: Random): string {
  const { method, params } = makeCall(random)
  const id = random.chance(90) ? random.int(1000) : `id ${random.int(10)}`
  return encodeJsonCall({ version: random.chance(70) ? 2 : 1, method, params: params.map(writable), id })
}

export function writable(value: WireValue): WireValue {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (Array.isArray(value)) return value.map((each: WireValue) => writable(each))
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return structOf(Object.entries(value).map(([name, each]) => [name, writable(each)]))
  }
  return value
}

interface World {
  readonly asked: Asked
  /** Valid, whatever the inputs did. */
  readonly session: () => Promise<string>
}

type Serve = (world: World, body: string) => Promise<Answer | 'no call'>

/** What xapi answers with HTTP 500. */
const refusedByCodec = (error: unknown): boolean => error instanceof XenApiError && error.code === 'XENAPI_PROTOCOL'

async function serveXml(world: World, body: string): Promise<Answer | 'no call'> {
  const call = decoded(() => decodeXmlCall(body))
  if (call === undefined) return 'no call'
  const answer = await dispatched(world, call, 'xml')
  const text = answer.ok && answer.bare === true ? encodeXmlBareAnswer(answer.value) : encodeXmlAnswer(answer)
  return decodeXmlAnswer(text)
}

async function serveJson(world: World, body: string): Promise<Answer | 'no call'> {
  const call = decoded(() => decodeJsonCall(body))
  if (call === undefined) return 'no call'
  const { id, ...answer } = decodeJsonAnswer(encodeJsonAnswer(await dispatched(world, call, 'json'), call))
  if (JSON.stringify(id) !== JSON.stringify(call.id))
    throw new Broken(`the call ${call.id} is answered with another id`)
  return answer
}

function decoded<Decoded extends Call>(decode: () => Decoded): Decoded | undefined {
  try {
    return decode()
  } catch (error) {
    if (refusedByCodec(error)) return undefined
    throw error
  }
}

/** A call that waits for events is woken by the end of its session. */
async function dispatched({ asked, session }: World, call: Call, encoding: 'xml' | 'json'): Promise<Dispatched> {
  const working = dispatch(asked, call, encoding)
  if (!/event|inject|next|from/.test(call.method)) return inTime(working, call.method)
  const quick = await Promise.race([working, new Promise((resolve) => setTimeout(resolve, 30, 'late'))])
  if (quick !== 'late') return working
  await dispatch(asked, { method: 'session.logout', params: [await session()] }, 'json')
  return inTime(working, `${call.method}, whose session has ended,`)
}

const unexpected =
  /undefined|null \(|Cannot read|not a function|not iterable|Maximum call|circular|BigInt|Invalid (?:array|string|time)|out of range/

/** @throws Broken when the answer is none that a client could understand */
function verdictOf(answer: Answer | 'no call'): Verdict {
  if (answer === 'no call') return 'refused'
  if (answer.ok) return 'accepted'
  const [code = '', ...params] = answer.failure
  if (!/^[A-Z][A-Z0-9_]+$|^Fault$/.test(code)) throw new Broken(`the code of a failure is '${code.slice(0, 100)}'`)
  if (code === 'INTERNAL_ERROR' && unexpected.test(params.join(' ')))
    throw new Broken(`INTERNAL_ERROR: ${params.join(' | ')}`)
  return 'refused'
}

async function openRpc(make: (random: Random) => Uint8Array, serve: Serve): Promise<Target> {
  const stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-fuzz-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const delays = { loginDelayMs: 1, detachDelayMs: 1, dataDestroyWaitMs: 5 }
  const pool = await openPool(stack, { ...labDefaults, ...delays, directory, password: 'fuzz' })
  const asked: Asked = { pool, host: theHost(pool) }
  const world: World = { asked, session: () => logIn(pool) }
  let session = await logIn(pool)
  return {
    async run(random) {
      if (!pool.sessions.isValid(session)) session = await logIn(pool)
      const text = utf8(withRefs(pool, session, make(random)))
      return text === undefined ? 'refused' : verdictOf(await serve({ ...world, session: async () => session }, text))
    },
    async settle() {
      await emptied(pool)
      const answer = await dispatch(asked, { method: 'pool.get_all', params: [await logIn(pool)] }, 'json')
      return [
        ...(answer.ok ? [] : [`pool.get_all is answered with ${answer.failure.join(' | ')}`]),
        ...violations({ db: pool.db, storage: pool.storage, idle: true })
          .filter(isOurs)
          .map(({ rule, class: name, ref, detail }) => `${rule}: ${name} ${ref}: ${detail}`),
      ]
    },
    show: (random) => Buffer.from(make(random)).toString('utf8'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A VM's fields may name what the input made up, or what was destroyed since: xapi does not look either. */
export const isOurs = ({ rule, class: name }: Pick<Violation, 'rule' | 'class'>): boolean =>
  rule !== 'every reference resolves' || name !== 'VM'

async function logIn({ sessions, options }: Pool): Promise<string> {
  return sessions.login(options.username, options.password, 'fuzz')
}

/** Text that is no UTF-8 is refused with 500 before anything else. */
function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined // that is the answer
  }
}

/** Puts real references where placeholders stand. */
function withRefs(pool: Pool, session: string, body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString('latin1')
  if (!text.includes('{{')) return body
  const filled = text.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => {
    if (whole === SESSION) return session
    const rows = pool.db.rows(name as never) as ReadonlyMap<string, unknown> | undefined
    const [first = 'OpaqueRef:NULL'] = rows?.keys() ?? []
    return first
  })
  return Buffer.from(filled, 'latin1')
}

/** What calls that were accepted have made goes again, so that memory can be compared. */
async function emptied(pool: Pool): Promise<void> {
  const session = await logIn(pool)
  const asked: Asked = { pool, host: theHost(pool) }
  const call = (method: string, ...params: string[]) =>
    dispatch(asked, { method, params: [session, ...params] }, 'json')
  for (const [vm, { is_control_domain, power_state }] of pool.db.all('VM')) {
    if (is_control_domain) continue
    if (power_state !== 'Halted') await call('VM.hard_shutdown', vm)
    await call('VM.destroy', vm)
  }
  for (const [vdi] of pool.db.all('VDI')) await call('VDI.destroy', vdi)
  for (const [task] of pool.db.all('task')) {
    await call('task.set_status', task, 'success')
    await call('task.destroy', task)
  }
  for (const [each] of pool.db.all('session')) if (each !== session) pool.sessions.logout(each)
  await pool.operations.idle()
  await pool.holds.settled()
}
