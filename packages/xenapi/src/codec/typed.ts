import { XenApiError } from '../error.ts'
import { apiClasses, apiEnums } from '../generated/classes.ts'
import type { ApiClass } from './class.ts'
import { decodeDatetime, encodeDatetime } from './datetime.ts'
import { parseType, type ApiType } from './type.ts'
import { isStruct, structOf, type WireStruct, type WireValue } from './wire.ts'

/** Where typed values and the two encodings differ: XML carries ints as text and dates as dates, JSON the other way round. */
export type Encoding = 'xml' | 'json'

/**
 * How a value is taken.
 * - answer: from a pool that may be older or newer than our model. Unknown enum values stay as they are, a missing field
 *   takes its default if the model has one, and whatever is no `OpaqueRef:` is the null reference.
 * - argument: from a client, as xapi takes it. Enum values are matched without regard to case and must exist; missing
 *   members stay missing; unknown members are dropped.
 */
export type DecodeMode = 'answer' | 'argument'

/** The reference to nothing. */
export const NULL_REF = 'OpaqueRef:NULL'

/**
 * Turns a value of our side into its wire form: ints are safe numbers (or bigint), dates `Date`, sets arrays, maps and
 * records plain objects. Members of records that are undefined are left out.
 * @param path where the value stands, for the error's sentence: the name of a parameter
 * @throws XenApiError XENAPI_PROTOCOL, naming the member that does not fit
 */
export const encodeTyped = (type: ApiType, value: unknown, encoding: Encoding, path = ''): WireValue =>
  encodeAt({ encoding, path }, type, value)

/**
 * Turns a wire value of either encoding into our form. Extended ISO dates and decimal texts for numbers are understood.
 * @throws XenApiError XENAPI_PROTOCOL, naming the member that does not fit
 */
export const decodeTyped = (type: ApiType, wire: WireValue, mode: DecodeMode = 'answer', path = ''): unknown =>
  decodeAt({ mode, path }, type, wire)

interface EncodePlace {
  readonly encoding: Encoding
  readonly path: string
}

function encodeAt(place: EncodePlace, type: ApiType, value: unknown): WireValue {
  const isXml = place.encoding === 'xml'
  switch (type.kind) {
    case 'void':
      return ''
    case 'string':
    case 'ref':
    case 'enum':
      return typeof value === 'string' ? value : misfit(place.path, value, type)
    case 'bool':
      return typeof value === 'boolean' ? value : misfit(place.path, value, type)
    case 'int':
      return encodeInt(place, value)
    case 'float':
      return typeof value === 'number' ? value : misfit(place.path, value, type)
    case 'datetime':
      if (!(value instanceof Date)) return misfit(place.path, value, type)
      return isXml ? value : encodeDatetime(value)
    case 'set':
      if (!Array.isArray(value)) return misfit(place.path, value, type)
      return value.map((item: unknown, index) => encodeAt(below(place, index), type.of, item))
    case 'map':
      return structOf(
        membersOf(place.path, type, value).map(([key, item]) => [key, encodeAt(below(place, key), type.value, item)]),
      )
    case 'record':
      return encodeRecord(place, type.class, membersOf(place.path, type, value))
    case 'any record':
      return structOf(membersOf(place.path, type, value) as [string, WireValue][])
    case 'event batch':
      return encodeBatch(place, membersOf(place.path, type, value))
    default:
      return type satisfies never
  }
}

function encodeInt({ encoding, path }: EncodePlace, value: unknown): WireValue {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return misfit(path, value, { kind: 'int' })
  return encoding === 'xml' ? String(value) : (value as number | bigint)
}

function encodeRecord(place: EncodePlace, className: string, members: readonly [string, unknown][]): WireStruct {
  const model = apiClasses[className]
  return structOf(
    members
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        if (model === undefined) return [name, value as WireValue] // classes outside the model pass as they are
        const field = model.fields[name]
        if (field === undefined) {
          throw new XenApiError(
            'XENAPI_PROTOCOL',
            `${place.path}${place.path && ': '}${className} has no field '${name}'`,
          )
        }
        const type = name === 'snapshot' && className === 'event' ? snapshotType(members) : parseType(field.type)
        return [name, encodeAt(below(place, name), type, value)]
      }),
  )
}

/** valid_ref_counts are the only ints that xapi tags. */
function encodeBatch(place: EncodePlace, members: readonly [string, unknown][]): WireStruct {
  const { events, valid_ref_counts: counts, token } = Object.fromEntries(members)
  const tagged = membersOf(place.path, { kind: 'event batch' }, counts).map(
    ([name, count]) => [name, BigInt(count as number)] as const,
  )
  return structOf([
    ['events', encodeAt(below(place, 'events'), parseType('event record set'), events)],
    ['valid_ref_counts', structOf(tagged)],
    ['token', encodeAt(below(place, 'token'), { kind: 'string' }, token)],
  ])
}

interface DecodePlace {
  readonly mode: DecodeMode
  readonly path: string
}

