/**
 * A value as it travels, free of any data model: what an XML-RPC `<value>` or a JSON text holds.
 * - string: untagged text in XML. XenAPI sends every `int` this way, and references, enums and void as `""`.
 * - number: `<double>` in XML, a number in JSON.
 * - bigint: a tagged integer, `<i4>` in XML, a number in JSON. xapi tags one thing only: event.from's valid_ref_counts.
 * - Date: `<dateTime.iso8601>` in XML, text in JSON; whole seconds, UTC.
 * - Uint8Array: `<base64>`. null: `<nil/>`.
 */
export type WireValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | readonly WireValue[]
  | WireStruct

/** A struct of XML-RPC, an object of JSON. */
export interface WireStruct {
  readonly [member: string]: WireValue
}

/** One call: the method and its parameters, the session first where the method takes one. */
export interface Call {
  readonly method: string
  readonly params: readonly WireValue[]
}

/** What a pool answers: a value, or the failure array `[code, parameter…]`. */
export type Answer =
  | { readonly ok: true; readonly value: WireValue }
  | { readonly ok: false; readonly failure: readonly string[] }

/** True for a struct, as opposed to the other objects a wire value can be. */
export const isStruct = (value: WireValue | undefined): value is WireStruct =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Date) &&
  !(value instanceof Uint8Array)

/** A struct made of entries: without a prototype, so that a member may have any name. */
export function structOf(entries: Iterable<readonly [string, WireValue]>): WireStruct {
  const struct: Record<string, WireValue> = Object.create(null) as Record<string, WireValue>
  for (const [name, value] of entries) struct[name] = value
  return struct
}

/** The texts of a failure array. Some servers put numbers in it. */
export const failureTexts = (items: readonly WireValue[]): readonly string[] =>
  items.map((item) =>
    typeof item === 'string' ? item : typeof item === 'object' ? JSON.stringify(item) : String(item),
  )
