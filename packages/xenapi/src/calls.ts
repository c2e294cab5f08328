import { isCallOptions, type CallOptions } from './call-options.ts'
import type { ApiClass, ApiMessage } from './codec/class.ts'
import { parseType } from './codec/type.ts'
import { decodeTyped, encodeTyped } from './codec/typed.ts'
import type { WireValue } from './codec/wire.ts'
import { XenApiError } from './error.ts'
import { apiClasses } from './generated/classes.ts'
import type { ApiCalls, AsyncCalls } from './generated/types.ts'
import { failureError } from './failure.ts'
import type { Rpc } from './rpc.ts'

/** A session as the code beneath the typed calls sees it. */
export interface Line {
  readonly rpc: Rpc
  readonly session: string
  readonly callTimeoutMs: number
}

/** Makes one call and unwraps its answer. @throws XenApiError XENAPI_FAILURE, and as the transport */
export async function invoke(
  { rpc, session, callTimeoutMs }: Line,
  method: string,
  params: readonly WireValue[],
  { signal, timeoutMs = callTimeoutMs }: CallOptions = {},
): Promise<WireValue> {
  signal?.throwIfAborted()
  const answer = await rpc.call({ method, params }, { signal, timeoutMs })
  if (!answer.ok) throw failureError(answer.failure, session)
  return answer.value
}

/** A call by its description: parameters and result converted by their types. */
export async function invokeTyped(
  line: Line,
  cls: ApiClass,
  message: ApiMessage,
  args: readonly unknown[],
): Promise<unknown> {
  const { given, options } = splitOptions(message, args)
  const params = encodeParams(line, message, given)
  const wire = await invoke(line, `${cls.name}.${message.name}`, params, options)
  return decodeTyped(parseType(message.result), wire, 'answer', `${cls.name}.${message.name}`)
}

/** The session, where the message takes one, and the parameters in their wire form. */
export function encodeParams(
  { rpc, session }: Line,
  message: ApiMessage,
  given: readonly unknown[],
): readonly WireValue[] {
  const encoded = given.map((value, index) => {
    const [name, notation] = message.params[index] ?? []
    if (name === undefined || notation === undefined) {
      throw new XenApiError(
        'XENAPI_PROTOCOL',
        `${message.name} takes ${message.params.length} parameters, not ${given.length}`,
      )
    }
    return encodeTyped(parseType(notation), value, rpc.encoding, name)
  })
  return message.session ? [session, ...encoded] : encoded
}

/** The options come last, and may be left out. A map of a caller is never mistaken for them. */
export function splitOptions(
  { params }: ApiMessage,
  args: readonly unknown[],
): { readonly given: readonly unknown[]; readonly options: CallOptions } {
  const last = args.at(-1)
  const isOptions = isCallOptions(last) || args.length > params.length
  const given = isOptions ? args.slice(0, -1) : args
  return { given: given.slice(0, lastGiven(given)), options: isOptions && isCallOptions(last) ? last : {} }
}

const lastGiven = (values: readonly unknown[]): number => values.findLastIndex((value) => value !== undefined) + 1

type Method = (...args: readonly unknown[]) => Promise<unknown>
type Perform = (cls: ApiClass, message: ApiMessage, args: readonly unknown[]) => Promise<unknown>

/** `calls.VDI.snapshot(…)` and all the others, built from the model. */
export const buildCalls = (perform: Perform): ApiCalls => build(() => true, perform) as unknown as ApiCalls

/** The same for the messages that can run as tasks. */
export const buildAsyncCalls = (perform: Perform): AsyncCalls =>
  build((message) => message.async, perform) as unknown as AsyncCalls

function build(has: (message: ApiMessage) => boolean, perform: Perform): Record<string, Record<string, Method>> {
  const classes = Object.values(apiClasses).map((cls) => {
    const methods = Object.values(cls.messages)
      .filter(has)
      .map((message): [string, Method] => [message.name, (...args) => perform(cls, message, args)])
    return [cls.name, Object.fromEntries(methods)] as const
  })
  return Object.fromEntries(classes.filter(([, methods]) => Object.keys(methods).length > 0))
}
