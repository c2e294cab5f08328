import type { HostRef, SessionRef, TaskRef } from '@tidemark/xenapi'
import {
  apiEnums,
  arity,
  decodeTyped,
  encodeTyped,
  encodeXmlValue,
  findMessage,
  parseType,
  XenApiError,
  type Answer,
  type ApiMessage,
  type Call as WireCall,
  type Encoding,
  type FoundMessage,
  type WireValue,
} from '@tidemark/xenapi/codec'
import { handlers } from '../classes/handlers.ts'
import { theHost, type Pool } from '../pool.ts'
import type { Call, Handler } from './call.ts'
import { failure, failureOf } from './failure.ts'

/** An answer, and whether it goes out without the Status wrapper in XML. */
export type Dispatched = Answer & { readonly bare?: true }

/** Who is asked: one host of a pool. */
export interface Asked {
  readonly pool: Pool
  readonly host: HostRef
}

/** Serves one call of either encoding. It never rejects: whatever goes wrong is a failure in the answer. */
export async function dispatch(asked: Asked, call: WireCall, encoding: Encoding): Promise<Dispatched> {
  if (call.method === 'system.listMethods') return { ok: true, value: listMethods(asked.pool), bare: true }
  try {
    return { ok: true, value: await serve(asked, call, encoding) }
  } catch (error) {
    return { ok: false, failure: failureOf(error) }
  }
}

/** Every method that this pool serves, on its wire name; aliases and Async forms included. */
const listMethods = ({ options }: Pool): readonly string[] =>
  [...handlers().keys()]
    .filter((name) => !options.unknownMessages.includes(name))
    .flatMap((name) => {
      const found = findMessage(name)
      const alias = name.replace('.', '_')
      return found?.message.async === true ? [name, `Async.${name}`, alias] : [name, alias]
    })

/**
 * The order of checks is xapi's: number of parameters, their types, the session. A member looks no further than to say
 * who its coordinator is. contract/xenapi.md §1.4, §1.5
 */
async function serve(asked: Asked, { method, params }: WireCall, encoding: Encoding): Promise<WireValue> {
  const { pool } = asked
  const found = findMessage(method)
  const handler = found === undefined ? undefined : handlerOf(pool, `${found.class.name}.${found.message.name}`)
  if (found === undefined || handler === undefined) {
    checkSession(asked, sessionOf(params))
    return failure(found?.message.state === 'removed' ? 'MESSAGE_REMOVED' : 'MESSAGE_METHOD_UNKNOWN', method)
  }
  const { message } = found
  const given = message.session ? params.slice(1) : params
  checkCount(method, message, message.session && params.length === 0 ? -1 : given.length)
  const decoded = decodeParams(message, given)
  const session = message.session ? sessionOf(params) : ('' as SessionRef)
  if (message.session) checkSession(asked, session)
  else assertCoordinator(asked)
  if (found.isAsync && !message.async) failure('Fault', `No async mode for this operation (rpc: ${method})`)
  await pool.faults.call(method)
  return run(asked, found, { handler, params: decoded, session, encoding })
}

const handlerOf = ({ options }: Pool, name: string): Handler | undefined =>
  options.unknownMessages.includes(name) ? undefined : handlers().get(name)

function checkSession(asked: Asked, session: SessionRef): void {
  assertCoordinator(asked)
  asked.pool.sessions.check(session)
}

/** @throws XenApiError HOST_IS_SLAVE */
function assertCoordinator({ pool, host }: Asked): void {
  const coordinator = theHost(pool)
  if (host !== coordinator) failure('HOST_IS_SLAVE', pool.hosts.get(coordinator).address)
}

interface Prepared {
  readonly handler: Handler
  readonly params: readonly unknown[]
  readonly session: SessionRef
  readonly encoding: Encoding
}

async function run(
  { pool, host }: Asked,
  { class: model, message, isAsync }: FoundMessage,
  { handler, params, session, encoding }: Prepared,
): Promise<WireValue> {
  const result = parseType(message.result)
  const call: Call = { pool, host, session, task: undefined, signal: pool.closing }
  if (!message.async) return encodeTyped(result, await handler(call, ...(params as never[])), encoding)

  const name = `${model.name}.${message.name}`
  const wireName = isAsync ? `Async.${name}` : name
  const task = pool.tasks.run(pool.tasks.create(wireName, '', session))
  const work = async (signal = AbortSignal.any([task.signal, pool.closing])): Promise<unknown> => {
    try {
      return await handler({ ...call, task, signal }, ...(params as never[]))
    } catch (error) {
      throw task.signal.aborted ? task.signal.reason : error
    }
  }
  if (isAsync) {
    void finishLater(pool, task.ref, async () =>
      encodeXmlValue(encodeTyped(result, await pool.faults.task(wireName, task, work), 'xml')),
    )
    return task.ref
  }
  try {
    return encodeTyped(result, await work(), encoding)
  } finally {
    pool.tasks.drop(task.ref)
  }
}

/** Nobody waits for it: the outcome is in the task. */
async function finishLater(pool: Pool, task: TaskRef, work: () => Promise<string>): Promise<void> {
  const finish = await work().then(
    (result) => () => pool.tasks.succeed(task, result),
    (error: unknown) => () => pool.tasks.fail(task, failureOf(error)),
  )
  // a lab that stops has no tasks any more
  if (!pool.closing.aborted) finish()
}

const sessionOf = ([session]: readonly WireValue[]): SessionRef =>
  (typeof session === 'string' ? session : '') as SessionRef

/** Messages whose last parameters have defaults take any surplus, as xapi does. */
function checkCount(method: string, message: ApiMessage, received: number): void {
  const { required, all } = arity(message)
  const fits = required < all ? received >= required : received === required
  if (!fits) failure('MESSAGE_PARAMETER_COUNT_MISMATCH', method, String(required), String(received))
}

function decodeParams({ params, defaults = {}, ctor = [] }: ApiMessage, given: readonly WireValue[]): unknown[] {
  const decoded = params.map(([name, type], index) => {
    const wire = given[index] ?? defaults[name]
    if (wire === undefined) return failure('INTERNAL_ERROR', `the parameter ${name} is missing`)
    return decodeParam(name, type, wire)
  })
  return ctor.length === 0 ? decoded : [constructed(ctor, decoded[0] as object)]
}

/** Of a constructor's record only what may be given is taken; what has no default must be in it. */
function constructed(ctor: NonNullable<ApiMessage['ctor']>, given: object): object {
  const missing = ctor.find(({ name, required }) => required && !Object.hasOwn(given, name))
  if (missing !== undefined) return failure('INTERNAL_ERROR', `field ${missing.name} not found`)
  const known = new Set(ctor.map(({ name }) => name))
  return Object.fromEntries(Object.entries(given).filter(([name]) => known.has(name)))
}

function decodeParam(name: string, type: string, wire: WireValue): unknown {
  const parsed = parseType(type)
  const values = parsed.kind === 'enum' ? apiEnums[parsed.name] : undefined
  if (typeof wire === 'string' && values?.some((value) => value.toLowerCase() === wire.toLowerCase()) === false) {
    return failure('INVALID_VALUE', name, wire)
  }
  try {
    return decodeTyped(parsed, wire, 'argument')
  } catch (error) {
    if (error instanceof XenApiError) failure('INTERNAL_ERROR', `${name}: ${error.message}`)
    throw error
  }
}
