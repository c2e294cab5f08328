import { noSuchField } from './complaint.ts'
import type { XeClass, XeField } from './field.ts'

/** Shown for a reference to nothing. */
export const NOT_IN_DATABASE = '<not in database>'

/** @throws CliError CLI_XE when the class has no such field */
export function fieldOf({ fields }: XeClass, name: string): XeField {
  const found = fields.find((field) => field.name === name)
  if (found === undefined) throw noSuchField(name)
  return found
}
