import type { ApiClass, ApiMessage } from '../src/codec/class.ts'

/** A doc comment of one or more lines. */
export function doc(lines: readonly string[]): string {
  const safe = lines.map((line) => line.replaceAll('*/', '* /'))
  return safe.length === 1 ? `/** ${safe[0]} */\n` : `/**\n${safe.map((line) => ` * ${line}`).join('\n')}\n */\n`
}

/** What the editor shows for a call. */
export function messageDoc(cls: ApiClass, message: ApiMessage): string {
  const { params, result, errors, async, defaults, state } = message
  const call = `\`${cls.name}.${message.name}(${params.map(([name, type]) => `${name}: ${type}`).join(', ')})\` → \`${result}\``
  const about = sentence(cls, message)
  return doc([
    ...(about === undefined ? [] : [`${capital(about)}.`]),
    `${call}${async ? ', also as a task' : ''}.`,
    ...(defaults === undefined ? [] : [`Left out: ${leftOut(defaults)}.`]),
    ...(errors === undefined ? [] : [`@throws XenApiError XENAPI_FAILURE: ${errors.join(', ')}`]),
    ...(state === 'deprecated' ? ['@deprecated by the server'] : state === undefined ? [] : [`State: ${state}.`]),
  ])
}

export const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`

const leftOut = (defaults: NonNullable<ApiMessage['defaults']>): string =>
  Object.entries(defaults)
    .map(([name, value]) => `${name} is \`${JSON.stringify(value)}\``)
    .join(', ')

/** The model's own words, or what the name of a generated message means. */
function sentence(cls: ApiClass, { name, description }: ApiMessage): string | undefined {
  if (description !== undefined) return description
  const fixed = FIXED[name]
  if (fixed !== undefined) return fixed.replaceAll('$', cls.name)
  for (const [prefix, text] of Object.entries(PREFIXED)) {
    const field = name.startsWith(prefix) ? cls.fields[name.slice(prefix.length)] : undefined
    if (field === undefined) continue
    return `${text.replaceAll('$', field.name)}${field.description === undefined ? '' : `: ${field.description}`}`
  }
  return undefined
}

const FIXED: Readonly<Record<string, string>> = {
  get_all: 'Every $ of the pool',
  get_all_records: 'Every $ of the pool with its record, by reference',
  get_by_uuid: 'The $ with this uuid; none is the failure UUID_INVALID',
  get_by_name_label: 'All $ with this name; an empty set when there is none',
  get_record: 'All fields of one $',
  create: 'Makes a new $',
  destroy: 'Removes the $',
}

const PREFIXED: Readonly<Record<string, string>> = {
  get_: 'Reads the field `$`',
  set_: 'Replaces the field `$`',
  add_to_: 'Adds a key to the map `$`; a key that exists is the failure MAP_DUPLICATE_KEY',
  remove_from_: 'Takes a key out of `$`; a missing one is no failure',
  add_: 'Adds a value to the set `$`',
  remove_: 'Takes a value out of the set `$`',
}
