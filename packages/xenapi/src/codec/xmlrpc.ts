import { XenApiError } from '../error.ts'
import { decodeDatetime, encodeDatetime } from './datetime.ts'
import { failureTexts, isStruct, structOf, type Answer, type Call, type WireValue } from './wire.ts'
import { escapeXml, parseXml, type XmlElement, type XmlLimits } from './xml.ts'

const PROLOGUE = '<?xml version="1.0"?>'

/** A request body: no white space between tags. */
export const encodeXmlCall = ({ method, params }: Call): string =>
  `${PROLOGUE}<methodCall><methodName>${escapeXml(method)}</methodName>${encodeParams(params)}</methodCall>`

/** @throws XenApiError XENAPI_PROTOCOL, also for a call without `<params>`, as xapi does */
export function decodeXmlCall(text: string, limits: Partial<XmlLimits> = {}): Call {
  const call = expectName(parseXml(text, limits), 'methodCall')
  const method = childOf(call, 'methodName').text.trim()
  if (method === '') throw broken('a call without a method name')
  return { method, params: decodeParams(childOf(call, 'params')) }
}

/** A success or a failure, in xapi's compact form: a struct of Status and Value or ErrorDescription. */
export function encodeXmlAnswer(answer: Answer): string {
  const status = answer.ok
    ? structOf([
        ['Status', 'Success'],
        ['Value', answer.value],
      ])
    : structOf([
        ['Status', 'Failure'],
        ['ErrorDescription', answer.failure],
      ])
  return encodeXmlBareAnswer(status)
}

/** An answer without the Status wrapper. xapi sends system.listMethods this way. */
export const encodeXmlBareAnswer = (value: WireValue): string =>
  `${PROLOGUE}<methodResponse>${encodeParams([value])}</methodResponse>`

/**
 * Reads an answer with or without the Status wrapper. A `<fault>`, which no call of XenAPI uses but a foreign server might,
 * becomes the failure `['Fault', text]`.
 * @throws XenApiError XENAPI_PROTOCOL
 */
export const decodeXmlAnswer = (text: string, limits: Partial<XmlLimits> = {}): Answer =>
  answerOf(parseXml(text, limits))

/** Reads an answer that was parsed as it arrived. @throws XenApiError XENAPI_PROTOCOL */
export function answerOf(root: XmlElement): Answer {
  const response = expectName(root, 'methodResponse')
  const fault = response.children.find(({ name }) => name === 'fault')
  if (fault !== undefined) return faultOf(valueOf(childOf(fault, 'value')))
  const [value, ...more] = decodeParams(childOf(response, 'params'))
  if (value === undefined || more.length > 0) throw broken('an answer that is not one value')
  if (!isStruct(value)) return { ok: true, value }
  const { Status, Value, ErrorDescription } = value
  if (Status === 'Success' && Value !== undefined) return { ok: true, value: Value }
  if (Status === 'Failure' && Array.isArray(ErrorDescription)) {
    return { ok: false, failure: failureTexts(ErrorDescription as readonly WireValue[]) }
  }
  return { ok: true, value }
}

function faultOf(value: WireValue): Answer {
  const { faultString } = isStruct(value) ? value : {}
  return { ok: false, failure: ['Fault', typeof faultString === 'string' ? faultString : 'unknown'] }
}

/** A value without any wrapper: the form of a task's `result`, and of `ova.xml`. Compact, without a prologue. */
export const encodeXmlValue = (value: WireValue): string => `<value>${encodeInner(value)}</value>`

/** Reads a bare `<value>…</value>`, with or without an XML declaration. @throws XenApiError XENAPI_PROTOCOL */
export const decodeXmlValue = (text: string, limits: Partial<XmlLimits> = {}): WireValue =>
  valueOf(expectName(parseXml(text, limits), 'value'))

const encodeParams = (values: readonly WireValue[]): string =>
  `<params>${values.map((value) => `<param>${encodeXmlValue(value)}</param>`).join('')}</params>`

const decodeParams = (params: XmlElement): WireValue[] =>
  params.children.map((param) => valueOf(childOf(expectName(param, 'param'), 'value')))