function decodeAt(place: DecodePlace, type: ApiType, wire: WireValue): unknown {
  switch (type.kind) {
    case 'void':
      return undefined
    case 'string':
      return decodeText(place, type, wire)
    case 'ref': {
      const ref = decodeText(place, type, wire)
      return place.mode === 'answer' && !ref.startsWith('OpaqueRef:') ? NULL_REF : ref
    }
    case 'enum':
      return decodeEnum(place, type.name, decodeText(place, type, wire))
    case 'bool':
      return typeof wire === 'boolean' ? wire : misfit(place.path, wire, type)
    case 'int':
      return decodeInt(place, wire)
    case 'float':
      return decodeFloat(place, wire)
    case 'datetime':
      if (wire instanceof Date) return wire
      return decodeDatetime(decodeText(place, type, wire))
    case 'set':
      if (!Array.isArray(wire)) return misfit(place.path, wire, type)
      return (wire as readonly WireValue[]).map((item, index) => decodeAt(below(place, index), type.of, item))
    case 'map':
      return plain(
        structMembers(place, type, wire).map(([key, item]) => [
          type.key.kind === 'enum' ? decodeEnum(place, type.key.name, key) : key,
          decodeAt(below(place, key), type.value, item),
        ]),
      )
    case 'record':
      return decodeRecord(place, type.class, structMembers(place, type, wire))
    case 'any record':
      return plain(structMembers(place, type, wire))
    case 'event batch':
      return plain(
        structMembers(place, type, wire).map(([name, item]) => [
          name,
          decodeAt(below(place, name), batchMember(name), item),
        ]),
      )
    default:
      return type satisfies never
  }
}

const BATCH: Readonly<Record<string, ApiType>> = {
  events: parseType('event record set'),
  valid_ref_counts: parseType('(string -> int) map'),
  token: parseType('string'),
}
const batchMember = (name: string): ApiType => BATCH[name] ?? { kind: 'string' }

function decodeText({ path }: DecodePlace, type: ApiType, wire: WireValue): string {
  if (typeof wire === 'string') return wire
  if (wire instanceof Uint8Array) return new TextDecoder().decode(wire)
  return misfit(path, wire, type)
}

function decodeEnum({ mode, path }: DecodePlace, name: string, text: string): string {
  const values = apiEnums[name] ?? []
  if (values.includes(text)) return text
  const alike = values.find((value) => value.toLowerCase() === text.toLowerCase())
  if (alike !== undefined) return alike
  return mode === 'answer' ? text : misfit(path, text, { kind: 'enum', name })
}

function decodeInt({ mode, path }: DecodePlace, wire: WireValue): number {
  const isWhole = typeof wire === 'bigint' || Number.isInteger(wire) || (typeof wire === 'string' && INTEGER.test(wire))
  const value = isWhole ? Number(wire) : misfit(path, wire, { kind: 'int' })
  // A pool may say 2^63 - 1 for "no limit": a client lives with the nearest number, a server must not guess.
  return mode === 'answer' || Number.isSafeInteger(value) ? value : misfit(path, wire, { kind: 'int' })
}
const INTEGER = /^\s*[+-]?\d{1,19}\s*$/

function decodeFloat({ path }: DecodePlace, wire: WireValue): number {
  if (typeof wire === 'number' || typeof wire === 'bigint') return Number(wire)
  const isNumeric = typeof wire === 'string' && wire.trim() !== '' && !Number.isNaN(Number(wire))
  return isNumeric ? Number(wire) : misfit(path, wire, { kind: 'float' })
}

function decodeRecord(place: DecodePlace, className: string, members: readonly [string, WireValue][]): unknown {
  const model = apiClasses[className]
  if (model === undefined) return plain(members)
  const known = members.filter(([name]) => Object.hasOwn(model.fields, name))
  const decoded = known.map(([name, wire]): [string, unknown] => {
    const type = name === 'snapshot' && className === 'event' ? snapshotType(members) : fieldType(model, name)
    return [name, decodeAt(below(place, name), type, wire)]
  })
  return plain(place.mode === 'answer' ? [...missingDefaults(place, model, known), ...decoded] : decoded)
}

const fieldType = ({ fields }: ApiClass, name: string): ApiType => parseType(fields[name]?.type ?? 'string')

function missingDefaults(
  place: DecodePlace,
  model: ApiClass,
  present: readonly [string, WireValue][],
): [string, unknown][] {
  const names = new Set(present.map(([name]) => name))
  return Object.values(model.fields).flatMap(({ name, type, default: value }): [string, unknown][] =>
    value === undefined || names.has(name) ? [] : [[name, decodeAt(below(place, name), parseType(type), value)]],
  )
}

/** An event names the class of its snapshot in lower case. */
function snapshotType(members: readonly (readonly [string, unknown])[]): ApiType {
  const [, name] = members.find(([member]) => member === 'class') ?? []
  const found = Object.keys(apiClasses).find((candidate) => candidate.toLowerCase() === String(name).toLowerCase())
  return found === undefined ? { kind: 'any record' } : { kind: 'record', class: found }
}

function structMembers({ path }: DecodePlace, type: ApiType, wire: WireValue): [string, WireValue][] {
  return isStruct(wire) ? Object.entries(wire) : misfit(path, wire, type)
}

function membersOf(path: string, type: ApiType, value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return misfit(path, value, type)
  return Object.entries(value)
}

/** An ordinary object; a member named `__proto__` is one like any other. */
function plain(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries)
}

const below = <Place extends { readonly path: string }>(place: Place, step: string | number): Place => ({
  ...place,
  path: place.path === '' ? String(step) : `${place.path}.${step}`,
})

function misfit(path: string, value: unknown, type: ApiType): never {
  const shown = typeof value === 'string' ? `'${value.slice(0, 40)}'` : typeof value
  const place = path === '' ? '' : `${path}: `
  throw new XenApiError('XENAPI_PROTOCOL', `${place}${shown} is no ${describe(type)}`)
}

function describe(type: ApiType): string {
  if (type.kind === 'ref' || type.kind === 'record') return `${type.class} ${type.kind}`
  return type.kind === 'enum' ? `value of the enum ${type.name}` : type.kind
}
