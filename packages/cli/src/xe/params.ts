import { misread, refused } from './complaint.ts'

/** `name=value` of the command line, in order. */
export type Param = readonly [name: string, value: string]

/** What a command was given. Of a name that comes twice, the first counts. */
export interface Params {
  readonly all: readonly Param[]
  has(name: string): boolean
  find(name: string): string | undefined
  /** @throws CliError CLI_XE when it is missing */
  need(name: string): string
  /** @throws CliError CLI_XE for a text that is no boolean */
  flag(name: string, byDefault?: boolean): boolean
  /** The entries of a map: `sm-config:type=raw`, or `sm-config-type=raw` as older scripts have it. */
  map(name: string): readonly Param[]
}

export function openParams(all: readonly Param[]): Params {
  const find = (name: string) => all.find(([each]) => each === name)?.[1]
  return {
    all,
    find,
    has: (name) => find(name) !== undefined,
    need(name) {
      const value = find(name)
      if (value === undefined) throw misread('Required parameter not found', name)
      return value
    },
    flag(name, byDefault = false) {
      const value = find(name)
      return value === undefined ? byDefault : readFlag(name, value)
    },
    map: (name) =>
      all.flatMap(([key, value]) =>
        key.startsWith(name) && key.length > name.length + 1 ? [[key.slice(name.length + 1), value] as const] : [],
      ),
  }
}

const TRUE = ['true', 't', 'yes', 'y', '1']
const FALSE = ['false', 'f', 'no', 'n', '0']

function readFlag(name: string, value: string): boolean {
  const text = value.toLowerCase()
  if (TRUE.includes(text)) return true
  if (FALSE.includes(text)) return false
  const words = TRUE.concat(FALSE).map((word) => `'${word}'`)
  throw refused(`Failed to parse parameter '${name}': Expected ${words.join(',')} got ${value}`)
}

const UNITS = ['k', 'm', 'g', 't']

/** Bytes: a whole number, maybe with B, KiB, MiB, GiB or TiB; K and KB mean the same as KiB. @throws CliError CLI_XE */
export function readSize(name: string, text: string): number {
  const [, digits = '', suffix = ''] = /^\s*(\d+)\s*([a-z]*)\s*$/i.exec(text) ?? []
  const [, letter = ''] = /^(?:([kmgt])(?:i?b)?|b|bytes)?$/i.exec(suffix) ?? []
  const isKnown = /^(?:[kmgt](?:i?b)?|b|bytes)?$/i.test(suffix)
  const size = Number(digits) * 1024 ** (UNITS.indexOf(letter.toLowerCase()) + 1)
  if (digits !== '' && isKnown && Number.isSafeInteger(size)) return size
  throw refused(
    `Failed to parse field '${name}': expecting an integer (possibly with suffix KiB, MiB, GiB, TiB), got '${text}'`,
  )
}

/** Names that are never taken for a field. */
const STANDARD = new Set([
  'server',
  'password',
  'port',
  'username',
  'minimal',
  'force',
  'multiple',
  'all',
  'message-priority',
  'trace',
])

/** What is left to select or to set by, without the names that mean something to the command. */
export const withoutStandard = ({ all }: Params, ...own: readonly string[]): readonly Param[] =>
  all.filter(([name]) => !STANDARD.has(name) && !own.includes(name))
