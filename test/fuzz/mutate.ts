import type { Random } from '../support/random.ts'

/** Texts that have broken parsers before. */
const ODD = [
  '',
  '\0',
  '\u{FEFF}',
  '\uFFFE',
  '\uD800',
  '\uDC00x',
  '%',
  '%00',
  '%zz',
  '%u0041',
  '%ff%fe',
  '%0d%0aX-Injected: 1',
  '\r\nX-Injected: 1\r\n\r\n',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '../../../../etc/passwd',
  'OpaqueRef:NULL',
  'OpaqueRef:00000000-0000-0000-0000-000000000000',
  '-1',
  '0',
  '1e400',
  'NaN',
  'Infinity',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '18446744073709551616',
  '1'.repeat(400),
  '0x7fffffff',
  '&#0;',
  '&#x110000;',
  '&lol;',
  '&amp',
  ']]>',
  '<![CDATA[',
  '<!--',
  '<?xml?>',
  '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd"><!ENTITY c "&c;&c;">]>',
  '"',
  '\\u0000',
  '\\ud800',
  '['.repeat(30_000),
  '{"a":'.repeat(20_000),
  '<value><array><data>'.repeat(3_000),
  '<value><struct><member><name>a</name>'.repeat(3_000),
  'a'.repeat(70_000),
  "'; DROP TABLE vdi; --",
  '${7*7}',
  '20250230T25:61:61Z',
  '\u{1F4BE}'.repeat(10),
] as const

export const oddText = (random: Random): string => random.pick(ODD)

const ODD_BYTES = [0x00, 0x01, 0x0a, 0x0d, 0x20, 0x25, 0x26, 0x3c, 0x3e, 0x7f, 0x80, 0xc0, 0xf5, 0xfe, 0xff] as const

/** Bytes that are almost those: cut, flipped, doubled, overwritten, or with something put in between. */
export function mutateBytes(random: Random, bytes: Uint8Array, times = 1 + random.int(3)): Uint8Array {
  let made: Uint8Array = bytes
  for (let n = 0; n < times; n++) made = mutateOnce(random, made)
  return made
}

function mutateOnce(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.int(bytes.length + 1)
  const to = Math.min(bytes.length, at + 1 + random.int(16))
  switch (random.int(8)) {
    case 0:
      return bytes.slice(0, at)
    case 1:
      return changed(bytes, (copy) => (copy[at] = (copy[at] ?? 0) ^ (1 << random.int(8))))
    case 2:
      return changed(bytes, (copy) => (copy[at] = random.pick(ODD_BYTES)))
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)])
    case 4:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)])
    case 5:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.int(20)), bytes.subarray(at)])
    case 6:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(oddText(random)), bytes.subarray(at)])
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(oddText(random)), bytes.subarray(to)])
  }
}

function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(bytes)
  if (copy.length > 0) change(copy)
  return copy
}

/** How often a text fits into the longest body that a server of XenAPI takes. */
const fitting = (token: string): number => Math.max(1, Math.floor((300 * 1024) / (token.length + 1)))

/** The tokens in another order, some of them doubled, dropped or replaced. */
export function mutateTokens(random: Random, tokens: readonly string[]): string {
  const made = [...tokens]
  for (let n = 1 + random.int(4); n > 0; n--) {
    const at = random.int(made.length)
    const [token = ''] = made.slice(at, at + 1)
    switch (random.int(6)) {
      case 0:
        made.splice(at, 1)
        break
      case 1:
        made.splice(random.int(made.length), 0, token)
        break
      case 2:
        made[at] = oddText(random)
        break
      case 3:
        made.splice(at, 0, oddText(random))
        break
      case 4:
        made[at] = token.repeat(Math.min(1 + random.int(random.chance(10) ? 100_000 : 300), fitting(token)))
        break
      default:
        made[at] = token.slice(0, random.int(token.length + 1))
    }
  }
  return made.join('')
}
