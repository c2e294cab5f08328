import type { ApiType } from '../src/codec/type.ts'

/** `VM_guest_metrics` → `VmGuestMetrics`, `VDI` → `Vdi`, `on_boot` → `OnBoot`. */
export const pascal = (name: string): string => name.split('_').map(pascalWord).join('')

function pascalWord(word: string): string {
  const rest = word === word.toUpperCase() ? word.slice(1).toLowerCase() : word.slice(1)
  return `${word.slice(0, 1).toUpperCase()}${rest}`
}

/** The TypeScript type of a model type. `declared` are the classes that have a record type. */
export function typeScript(type: ApiType, declared: ReadonlySet<string>): string {
  switch (type.kind) {
    case 'string':
      return 'string'
    case 'int':
    case 'float':
      return 'number'
    case 'bool':
      return 'boolean'
    case 'datetime':
      return 'Date'
    case 'void':
      return 'void'
    case 'ref':
      return `${pascal(type.class)}Ref`
    case 'record':
      return declared.has(type.class) ? `${pascal(type.class)}Record` : 'Readonly<Record<string, unknown>>'
    case 'enum':
      return pascal(type.name)
    case 'set':
      return `readonly ${type.of.kind === 'set' ? `(${typeScript(type.of, declared)})` : typeScript(type.of, declared)}[]`
    case 'map':
      return type.key.kind === 'enum'
        ? `Readonly<Partial<Record<${pascal(type.key.name)}, ${typeScript(type.value, declared)}>>>`
        : `Readonly<Record<string, ${typeScript(type.value, declared)}>>`
    case 'event batch':
      return 'EventBatch'
    case 'any record':
      return 'Readonly<Record<string, unknown>>'
    default:
      return type satisfies never
  }
}
