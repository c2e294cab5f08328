import { isFailure } from '@tidemark/xenapi'
import { encodeDatetime, findField, NULL_REF, parseType, type ApiType } from '@tidemark/xenapi/codec'
import { computed } from './compute.ts'
import { refused } from './complaint.ts'
import type { XePool, XeRecord } from './directory.ts'
import type { XeField } from './field.ts'
import { readSize } from './params.ts'
import { NOT_IN_DATABASE } from './record.ts'

/** Where a field's value stands: its type, and the value unless the record that holds it is missing. */
interface Found {
  readonly type: ApiType
  readonly value: unknown
}

/** The text that xe shows for a field. */
export async function textOf(pool: XePool, api: string, record: XeRecord, field: XeField): Promise<string> {
  try {
    return await textOfLiving(pool, api, record, field)
  } catch (error) {
    if (isFailure(error, 'HANDLE_INVALID')) return '<invalid reference>' // it went while it was looked at
    throw error
  }
}

async function textOfLiving(pool: XePool, api: string, record: XeRecord, field: XeField): Promise<string> {
  if (field.compute !== undefined) return joined(field, await computed(pool, field.compute, record))
  const { type, value } = await lookUp(pool, api, record, field)
  if (value === undefined) return field.absent ?? NOT_IN_DATABASE
  return show(pool, field, type, value)
}

/** The members of a set; of `current-operations`, which is a map, its values. */
export async function membersOf(
  pool: XePool,
  api: string,
  record: XeRecord,
  field: XeField,
): Promise<readonly string[]> {
  if (field.compute !== undefined) return [await computed(pool, field.compute, record)].flat()
  const { type, value } = await lookUp(pool, api, record, field)
  return value === undefined ? [] : members(pool, field, type, value)
}

/** The entries of a map. */
export async function entriesOf(
  pool: XePool,
  api: string,
  record: XeRecord,
  field: XeField,
): Promise<ReadonlyMap<string, string>> {
  const { type, value } = await lookUp(pool, api, record, field)
  return new Map(value === undefined ? [] : await entries(pool, field, type, value))
}

/** The type of a field in the data model; of `reference/field`, that of the record behind the reference. */
export function typeOf(api: string, { from }: Pick<XeField, 'from'>): ApiType {
  const [first = '', second] = from.split('/')
  const notation = findField(api, first)?.type
  if (notation === undefined) throw new TypeError(`${api} has no field ${first}`)
  const type = parseType(notation)
  return second === undefined || type.kind !== 'ref' ? type : typeOf(type.class, { from: second })
}

async function lookUp(pool: XePool, api: string, { values }: XeRecord, field: XeField): Promise<Found> {
  const [first = '', second] = field.from.split('/')
  const type = typeOf(api, field)
  if (second === undefined) return { type, value: values[first] }
  const pointer = typeOf(api, { from: first })
  const other = pointer.kind === 'ref' ? await pool.find(pointer.class, values[first]) : undefined
  return { type, value: other?.values[second] }
}

async function show(pool: XePool, field: XeField, type: ApiType, value: unknown): Promise<string> {
  switch (type.kind) {
    case 'datetime':
      return value instanceof Date ? encodeDatetime(value) : String(value)
    case 'float':
      return Number(value).toFixed(3)
    case 'enum':
      return field.words?.[String(value)] ?? String(value)
    case 'ref':
      return shownObject(pool, field, type.class, value)
    case 'set':
      return joined(field, await members(pool, field, type, value))
    case 'map': {
      if (isOperations(type)) return joined(field, await members(pool, field, type, value))
      const pairs = await entries(pool, field, type, value)
      return joined(
        field,
        pairs.map(([key, text]) => `${key}: ${text}`),
      )
    }
    case 'string':
    case 'int':
    case 'bool':
      return String(value)
    case 'void':
    case 'record':
    case 'event batch':
    case 'any record':
      throw new TypeError(`${field.name}: no field is ${type.kind}`)
    default:
      return type satisfies never
  }
}

async function shownObject(pool: XePool, field: XeField, api: string, ref: unknown): Promise<string> {
  const values = (await pool.find(api, ref))?.values
  const text = field.show === 'name' ? values?.['name_label'] : values?.['uuid']
  return typeof text === 'string' ? text : NOT_IN_DATABASE
}

const joined = ({ join }: XeField, texts: string | readonly string[]): string =>
  typeof texts === 'string' ? texts : texts.join(join ?? '; ')

/** `current_operations`: tasks to operations, of which xe shows the operations. */
const isOperations = (type: ApiType): boolean => type.kind === 'map' && type.value.kind === 'enum'

async function members(pool: XePool, field: XeField, type: ApiType, value: unknown): Promise<readonly string[]> {
  const of = type.kind === 'set' ? type.of : type.kind === 'map' ? type.value : type
  const each = Array.isArray(value) ? (value as unknown[]) : Object.values(value as object)
  return Promise.all(each.map((member) => show(pool, field, of, member)))
}

async function entries(
  pool: XePool,
  field: XeField,
  type: ApiType,
  value: unknown,
): Promise<readonly (readonly [string, string])[]> {
  if (type.kind !== 'map') throw new TypeError(`${field.name} is no map`)
  const pairs = Object.entries(value as Readonly<Record<string, unknown>>)
  return Promise.all(pairs.map(async ([key, item]) => [key, await show(pool, field, type.value, item)] as const))
}

/** Reads what `*-param-set` and `*-param-add` were given. @throws CliError CLI_XE; XenApiError for uuids of nothing */
export async function readValue(pool: XePool, field: XeField, type: ApiType, text: string): Promise<unknown> {
  const expecting = (what: string) => refused(`Failed to parse parameter '${field.name}': expecting ${what}`)
  switch (type.kind) {
    case 'int':
      if (field.isSize === true) return readSize(field.name, text)
      if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw expecting('an integer')
      return Number(text)
    case 'float':
      if (text.trim() === '' || Number.isNaN(Number(text))) throw expecting('a floating-point number')
      return Number(text)
    case 'bool':
      if (text !== 'true' && text !== 'false') throw expecting('a boolean (true or false)')
      return text === 'true'
    case 'enum':
      return (
        Object.entries(field.words ?? {}).find(([, word]) => word.toLowerCase() === text.toLowerCase())?.[0] ?? text
      )
    case 'ref':
      return text === '' ? NULL_REF : (await pool.byUuid(type.class, text)).ref
    case 'set': {
      const { of } = type
      const parts = text === '' ? [] : text.split(',')
      return Promise.all(parts.map((part) => readValue(pool, field, of, part)))
    }
    case 'string':
    case 'map':
    case 'datetime':
    case 'void':
    case 'record':
    case 'event batch':
    case 'any record':
      return text
    default:
      return type satisfies never
  }
}
