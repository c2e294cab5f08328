declare const referenceTo: unique symbol

/** A reference to an object of one class, `OpaqueRef:…`. Valid in the pool that gave it, as long as the object exists. */
export type Ref<ClassName extends string> = string & { readonly [referenceTo]: ClassName }

/** The struct that a create message takes: `Required` members must be given, `Optional` ones have defaults. */
export type ConstructorOf<Fields, Required extends keyof Fields, Optional extends keyof Fields> = {
  readonly [Name in Required]: Fields[Name]
} & { readonly [Name in Optional]?: Fields[Name] | undefined }

/** A change of an object of one class. */
export interface EventOf<Class extends string, Reference, Fields> {
  readonly id: number
  /** The class, in lower case. */
  readonly class: Class
  readonly operation: 'add' | 'mod' | 'del'
  readonly ref: Reference
  /** The whole record; missing when the object is gone. */
  readonly snapshot?: Fields
  /** "0.0" in today's servers. */
  readonly timestamp: string
}
