import {
  decodeXmlValue,
  encodeXmlValue,
  isStruct,
  XenApiError,
  type WireStruct,
  type WireValue,
} from '@tidemark/xenapi/codec'
import { apiFailure } from '../calls/failure.ts'

/** An object inside ova.xml: references in its record are `Ref:<n>`, naming others of the file. */
export interface OvaObject {
  readonly class: string
  readonly id: string
  readonly snapshot: WireStruct
}

/** The description of VMs that travels with their disks, or without them. contract/xenapi.md §5.4 */
export interface Ova {
  readonly version: Readonly<Record<string, string>>
  readonly objects: readonly OvaObject[]
}

/** The newest layout that xapi writes. */
export const EXPORT_VERSION = '2'

/** ova.xml: an XML-RPC value without any wrapper. */
export const encodeOva = ({ version, objects }: Ova): string =>
  `<?xml version='1.0'?>${encodeXmlValue({
    version,
    objects: objects.map(({ class: name, id, snapshot }) => ({ class: name, id, snapshot })),
  })}`

/** @throws XenApiError IMPORT_ERROR, IMPORT_INCOMPATIBLE_VERSION */
export function decodeOva(text: string): Ova {
  const value = decoded(text)
  const { version, objects } = isStruct(value) ? value : {}
  if (!isStruct(version) || !Array.isArray(objects)) throw damaged('no version or no objects')
  const texts = Object.fromEntries(
    Object.entries(version).map(([name, item]) => [name, typeof item === 'string' ? item : String(Number(item))]),
  )
  if (Number(texts['export_vsn'] ?? '0') > Number(EXPORT_VERSION)) throw apiFailure('IMPORT_INCOMPATIBLE_VERSION')
  return { version: texts, objects: (objects as readonly WireValue[]).map(objectOf) }
}

function decoded(text: string): WireValue {
  try {
    return decodeXmlValue(text)
  } catch (error) {
    if (error instanceof XenApiError) throw damaged(error.message)
    throw error
  }
}

function objectOf(value: WireValue): OvaObject {
  const { class: name, id, snapshot } = isStruct(value) ? value : {}
  if (typeof name !== 'string' || typeof id !== 'string' || !isStruct(snapshot)) throw damaged('an object without form')
  return { class: name, id, snapshot }
}

const damaged = (problem: string): XenApiError => apiFailure('IMPORT_ERROR', `ova.xml: ${problem}`)
