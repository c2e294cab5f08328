import { XenApiError } from '../error.ts'

/** A type of the data model, read from its notation. */
export type ApiType =
  | { readonly kind: 'string' | 'int' | 'float' | 'bool' | 'datetime' | 'void' }
  /** A reference, `OpaqueRef:…`. */
  | { readonly kind: 'ref'; readonly class: string }
  | { readonly kind: 'record'; readonly class: string }
  | { readonly kind: 'enum'; readonly name: string }
  | { readonly kind: 'set'; readonly of: ApiType }
  | { readonly kind: 'map'; readonly key: ApiType; readonly value: ApiType }
  /** What event.from returns: `{events, valid_ref_counts, token}`. */
  | { readonly kind: 'event batch' }
  /** The record of a class that only the data tell: the snapshot inside an event. */
  | { readonly kind: 'any record' }

const SCALARS = { string: 0, int: 0, float: 0, bool: 0, datetime: 0, void: 0 }
type Scalar = keyof typeof SCALARS

const known = new Map<string, ApiType>()

/**
 * Reads the notation of the data model: `VDI ref set`, `(string -> enum vdi_operations) map`, `VM record`, `int`.
 * Answers are kept, so that asking again costs nothing.
 * @throws XenApiError XENAPI_PROTOCOL for text that is no type
 */
export function parseType(notation: string): ApiType {
  const seen = known.get(notation)
  if (seen !== undefined) return seen
  const type = readType(notation)
  known.set(notation, type)
  return type
}

function readType(notation: string): ApiType {
  if (notation === 'an event batch') return { kind: 'event batch' }
  if (notation === '<class> record') return { kind: 'any record' }
  if (Object.hasOwn(SCALARS, notation)) return { kind: notation as Scalar }
  if (notation.endsWith(' set')) return { kind: 'set', of: parseType(notation.slice(0, -' set'.length)) }
  if (notation.startsWith('(') && notation.endsWith(') map')) return readMap(notation)
  const [, enumName] = /^enum (\w+)$/.exec(notation) ?? []
  if (enumName !== undefined) return { kind: 'enum', name: enumName }
  const [, name, kind] = /^(\w+) (ref|record)$/.exec(notation) ?? []
  if (name !== undefined) return { kind: kind === 'ref' ? 'ref' : 'record', class: name }
  throw new XenApiError('XENAPI_PROTOCOL', `'${notation}' is no type of the data model`)
}

/** `(K -> V) map`. A key is never a map, so the first arrow separates. */
function readMap(notation: string): ApiType {
  const inner = notation.slice(1, -') map'.length)
  const arrow = inner.indexOf(' -> ')
  if (arrow < 0) throw new XenApiError('XENAPI_PROTOCOL', `'${notation}' is no map type`)
  return { kind: 'map', key: parseType(inner.slice(0, arrow)), value: parseType(inner.slice(arrow + ' -> '.length)) }
}