function encodeInner(value: WireValue): string {
  if (typeof value === 'string') return escapeXml(value)
  if (typeof value === 'boolean') return `<boolean>${value ? '1' : '0'}</boolean>`
  if (typeof value === 'number') return `<double>${encodeDouble(value)}</double>`
  if (typeof value === 'bigint') return encodeTagged(value)
  if (value === null) return '<nil/>'
  if (value instanceof Date) return `<dateTime.iso8601>${encodeDatetime(value)}</dateTime.iso8601>`
  if (value instanceof Uint8Array) return `<base64>${Buffer.from(value).toString('base64')}</base64>`
  if (isStruct(value)) return `<struct>${Object.entries(value).map(encodeMember).join('')}</struct>`
  return `<array><data>${value.map(encodeXmlValue).join('')}</data></array>`
}

const encodeMember = ([name, value]: readonly [string, WireValue]): string =>
  `<member><name>${escapeXml(name)}</name>${encodeXmlValue(value)}</member>`

const encodeTagged = (value: bigint): string =>
  BigInt.asIntN(32, value) === value ? `<i4>${value}</i4>` : `<i8>${value}</i8>`

/** C's `%.16g`, as xapi prints floats: 16 significant digits, no trailing zeros, exponent of at least two digits. */
export function encodeDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [digits = '', exponentText = '0'] = value.toExponential(15).split('e')
  const exponent = Number(exponentText)
  if (exponent >= -4 && exponent < 16) return trimZeros(value.toFixed(15 - exponent))
  const sign = exponent < 0 ? '-' : '+'
  return `${trimZeros(digits)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
}

const trimZeros = (digits: string): string => (digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits)

/** What a `<value>` holds: one typed element, or text. White space around the typed element means nothing. */
function valueOf(value: XmlElement): WireValue {
  const [typed, ...more] = value.children
  if (typed === undefined) return value.text
  if (more.length > 0 || value.text.trim() !== '') throw broken('a value with more than one content')
  return typedValue(typed)
}

function typedValue(element: XmlElement): WireValue {
  const { name, text } = element
  switch (name) {
    case 'string':
      return leaf(element).text
    case 'int':
    case 'i4':
    case 'i8':
      return decodeInteger(leaf(element).text.trim())
    case 'boolean':
      return decodeBoolean(leaf(element).text.trim())
    case 'double':
      return decodeDouble(leaf(element).text.trim())
    case 'dateTime.iso8601':
      return decodeDatetime(leaf(element).text)
    case 'base64':
      return new Uint8Array(Buffer.from(leaf(element).text, 'base64'))
    case 'nil':
      return null
    case 'array':
      return childOf(element, 'data').children.map((item) => valueOf(expectName(item, 'value')))
    case 'struct':
      return structOf(element.children.map(decodeMember))
    default:
      throw broken(`a value of unknown type <${name.slice(0, 40)}> ${text.slice(0, 20)}`)
  }
}

function decodeMember(element: XmlElement): readonly [string, WireValue] {
  const member = expectName(element, 'member')
  return [childOf(member, 'name').text, valueOf(childOf(member, 'value'))]
}

function decodeInteger(text: string): bigint {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw broken(`'${text.slice(0, 40)}' is no integer`)
  return BigInt(text)
}

function decodeBoolean(text: string): boolean {
  if (text === '1' || text === 'true') return true
  if (text === '0' || text === 'false') return false
  throw broken(`'${text.slice(0, 40)}' is no boolean`)
}

const SPECIAL_DOUBLES: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  '-nan': Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
}

function decodeDouble(text: string): number {
  const special = SPECIAL_DOUBLES[text.toLowerCase()]
  if (special !== undefined) return special
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw broken(`'${text.slice(0, 40)}' is no number`)
  return Number(text)
}

function leaf(element: XmlElement): XmlElement {
  if (element.children.length > 0) throw broken(`an element inside <${element.name}>`)
  return element
}

function expectName(element: XmlElement, name: string): XmlElement {
  if (element.name !== name) throw broken(`<${element.name.slice(0, 40)}> in place of <${name}>`)
  return element
}

function childOf(element: XmlElement, name: string): XmlElement {
  const child = element.children.find((candidate) => candidate.name === name)
  if (child === undefined) throw broken(`<${element.name}> without <${name}>`)
  return child
}

const broken = (problem: string): XenApiError => new XenApiError('XENAPI_PROTOCOL', `not XML-RPC: ${problem}`)
