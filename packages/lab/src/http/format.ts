import { parameter } from './parameters.ts'
import { HttpRefusal, type Transfer } from './transfer.ts'

const CONTENT_TYPES = {
  raw: 'application/octet-stream',
  vhd: 'application/vhd',
  tar: 'application/x-tar',
  qcow2: 'application/x-qemu-disk',
} as const

/** How a disk travels. */
export type DiskFormat = keyof typeof CONTENT_TYPES

const isFormat = (name: string): name is DiskFormat => Object.hasOwn(CONTENT_TYPES, name)

/** The format that a request asks for, raw by default; capitals do not matter. @throws HttpRefusal 404 */
export function formatOf(transfer: Transfer): DiskFormat {
  const given = parameter(transfer, 'format') ?? 'raw'
  const format = given.toLowerCase()
  if (!isFormat(format)) throw new HttpRefusal(404, ['INTERNAL_ERROR', `Unknown format ${given}`])
  return format
}

export const contentTypeOf = (format: DiskFormat): string => CONTENT_TYPES[format]
