import { XenApiError } from '../error.ts'

/**
 * `20250319T04:16:24Z`: the form xapi sends in both encodings. Whole seconds, UTC.
 * @throws XenApiError XENAPI_PROTOCOL for an invalid date or a year outside 0 to 9999
 */
export function encodeDatetime(date: Date): string {
  const year = date.getUTCFullYear()
  if (Number.isNaN(date.getTime()) || year < 0 || year > 9999) {
    throw new XenApiError('XENAPI_PROTOCOL', `${String(date)} is no date that XenAPI can hold`)
  }
  return `${date.toISOString().slice(0, 19).replaceAll('-', '')}Z`
}

/** Basic or extended ISO 8601, seconds and their fraction optional, zone optional. */
const DATETIME = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i

/**
 * Reads basic (`20250319T04:16:24Z`) and extended (`2025-03-19T04:16:24Z`) texts; without a zone they mean UTC.
 * @throws XenApiError XENAPI_PROTOCOL
 */
export function decodeDatetime(text: string): Date {
  const match = DATETIME.exec(text.trim())
  if (match === null) throw new XenApiError('XENAPI_PROTOCOL', `'${text.slice(0, 40)}' is no date`)
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '00', fraction = '0', zone = 'Z'] = match
  const milliseconds = fraction.padEnd(3, '0').slice(0, 3)
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}${isoZone(zone)}`)
  if (Number.isNaN(date.getTime())) throw new XenApiError('XENAPI_PROTOCOL', `'${text.slice(0, 40)}' is no date`)
  return date
}

function isoZone(zone: string): string {
  if (/^z$/i.test(zone)) return 'Z'
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone.slice(0, 1)}${digits.slice(0, 2)}:${digits.slice(2)}`
}
