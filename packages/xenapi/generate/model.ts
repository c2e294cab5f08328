import { readFile } from 'node:fs/promises'
import type { ApiClass, ApiField, ApiMessage } from '../src/codec/class.ts'
import { parseType, type ApiType } from '../src/codec/type.ts'
import type { WireValue } from '../src/codec/wire.ts'
import { classDescriptions } from './descriptions.ts'

/** The data model that both generated files are written from. */
export interface Model {
  readonly classes: Readonly<Record<string, ApiClass>>
  readonly enums: Readonly<Record<string, readonly string[]>>
}

interface SourceClass {
  readonly description: string
  readonly fields: readonly (Omit<ApiField, 'default'> & { readonly default?: string })[]
  readonly enums: readonly { readonly name: string; readonly values: readonly string[] }[]
  readonly messages: readonly SourceMessage[]
}

interface SourceMessage extends Omit<ApiMessage, 'session' | 'implicit'> {
  readonly session?: boolean
  readonly implicit?: boolean
}

interface Source {
  readonly _about: { readonly hidden: Readonly<Record<string, Omit<SourceMessage, 'name'>>> }
  readonly classes: Readonly<Record<string, SourceClass>>
}

/** Newer than the published data: in the source of xapi, and harmless to know. */
const NEWER_ENUM_VALUES: Readonly<Record<string, readonly string[]>> = {
  vdi_operations: ['revert_to', 'revert_from'],
  storage_operations: ['vdi_revert'],
}
const NEWER_MESSAGES: Readonly<Record<string, readonly SourceMessage[]>> = {
  VDI: [
    {
      name: 'revert',
      params: [['snapshot', 'VDI ref']],
      result: 'void',
      async: true,
      description: 'gives the disk of a snapshot its content back; in newer servers only',
    },
  ],
}
/** On the wire an event's time stamp is the text "0.0", whatever the model says. */
const FIELD_TYPES: Readonly<Record<string, string>> = { 'event.timestamp': 'string' }

export async function readModel(file: URL): Promise<Model> {
  const { _about, classes } = JSON.parse(await readFile(file, 'utf8')) as Source
  const built = Object.entries(classes).map(
    ([name, source]) => [name, buildClass(name, source, _about.hidden)] as const,
  )
  return { classes: Object.fromEntries([...built, ['system', systemClass(_about.hidden)]]), enums: mergeEnums(classes) }
}

type Hidden = Source['_about']['hidden']

function buildClass(name: string, { description, fields, messages }: SourceClass, hidden: Hidden): ApiClass {
  const where = messages.some((message) => message.name === 'get_all_records') ? recordsWhere(name, hidden) : []
  const own = Object.entries(hidden)
    .filter(([key]) => key.startsWith(`${name}.`))
    .map(([key, message]) => ({ ...message, name: key.slice(name.length + 1) }))
  const all = [...messages, ...own, ...(NEWER_MESSAGES[name] ?? [])]
  const added = where.filter((message) => !all.some((other) => other.name === message.name))
  return {
    name,
    description: description === '' ? (classDescriptions[name] ?? '') : description,
    fields: byName(fields.map((field) => buildField(name, field))),
    messages: byName([...all, ...added].map(buildMessage)),
  }
}

function recordsWhere(name: string, hidden: Hidden): SourceMessage[] {
  const message = hidden['<class>.get_all_records_where']
  if (message === undefined) return []
  const result = message.result.replaceAll('X', name)
  return [
    {
      ...message,
      name: 'get_all_records_where',
      result,
      description: 'not published; the records an expression selects',
    },
  ]
}

function systemClass(hidden: Hidden): ApiClass {
  const message = hidden['system.listMethods']
  if (message === undefined) throw new Error('system.listMethods is missing in the class file')
  const described = { ...message, name: 'listMethods', description: 'the names of all methods the server knows' }
  return {
    name: 'system',
    description: classDescriptions['system'] ?? '',
    fields: {},
    messages: { listMethods: buildMessage(described) },
  }
}

const byName = <Item extends { readonly name: string }>(items: readonly Item[]): Record<string, Item> =>
  Object.fromEntries(items.map((item) => [item.name, item]))

function buildField(className: string, { default: text, ...field }: SourceClass['fields'][number]): ApiField {
  const type = FIELD_TYPES[`${className}.${field.name}`] ?? field.type
  const typed = { ...field, type }
  return text === undefined ? typed : { ...typed, default: readDefault(parseType(type), text) }
}

const buildMessage = ({ session = true, implicit = false, ...message }: SourceMessage): ApiMessage => ({
  ...message,
  session,
  implicit,
})

/** The model writes defaults in its own notation: `{}`, `{0}`, `{"a" -> "b"}`, `""`, `Null`, `1.`, an enum value. */
function readDefault(type: ApiType, text: string): WireValue {
  if (type.kind === 'ref') return text === 'Null' ? 'OpaqueRef:NULL' : text
  if (type.kind === 'bool') return text === 'true'
  if (type.kind === 'int' || type.kind === 'float') return Number(text)
  if (type.kind === 'set') return items(text).map((item) => readDefault(type.of, item))
  if (type.kind !== 'map') return unquote(text)
  return Object.fromEntries(
    items(text).map((item) => {
      const [key = '', value = ''] = item.split(' -> ')
      return [unquote(key), readDefault(type.value, value)]
    }),
  )
}

const items = (text: string): string[] =>
  text
    .slice(1, -1)
    .split(', ')
    .filter((item) => item !== '')
const unquote = (text: string): string => (text.startsWith('"') ? text.slice(1, -1) : text)

/** Some enums stand under two classes; they must agree. */
function mergeEnums(classes: Source['classes']): Record<string, readonly string[]> {
  const enums = new Map<string, readonly string[]>()
  for (const { name, values } of Object.values(classes).flatMap((source) => source.enums)) {
    const all = [...new Set([...values, ...(NEWER_ENUM_VALUES[name] ?? [])])]
    const seen = enums.get(name)
    if (seen !== undefined && seen.join() !== all.join()) throw new Error(`enum ${name} is defined twice, differently`)
    enums.set(name, all)
  }
  return Object.fromEntries([...enums].sort(([a], [b]) => (a < b ? -1 : 1)))
}
