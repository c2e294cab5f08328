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

/** The layout that xapi writes: 2 has the checksums of disks behind their chunks, and no list of them at the end. */
export const EXPORT_VERSION = '2'

/** ova.xml: an XML-RPC value without any wrapper. */
export const encodeOva = ({ version, objects }: Ova): string =>
  `<?xml version='1.0'?>${encodeXmlValue({
    version,
    objects: objects.map(({ class: name, id, snapshot }) => ({ class: name, id, snapshot })),
  })}`

/** The release of xapi that wrote a description. */
export interface XapiVersion {
  readonly major: number
  readonly minor: number
}

/** @throws XenApiError IMPORT_ERROR, IMPORT_INCOMPATIBLE_VERSION when a newer xapi wrote it */
export function decodeOva(text: string, own: XapiVersion): Ova {
  const value = decoded(text)
  const { version, objects } = isStruct(value) ? value : {}
  if (!isStruct(version) || !Array.isArray(objects)) throw damaged('no version or no objects')
  const texts = Object.fromEntries(Object.entries(version).map(([name, item]) => [name, textOf(name, item)]))
  const [major, minor] = [Number(texts['xapi_major'] ?? 0), Number(texts['xapi_minor'] ?? 0)]
  if (major > own.major || (major === own.major && minor > own.minor)) throw apiFailure('IMPORT_INCOMPATIBLE_VERSION')
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

/** xapi writes its numbers as integers, and reads texts as well. */
function textOf(name: string, value: WireValue): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  throw damaged(`the version's ${name} is no text`)
}

function objectOf(value: WireValue): OvaObject {
  const { class: name, id, snapshot } = isStruct(value) ? value : {}
  if (typeof name !== 'string' || typeof id !== 'string' || !isStruct(snapshot)) throw damaged('an object without form')
  return { class: name, id, snapshot }
}

const damaged = (problem: string): XenApiError => apiFailure('IMPORT_ERROR', `ova.xml: ${problem}`)
