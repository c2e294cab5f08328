import { refused } from './complaint.ts'
import type { XePool, XeRecord } from './directory.ts'
import type { XeClass, XeField } from './field.ts'
import type { Param } from './params.ts'
import { entriesOf, membersOf, textOf } from './value.ts'

/** What `name` of `name=value` means for a class: a field, a key of a map, or a question to a set. */
export type Address =
  | { readonly kind: 'value'; readonly field: XeField }
  | { readonly kind: 'map' | 'set'; readonly field: XeField; readonly key: string }

/** @throws CliError CLI_XE for a name that is no field */
export function addressOf({ fields }: XeClass, name: string): Address {
  const exact = fields.find((field) => field.name === name)
  if (exact !== undefined) return { kind: 'value', field: exact }
  const colon = name.indexOf(':')
  const field =
    colon < 0
      ? (longestBefore(fields, name, 'map') ?? longestBefore(fields, name, 'set'))
      : fields.find((each) => each.name === name.slice(0, colon))
  if (field === undefined) throw refused(`Unknown field '${name}'`)
  if (field.kind === 'value') throw refused(`Field '${field.name}' is not a set or map`)
  return { kind: field.kind, field, key: name.slice(field.name.length + 1) }
}

/** `other-config-key`: as scripts wrote it before there was the colon. */
function longestBefore(fields: readonly XeField[], name: string, kind: XeField['kind']): XeField | undefined {
  const before = fields.filter((field) => field.kind === kind && name.startsWith(`${field.name}-`))
  return before.sort((a, b) => b.name.length - a.name.length)[0]
}

/** The records for which all of this holds. @throws CliError CLI_XE for a name that is no field */
export async function select(
  pool: XePool,
  cls: XeClass,
  records: readonly XeRecord[],
  wanted: readonly Param[],
): Promise<readonly XeRecord[]> {
  let left = records
  for (const [name, value] of wanted) {
    if (left.length === 0) return left
    const address = addressOf(cls, name)
    const fits = await Promise.all(left.map((record) => matches(pool, cls, record, address, value)))
    left = left.filter((_, index) => fits[index] === true)
  }
  return left
}

async function matches(
  pool: XePool,
  { api }: XeClass,
  record: XeRecord,
  address: Address,
  value: string,
): Promise<boolean> {
  const { field } = address
  const same = (text: string | undefined) => (text === undefined ? false : fold(field, text) === fold(field, value))
  switch (address.kind) {
    case 'value':
      return same(await textOf(pool, api, record, field))
    case 'set':
      if (address.key !== 'contains')
        throw refused('Invalid syntax for set filtering (should be set-param:contains=key)')
      return (await membersOf(pool, api, record, field)).some(same)
    case 'map':
      return (await entriesOf(pool, api, record, field)).get(address.key) === value
    default:
      return address satisfies never
  }
}

const fold = ({ isCaseless }: XeField, text: string): string => (isCaseless === true ? text.toLowerCase() : text)
