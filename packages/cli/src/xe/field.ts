/** What may be done to a field, as the mark behind its name says: `( RO)`, `( RW)`, `(SRO)`, `(SRW)`, `(MRO)`, `(MRW)`. */
type FieldKind = 'value' | 'set' | 'map'

/** One parameter of xe: a row of a class's table. Its type is that of the data model's field. */
export interface XeField extends FieldOptions {
  readonly name: string
  readonly kind: FieldKind
  readonly isWritable: boolean
  /** Field of the record, or `reference/field` for one of another record that it points to. */
  readonly from: string
}

interface FieldOptions {
  /** Field of the data model, where it is not `name` with underscores: `SR`, `metrics/memory_actual`. */
  readonly from?: string
  /** What is shown of a reference: the name of the object instead of its uuid. */
  readonly show?: 'name'
  /** Between the members of a set, where it is not `; `. */
  readonly join?: ', '
  /** Words that xe has for values of an enum, where they differ. */
  readonly words?: Readonly<Record<string, string>>
  /** Shown where the other record of `reference/field` does not exist, if not `<not in database>`. */
  readonly absent?: string
  /** A size: may be set with KiB, MiB, GiB, TiB. */
  readonly isSize?: true
  /** Needs calls of its own: only `*-param-list` and `*-param-get` show it. */
  readonly isExpensive?: true
  /** Shown by `*-param-get` only. */
  readonly isHidden?: true
  readonly isDeprecated?: true
  /** Letters' case does not count when records are selected by it. */
  readonly isCaseless?: true
  /** A set that may also be set as a whole, or a map that can only be cleared as one. */
  readonly whole?: 'set' | 'clear'
  /** A field that no record holds. */
  readonly compute?: Computed
}

/** Fields that xe puts together itself, by name; `compute.ts` has the calls. */
export type Computed =
  | 'sr host'
  | 'vdi name or empty'
  | 'allowed vbd devices'
  | 'allowed vif devices'
  | 'possible hosts'
  | 'quoted boot record'
  | 'supported sr types'
  | 'license state'
  | 'free memory'
  | 'attachable'
  | 'kbs in'
  | 'kbs out'
  | 'memory target'
  | 'vcpus utilisation'
  | 'cooperative'
  | 'https only'

type Row = (name: string, options?: FieldOptions) => XeField

const row =
  (kind: FieldKind, isWritable: boolean): Row =>
  (name, options = {}) => ({ ...options, name, kind, isWritable, from: options.from ?? name.replaceAll('-', '_') })

/** A value: `( RO)`. Sets and maps that xe only prints are values, too. */
export const ro = row('value', false)
/** A value that `*-param-set` sets: `( RW)`. */
export const rw = row('value', true)
/** A set that can be asked for members: `(SRO)`. */
export const setRo = row('set', false)
/** A set with `*-param-add` and `*-param-remove`: `(SRW)`. */
export const setRw = row('set', true)
/** A map that can be asked for keys: `(MRO)`. */
export const mapRo = row('map', false)
/** A map with `name:key=value`, `*-param-add` and `*-param-remove`: `(MRW)`. */
export const mapRw = row('map', true)

/** `( RO)` and the like, with what is deprecated marked. */
export function mark({ kind, isWritable, isDeprecated }: XeField): string {
  const letter = { value: ' ', set: 'S', map: 'M' }[kind]
  return ` (${letter}${isWritable ? 'RW' : 'RO'})${isDeprecated === true ? ' [DEPRECATED]' : ''}`
}

/** A class as xe shows it: the commands `<name>-list`, `<name>-param-list` … follow from it. */
export interface XeClass {
  /** What its commands begin with: `vdi`. */
  readonly name: string
  /** Its class in the data model: `VDI`. */
  readonly api: string
  /** What `<name>-list` always selects by. */
  readonly only: Readonly<Record<string, string>>
  /** What `<name>-list` shows when nothing else is asked for. Empty: all. */
  readonly list: readonly string[]
  readonly fields: readonly XeField[]
  /** Whether `help` counts its list among the common commands. */
  readonly isCommon?: true
}
