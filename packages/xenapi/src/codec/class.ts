import type { WireValue } from './wire.ts'

/** A class of the data model, as data. */
export interface ApiClass {
  readonly name: string
  readonly description: string
  readonly fields: Readonly<Record<string, ApiField>>
  readonly messages: Readonly<Record<string, ApiMessage>>
}

export interface ApiField {
  readonly name: string
  /** In the notation that `parseType` reads. */
  readonly type: string
  /** RO/constructor: may be given to create. RW: has set_, and add_to_/remove_from_ for maps and sets. */
  readonly qualifier: 'RO/runtime' | 'RO/constructor' | 'RW'
  /** As JSON-RPC would carry it; `defaultOf` gives the typed value. */
  readonly default?: WireValue
  readonly description?: string
  readonly state?: string
}

export interface ApiMessage {
  readonly name: string
  /** Name and type of each parameter, the session left out. */
  readonly params: readonly (readonly [name: string, type: string])[]
  readonly result: string
  /** Whether the session reference goes before the parameters. */
  readonly session: boolean
  /** Whether `Async.Class.message` exists. */
  readonly async: boolean
  /** Generated from a field or from the class: getters, setters, get_record, create, destroy and the like. */
  readonly implicit: boolean
  /** Trailing parameters that a caller may leave out, and what they are then, as JSON-RPC would carry it. */
  readonly defaults?: Readonly<Record<string, WireValue>>
  /** The members of create's struct. */
  readonly ctor?: readonly { readonly name: string; readonly required: boolean }[]
  /** Failure codes named in the model; others are possible. */
  readonly errors?: readonly string[]
  readonly description?: string
  readonly state?: string
}
