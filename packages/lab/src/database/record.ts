import { apiClasses, apiEnums, defaultOf, NULL_REF, parseType, type ApiType } from '@tidemark/xenapi/codec'
import type { AnyRecord, ClassName, Fields, Tables } from './tables.ts'

/** A whole record: what is given, the model's defaults, and for fields without default the empty value of their type. */
export function newRecord<Class extends ClassName>(className: Class, given: Fields<Class>): Tables[Class] {
  return { ...emptyRecord(className), ...definedFields(given) } as unknown as Tables[Class]
}

/** The fields that have a value. */
export const definedFields = (fields: object): AnyRecord =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const known = new Map<ClassName, AnyRecord>()

function emptyRecord(className: ClassName): AnyRecord {
  const seen = known.get(className)
  if (seen !== undefined) return seen
  const fields = Object.values(apiClasses[className]?.fields ?? {})
  const record = Object.fromEntries(
    fields.map((field) => [field.name, defaultOf(field) ?? emptyValue(parseType(field.type))]),
  )
  known.set(className, record)
  return record
}

function emptyValue(type: ApiType): unknown {
  switch (type.kind) {
    case 'int':
    case 'float':
      return 0
    case 'bool':
      return false
    case 'datetime':
      return new Date(0)
    case 'ref':
      return NULL_REF
    case 'enum':
      return apiEnums[type.name]?.[0] ?? ''
    case 'set':
      return []
    case 'map':
    case 'record':
    case 'any record':
    case 'event batch':
      return {}
    case 'string':
    case 'void':
      return ''
    default:
      return type satisfies never
  }
}

/** The datetime fields of a class: JSON has no dates, so a stored record needs them named. */
export const dateFields = (className: ClassName): readonly string[] =>
  Object.values(apiClasses[className]?.fields ?? {})
    .filter(({ type }) => type === 'datetime')
    .map(({ name }) => name)
