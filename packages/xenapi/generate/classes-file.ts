import type { Model } from './model.ts'

/** The text of `src/generated/classes.ts`: the model as a table. */
export function classesFile({ classes, enums }: Model): string {
  return `${HEADER}
import type { ApiClass } from '../codec/class.ts'

/** The values of every enum. */
export const apiEnums: Readonly<Record<string, readonly string[]>> = {
${Object.entries(enums)
  .map(([name, values]) => `${name}: ${JSON.stringify(values)},`)
  .join('\n')}
}

/** Every class with its fields and messages; names are XenAPI's own. */
export const apiClasses: Readonly<Record<string, ApiClass>> = {
${Object.values(classes)
  .map(
    ({ name, description, fields, messages }) => `${name}: {
  name: ${JSON.stringify(name)},
  description: ${JSON.stringify(description)},
  fields: {
    ${entries(fields)}
  },
  messages: {
    ${entries(messages)}
  },
},`,
  )
  .join('\n')}
}
`
}

const entries = (items: Readonly<Record<string, unknown>>): string =>
  Object.entries(items)
    .map(([name, item]) => `${name}: ${JSON.stringify(item)},`)
    .join('\n    ')

export const HEADER = `// Written by generate/generate.ts from generate/xenapi-classes.json. Change those, then run the generator.
`
