import {
  decodeXmlValue,
  encodeXmlValue,
  isStruct,
  XenApiError,
  type WireStruct,
  type WireValue,
} from '@tidemark/xenapi/codec'
import { EngineError } from '../error.ts'

/** An object of an `export_metadata` archive; references in its record are `Ref:<n>`, naming others of the archive. */
export interface ArchivedObject {
  readonly class: string
  readonly id: string
  readonly record: WireStruct
}

/** What `export_metadata` gives: a tar whose first file, `ova.xml`, is one XML-RPC value. */
export interface Archive {
  readonly version: WireValue
  readonly objects: readonly ArchivedObject[]
}

const NAME = 'ova.xml'
const BLOCK = 512

/** @throws EngineError ENGINE_POINT_DAMAGED when it is no such archive */
export function decodeArchive(archive: Uint8Array): Archive {
  const { version, objects } = rootOf(archive)
  if (version === undefined || !Array.isArray(objects)) throw damaged('it names no objects')
  return { version, objects: (objects as readonly WireValue[]).map(objectOf) }
}

export function encodeArchive({ version, objects }: Archive): Uint8Array {
  const value = {
    version,
    objects: objects.map(({ class: name, id, record }) => ({ class: name, id, snapshot: record })),
  }
  const text = Buffer.from(`<?xml version='1.0'?>${encodeXmlValue(value)}`)
  const padding = Buffer.alloc((BLOCK - (text.length % BLOCK)) % BLOCK)
  return Buffer.concat([tarHeader(text.length), text, padding, Buffer.alloc(2 * BLOCK)])
}

/** A member that is a text; empty when it is none. */
export function textOf(record: WireStruct, member: string): string {
  const value = record[member]
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : ''
}

/** A member that is a map of texts. */
export function mapOf(record: WireStruct, member: string): Readonly<Record<string, string>> {
  const value = record[member]
  if (!isStruct(value)) return {}
  return Object.fromEntries(Object.keys(value).map((key) => [key, textOf(value, key)]))
}

/** A member that is a list of texts. */
export function listOf(record: WireStruct, member: string): readonly string[] {
  const value = record[member]
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

function rootOf(archive: Uint8Array): WireStruct {
  const header = Buffer.from(archive.buffer, archive.byteOffset, Math.min(BLOCK, archive.length))
  const size = Number.parseInt(header.toString('latin1', 124, 136), 8)
  const isOva = header.toString('latin1', 0, NAME.length + 1) === `${NAME}\0`
  if (!isOva || !(size <= archive.length - BLOCK)) throw damaged(`it does not begin with ${NAME}`)
  const text = Buffer.from(archive.buffer, archive.byteOffset + BLOCK, size).toString('utf8')
  try {
    const value = decodeXmlValue(text)
    return isStruct(value) ? value : {}
  } catch (cause) {
    if (cause instanceof XenApiError) throw damaged(cause.message, cause)
    throw cause
  }
}

function objectOf(value: WireValue): ArchivedObject {
  const { class: name, id, snapshot } = isStruct(value) ? value : {}
  if (typeof name !== 'string' || typeof id !== 'string' || !isStruct(snapshot)) throw damaged('an object has no form')
  return { class: name, id, record: snapshot }
}

const damaged = (problem: string, cause?: unknown): EngineError =>
  new EngineError(
    'ENGINE_POINT_DAMAGED',
    `the VM settings of the restore point cannot be read: ${problem}; its disks can be restored with --new-disk or --to-dir`,
    { cause },
  )

/** POSIX ustar: texts, octal numbers, and the sum of all bytes with the sum's own place blank. */
function tarHeader(size: number): Uint8Array {
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  const fields = [
    [0, NAME],
    [100, octal(0o644, 7)],
    [108, octal(0, 7)],
    [116, octal(0, 7)],
    [124, octal(size, 11)],
    [136, octal(0, 11)],
    [148, ' '.repeat(8)],
    [156, '0'],
    [257, 'ustar\x0000'],
  ] as const
  for (const [at, text] of fields) header.write(text, at, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}
