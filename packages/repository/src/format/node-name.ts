/**
 * Names of nodes are written as Go's strconv.Quote gives them, without the outer quotes. restic-format.md §7.
 * Bytes that are no UTF-8 are kept in strings as U+DC80 … U+DCFF, one each, and come back as they were.
 */
export function quoteName(name: string): string {
  let quoted = ''
  for (const character of name) quoted += quoteCharacter(character)
  return quoted
}

/** Unicode letters, marks, numbers, punctuation, symbols and the ASCII space: what Go calls printable. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

const LETTERS: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
}

function quoteCharacter(character: string): string {
  const letter = LETTERS[character]
  if (letter !== undefined) return letter
  if (PRINTABLE.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')

const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([abfnrtv"'\\]))/y

/** @throws Error for an escape that Go does not know */
export function unquoteName(quoted: string): string {
  let name = ''
  for (let at = 0; at < quoted.length;) {
    if (quoted[at] !== '\\') {
      name += quoted[at++]
      continue
    }
    ESCAPE.lastIndex = at
    const found = ESCAPE.exec(quoted)
    if (found === null) throw new Error(`a name has a broken escape: ${quoted}`)
    name += unescaped(found)
    at += found[0].length
  }
  return joinBytes(name)
}

function unescaped([, byte, short, long, octal, letter]: RegExpExecArray): string {
  if (byte !== undefined) return byteCharacter(Number.parseInt(byte, 16))
  if (octal !== undefined) return byteCharacter(Number.parseInt(octal, 8))
  const code = short ?? long
  if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16))
  return Object.keys(LETTERS).find((key) => LETTERS[key] === `\\${letter}`) ?? letter ?? ''
}

/** `\x..` above 0x7f is one byte of a sequence that is no UTF-8. */
const byteCharacter = (byte: number): string => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)

/** Bytes that were escaped one by one and together are UTF-8 after all: other writers may do that. */
function joinBytes(name: string): string {
  return name.replace(/[\udc80-\udcff]+/g, (run, at: number) => {
    const before = name.charCodeAt(at - 1)
    if (before >= 0xd800 && before <= 0xdbff) return run // second half of a character
    const bytes = Buffer.from(Array.from(run, (character) => character.charCodeAt(0) - 0xdc00))
    const text = bytes.toString()
    return Buffer.from(text).equals(bytes) ? text : run
  })
}

/** The bytes of a name: what nodes are sorted by. */
export function nameBytes(name: string): Uint8Array {
  const parts: Uint8Array[] = []
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Uint8Array.of(code - 0xdc00) : Buffer.from(character))
  }
  return Buffer.concat(parts)
}
