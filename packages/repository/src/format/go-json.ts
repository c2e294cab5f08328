/**
 * JSON as Go's encoding/json writes it, byte for byte: restic re-encodes trees and refuses one that differs.
 * restic-format.md §7.
 */
export function goJson(value: unknown): string {
  if (typeof value === 'string') return goString(value)
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([key, member]) => `${goString(key)}:${goJson(member)}`).join(',')}}`
}

/** `<`, `>`, `&`, U+2028 and U+2029 escaped, every other character above ASCII as it is. */
function goString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(/\\[bf]|[<>&\u2028\u2029]/g, (found) => {
    const code = found === '\\b' ? 8 : found === '\\f' ? 12 : found.charCodeAt(0)
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/**
 * Parses JSON without losing digits: a whole number above 2^53 becomes a bigint (inodes and device numbers do that).
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '')
      : value,
  )
}

/** RFC 3339 as Go formats it in UTC: no fraction when it is zero, no trailing zeros. */
export const goTime = (date: Date): string => date.toISOString().replace(/\.?0+Z$|Z$/, 'Z')
