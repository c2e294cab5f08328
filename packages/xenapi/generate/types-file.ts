import type { ApiClass, ApiField, ApiMessage } from '../src/codec/class.ts'
import { parseType, type ApiType } from '../src/codec/type.ts'
import { HEADER } from './classes-file.ts'
import { capital, doc, messageDoc } from './docs.ts'
import type { Model } from './model.ts'
import { pascal, typeScript } from './names.ts'

/** The text of `src/generated/types.ts`: references, enums, records and calls as TypeScript. */
export function typesFile(model: Model): string {
  const classes = Object.values(model.classes)
  const declared = new Set(classes.filter(hasRecord).map(({ name }) => name))
  const sections = [
    HEADER,
    "import type { CallOptions } from '../call-options.ts'\nimport type { ConstructorOf, EventOf, Ref } from '../types.ts'",
    ...referenced(classes).map(
      (name) => `${doc([refDoc(name, model)])}export type ${pascal(name)}Ref = Ref<'${name}'>`,
    ),
    ...Object.entries(model.enums).map(([name, values]) => enumType(name, values)),
    ...classes.filter(hasRecord).map((cls) => (cls.name === 'event' ? eventTypes(classes) : recordType(cls, declared))),
    ...classes.flatMap(constructorTypes),
    ...classes.filter(hasMessages).map((cls) => callsType(cls, declared)),
    ...classes.filter(hasAsync).map((cls) => asyncType(cls, declared)),
    rootTypes(classes),
  ]
  return `${sections.join('\n\n')}\n`
}

const hasRecord = ({ fields }: ApiClass): boolean => Object.keys(fields).length > 0
const hasMessages = ({ messages }: ApiClass): boolean => Object.keys(messages).length > 0
const hasAsync = ({ messages }: ApiClass): boolean => Object.values(messages).some(({ async }) => async)

const refDoc = (name: string, { classes }: Model): string => {
  const description = classes[name]?.description ?? ''
  return `Reference to a ${name}${description === '' ? '' : `: ${description}`}.`
}

/** Every class that something refers to, also those whose records the model leaves out. */
function referenced(classes: readonly ApiClass[]): string[] {
  const names = new Set<string>()
  const visit = (type: ApiType): void => {
    if (type.kind === 'ref') names.add(type.class)
    if (type.kind === 'set') visit(type.of)
    if (type.kind === 'map') for (const part of [type.key, type.value]) visit(part)
  }
  for (const { fields, messages } of classes) {
    for (const { type } of Object.values(fields)) visit(parseType(type))
    for (const { params, result } of Object.values(messages)) {
      for (const notation of [result, ...params.map(([, type]) => type)]) visit(parseType(notation))
    }
  }
  return [...names].sort()
}

const enumType = (name: string, values: readonly string[]): string =>
  `${doc([`Values of the enum \`${name}\`.`])}export type ${pascal(name)} = ${values.map((value) => `'${value}'`).join(' | ')}`

const recordType = ({ name, description, fields }: ApiClass, declared: ReadonlySet<string>): string =>
  `${doc([`Record of a ${name}: ${description}.`])}export interface ${pascal(name)}Record {
${Object.values(fields)
  .map((field) => `${fieldDoc(field)}readonly ${field.name}: ${typeScript(parseType(field.type), declared)}`)
  .join('\n')}
}`

function fieldDoc({ type, qualifier, default: value, description, state }: ApiField): string {
  const initial = value === undefined ? '' : `, default \`${JSON.stringify(value)}\``
  const about = description === undefined ? [] : [`${capital(description)}.`]
  return doc([...about, `\`${type}\`, ${qualifier}${initial}.`, ...(state === undefined ? [] : [stateLine(state)])])
}

const stateLine = (state: string): string => (state === 'deprecated' ? '@deprecated by the server' : `State: ${state}.`)

function eventTypes(classes: readonly ApiClass[]): string {
  const records = classes.filter(({ name, fields }) => name !== 'event' && 'uuid' in fields)
  return `/** One change notice: which object, and its whole record unless it is gone. */
export type EventRecord =
${records.map(({ name }) => `  | EventOf<'${name.toLowerCase()}', ${pascal(name)}Ref, ${pascal(name)}Record>`).join('\n')}

/** What event.from returns. */
export interface EventBatch {
  readonly events: readonly EventRecord[]
  /** Number of objects per class, in lower case, for all classes. */
  readonly valid_ref_counts: Readonly<Record<string, number>>
  /** Where the next call starts. */
  readonly token: string
}`
}

function constructorTypes({ name, messages }: ApiClass): string[] {
  const ctor = messages['create']?.ctor
  if (ctor === undefined) return []
  const union = (required: boolean) =>
    ctor
      .filter((member) => member.required === required)
      .map((member) => `'${member.name}'`)
      .join(' | ') || 'never'
  return [
    `${doc([`What ${name}.create takes. The first names are required; the others have defaults.`])}export type ${pascal(name)}Constructor = ConstructorOf<${pascal(name)}Record, ${union(true)}, ${union(false)}>`,
  ]
}

const callsType = (cls: ApiClass, declared: ReadonlySet<string>): string =>
  `${doc([`Calls on ${cls.name}: ${cls.description}.`])}export interface ${pascal(cls.name)}Calls {
${Object.values(cls.messages)
  .map((message) => signatures(cls, message, declared))
  .join('\n')}
}`

const asyncType = (cls: ApiClass, declared: ReadonlySet<string>): string =>
  `${doc([
    `Calls on ${cls.name} as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure.`,
  ])}export interface Async${pascal(cls.name)}Calls {
${Object.values(cls.messages)
  .filter(({ async }) => async)
  .map((message) => signatures(cls, message, declared))
  .join('\n')}
}`

/** One signature for each number of parameters a caller may give, so that the options always come last. */
function signatures(cls: ApiClass, message: ApiMessage, declared: ReadonlySet<string>): string {
  const optional = Object.keys(message.defaults ?? {}).length
  const counts = Array.from({ length: optional + 1 }, (_, index) => message.params.length - optional + index)
  return counts.map((count) => `${messageDoc(cls, message)}${signature(cls, message, count, declared)}`).join('\n')
}

function signature(
  cls: ApiClass,
  { name, params, result, ctor }: ApiMessage,
  count: number,
  declared: ReadonlySet<string>,
): string {
  const given = params.slice(0, count).map(([param, notation]) => {
    const type = ctor === undefined ? typeScript(parseType(notation), declared) : `${pascal(cls.name)}Constructor`
    return `${RESERVED.has(param) ? `${param}_` : param}: ${type}`
  })
  return `${name}(${[...given, 'callOptions?: CallOptions'].join(', ')}): Promise<${typeScript(parseType(result), declared)}>`
}

/** Parameter names of XenAPI that TypeScript keeps for itself. */
const RESERVED: ReadonlySet<string> = new Set(['class', 'interface', 'public'])

const rootTypes = (classes: readonly ApiClass[]): string => `/** All calls, by class and message. */
export interface ApiCalls {
${classes
  .filter(hasMessages)
  .map(({ name, description }) => `${doc([`${capital(description)}.`])}readonly ${name}: ${pascal(name)}Calls`)
  .join('\n')}
}

/** The calls that can run as tasks, by class and message. */
export interface AsyncCalls {
${classes
  .filter(hasAsync)
  .map(({ name }) => `readonly ${name}: Async${pascal(name)}Calls`)
  .join('\n')}
}`
