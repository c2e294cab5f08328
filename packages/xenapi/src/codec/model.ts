import { apiClasses } from '../generated/classes.ts'
import type { ApiClass, ApiField, ApiMessage } from './class.ts'
import { parseType } from './type.ts'
import { decodeTyped } from './typed.ts'

/** A method as it stands on the wire, taken apart. */
export interface FoundMessage {
  readonly class: ApiClass
  readonly message: ApiMessage
  /** Called as `Async.Class.message`: answers a task at once. */
  readonly isAsync: boolean
}

/**
 * Finds what a wire method names: `VDI.snapshot`, `Async.VDI.snapshot` or the alias `VDI_snapshot`.
 * Says nothing about whether the message has an Async form: see `message.async`.
 */
export function findMessage(method: string): FoundMessage | undefined {
  const isAsync = method.startsWith('Async.')
  const plain = isAsync ? method.slice('Async.'.length) : method
  const found = byName().get(plain)
  if (found === undefined || (isAsync && !plain.includes('.'))) return undefined
  return { ...found, isAsync }
}

let index: ReadonlyMap<string, Omit<FoundMessage, 'isAsync'>> | undefined

function byName(): ReadonlyMap<string, Omit<FoundMessage, 'isAsync'>> {
  index ??= new Map(
    Object.values(apiClasses).flatMap((cls) =>
      Object.values(cls.messages).flatMap((message) => [
        [`${cls.name}.${message.name}`, { class: cls, message }] as const,
        [`${cls.name}_${message.name}`, { class: cls, message }] as const,
      ]),
    ),
  )
  return index
}

/** The field of a class, by name. */
export const findField = (className: string, field: string): ApiField | undefined =>
  apiClasses[className]?.fields[field]

/** The typed default of a field: what a record gets when its creator says nothing. undefined when there is none. */
export const defaultOf = (field: ApiField): unknown =>
  field.default === undefined ? undefined : decodeTyped(parseType(field.type), field.default)

/**
 * Parameters without the session: how many a caller must give, and how many there are. Only trailing ones have defaults.
 */
export function arity({ params, defaults }: ApiMessage): { readonly required: number; readonly all: number } {
  const optional = defaults === undefined ? 0 : Object.keys(defaults).length
  return { required: params.length - optional, all: params.length }
}
