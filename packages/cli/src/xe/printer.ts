import type { Terminal } from './terminal.ts'

/** One printed record: names, marked, and values. */
export type PrintedRecord = readonly (readonly [name: string, value: string])[]

/** Where a command's results go, in xe's layout or, with `--minimal`, as one line of comma-separated values. */
export interface Printer {
  table(records: readonly PrintedRecord[]): void
  list(lines: readonly string[]): void
  /** A line for people, left out with `--minimal`. */
  message(text: string): void
  /** A line that stays the same with `--minimal`. */
  line(text: string): void
  /** What `--minimal` has gathered. */
  end(): void
}

export const openPrinter = (terminal: Terminal, isMinimal: boolean): Printer =>
  isMinimal ? minimalPrinter(terminal) : fullPrinter(terminal)

const fullPrinter = ({ print }: Terminal): Printer => ({
  table(records) {
    for (const record of records) print(`${recordText(record)}\n`) // two empty lines after each record
  },
  list(lines) {
    for (const line of lines) print(line)
  },
  message: print,
  line: print,
  end() {},
})

/** The first value of each record. Later results come first, and there is always one line. */
function minimalPrinter({ print }: Terminal): Printer {
  const gathered: string[] = []
  return {
    table(records) {
      const values = records.map(([first]) => first?.[1])
      if (values.length > 0 && values.every((value) => value !== undefined))
        gathered.unshift(values.map(escaped).join(','))
    },
    list: (lines) => void gathered.unshift(lines.map(escaped).join(',')),
    message() {},
    line: print,
    end: () => print(gathered.join(',')),
  }
}

const escaped = (text: string): string => text.replace(/[,\\]/g, (character) => `\\${character}`)

/** Indent of the names below the first. */
const INDENT = 4

/** `uuid ( RO)    : …`, the names below it right-aligned; ends with a line break. */
function recordText(record: PrintedRecord): string {
  const width = INDENT + Math.max(0, ...record.map(([name]) => Buffer.byteLength(name)))
  const lines = record.map(([name, value], row) => {
    const space = ' '.repeat(width - Buffer.byteLength(name))
    return `${row === 0 ? name + space : space + name}: ${value}`
  })
  return `${lines.join('\n')}\n`
}
