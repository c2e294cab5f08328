import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { help } from './help.ts'
import { openParams } from './params.ts'
import { openPrinter, type Printer } from './printer.ts'
import { xeCommands } from './table.ts'

/** What a printer put on the standard output. */
function printedBy(isMinimal: boolean, use: (printer: Printer) => void): string {
  let text = ''
  const terminal = { print: (line: string) => void (text += `${line}\n`), warn: () => {} }
  const printer = openPrinter({ ...terminal, input: new PassThrough(), output: new PassThrough() }, isMinimal)
  use(printer)
  printer.end()
  return text
}

const records = [
  [
    ['uuid ( RO)', '1'],
    ['name-label ( RW)', 'a, b'],
  ],
  [
    ['uuid ( RO)', '2'],
    ['name-label ( RW)', ''],
  ],
] as const

test('a record has its first name on the left, the others right-aligned, and two empty lines behind it', () => {
  expect(printedBy(false, (printer) => printer.table(records))).toBe(
    'uuid ( RO)          : 1\n' +
      '    name-label ( RW): a, b\n' +
      '\n\n' +
      'uuid ( RO)          : 2\n' +
      '    name-label ( RW): \n' +
      '\n\n',
  )
})

test('--minimal prints the first value of each record on one line', () => {
  expect(printedBy(true, (printer) => printer.table(records))).toBe('1,2\n')
})

test('--minimal escapes commas and backslashes, so that the values can be told apart', () => {
  const values = ['a,b', 'c\\', '', ',', 'd']
  const line = printedBy(true, (printer) => printer.table(values.map((value) => [['name-label ( RW)', value]])))
  expect(line).toBe('a\\,b,c\\\\,,\\,,d\n')
  expect(parsed(line.slice(0, -1))).toEqual(values)
})

/** Reads such a line as a script would. */
const parsed = (line: string): readonly string[] =>
  [...line.matchAll(/((?:[^,\\]|\\.)*)(?:,|$)/g)]
    .slice(0, -1) // the empty match at the end
    .map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'))

test('--minimal prints an empty line for nothing', () => {
  expect(printedBy(true, (printer) => printer.table([]))).toBe('\n')
  expect(printedBy(true, () => {})).toBe('\n')
})

test('help names every command, and describes each', () => {
  const all = printedBy(true, (printer) =>
    help(
      openParams([
        ['all', 'true'],
        ['minimal', 'true'],
      ]),
      printer,
    ),
  )
  expect(all.trim().split(',').sort()).toEqual([...xeCommands.keys()].sort())
  for (const name of xeCommands.keys()) {
    const one = printedBy(false, (printer) => help(openParams([[name, '']]), printer))
    expect(one).toMatch(new RegExp(`^command name            : ${name}\n +reqd params     : .*\n +optional params : `))
  }
})
