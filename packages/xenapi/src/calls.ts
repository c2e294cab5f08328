import { isCallOptions, type CallOptions } from './call-options.ts'
import type { ApiClass, ApiMessage } from './codec/class.ts'
import { parseType } from './codec/type.ts'
import { decodeTyped, encodeTyped } from './codec/typed.ts'
import type { WireValue } from './codec/wire.ts'
import type { Login } from './enter.ts'
import { XenApiError } from './error.ts'
import { apiClasses } from './generated/classes.ts'
import type { ApiCalls, AsyncCalls } from './generated/types.ts'
import { invoke, type Line, type Request } from './invoke.ts'

/** A call by its description: parameters and result converted by their types. */
export async function invokeTyped(
  line: Line,
  cls: ApiClass,
  message: ApiMessage,
  args: readonly unknown[],
): Promise<unknown> {
  const { given, options } = splitOptions(message, args)
  const wire = await invoke(line, requestFor(`${cls.name}.${message.name}`, message, given), options)
  return decodeTyped(parseType(message.result), wire, 'answer', `${cls.name}.${message.name}`)
}

/** @param method the message's name on the wire, which differs for tasks */
export const requestFor = (method: string, message: ApiMessage, given: readonly unknown[]): Request => ({
  method,
  params: (login) => encodeParams(login, message, given),
})

/** The session, where the message takes one, and the parameters in their wire form. */
function encodeParams({ rpc, ref }: Login, message: ApiMessage, given: readonly unknown[]): readonly WireValue[] {
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
  return message.session ? [ref, ...encoded] : encoded
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
