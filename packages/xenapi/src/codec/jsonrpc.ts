import { XenApiError } from '../error.ts'
import { encodeDatetime } from './datetime.ts'
import { failureTexts, isStruct, structOf, type Answer, type Call, type WireValue } from './wire.ts'

/** 1: no `jsonrpc` member; errors are arrays. 2: `"jsonrpc":"2.0"`; errors are objects with code, message, data. */
export type JsonVersion = 1 | 2

/** A call with what its answer has to echo. */
export interface JsonCall extends Call {
  readonly version: JsonVersion
  readonly id: number | string
}

export const encodeJsonCall = ({ version, method, params, id }: JsonCall): string =>
  stringify(
    version === 2
      ? structOf([
          ['jsonrpc', '2.0'],
          ['method', method],
          ['params', params],
          ['id', wireId(id)],
        ])
      : structOf([
          ['method', method],
          ['params', params],
          ['id', wireId(id)],
        ]),
  )

/** @throws XenApiError XENAPI_PROTOCOL; xapi answers HTTP 500 to a missing or null id, and to batches */
export function decodeJsonCall(text: string): JsonCall {
  const call = parse(text)
  if (!isStruct(call)) throw broken('a call that is no object')
  const { jsonrpc, method, params = [], id } = call
  if (typeof method !== 'string') throw broken('a call without a method')
  if (!Array.isArray(params)) throw broken('parameters that are no array')
  if (typeof id !== 'number' && typeof id !== 'string') throw broken('a call whose id is neither a number nor text')
  if (typeof id === 'number' && !Number.isInteger(id)) throw broken('a call whose id is no whole number')
  return { version: jsonrpc === undefined ? 1 : 2, method, params: params as readonly WireValue[], id }
}

/** The reply to a call of that version and id, members in xapi's order. */
export function encodeJsonAnswer(answer: Answer, { version, id }: Pick<JsonCall, 'version' | 'id'>): string {
  const ending = ['id', wireId(id)] as const
  if (version === 2) {
    const [code = 'INTERNAL_ERROR', ...data] = answer.ok ? [] : answer.failure
    const outcome = answer.ok
      ? (['result', answer.value] as const)
      : ([
          'error',
          structOf([
            ['code', 1n],
            ['message', code],
            ['data', data],
          ]),
        ] as const)
    return stringify(structOf([['jsonrpc', '2.0'], outcome, ending]))
  }
  const result = answer.ok ? answer.value : null
  return stringify(structOf([['result', result], ['error', answer.ok ? null : answer.failure], ending]))
}

/** Reads a reply of either version. @throws XenApiError XENAPI_PROTOCOL */
export function decodeJsonAnswer(text: string): Answer & { readonly id: WireValue | undefined } {
  const reply = parse(text)
  if (!isStruct(reply)) throw broken('a reply that is no object')
  const { result, error, id } = reply
  if (error !== undefined && error !== null) return { ok: false, failure: failureOf(error), id }
  if (result === undefined) throw broken('a reply with neither result nor error')
  return { ok: true, value: result, id }
}

function failureOf(error: WireValue): readonly string[] {
  if (Array.isArray(error)) return failureTexts(error as readonly WireValue[])
  const { message, data } = isStruct(error) ? error : {}
  if (typeof message !== 'string') throw broken('an error of unknown shape')
  return [message, ...(Array.isArray(data) ? failureTexts(data as readonly WireValue[]) : [])]
}

const wireId = (id: number | string): WireValue => id

/** JSON text of a wire value: dates as `20250319T04:16:24Z`, bigint as a number, bytes as base64, no white space. */
function stringify(value: WireValue): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) throw broken(`${value} cannot be written`)
  if (value instanceof Date) return JSON.stringify(encodeDatetime(value))
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (isStruct(value)) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}:${stringify(member)}`)
      .join(',')}}`
  }
  if (typeof value === 'object' && value !== null) return `[${value.map(stringify).join(',')}]`
  return JSON.stringify(value)
}

/** Whole numbers beyond 2^53 arrive as bigint, everything else as JSON has it. */
function parse(text: string): WireValue {
  try {
    return (/\d{16}/.test(text) ? JSON.parse(text, keepLargeIntegers) : JSON.parse(text)) as WireValue
  } catch (cause) {
    throw new XenApiError('XENAPI_PROTOCOL', 'not JSON-RPC: the text is no JSON', { cause })
  }
}

function keepLargeIntegers(_: string, value: unknown, context: { source?: string } = {}): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const { source = '' } = context
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

const broken = (problem: string): XenApiError => new XenApiError('XENAPI_PROTOCOL', `not JSON-RPC: ${problem}`)
