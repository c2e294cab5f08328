import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { CliError } from '../error.ts'
import { readCommandLine } from './command-line.ts'
import { openParams, readSize } from './params.ts'

test('parameters keep their order and everything behind the first equals sign', () => {
  const { command, params } = readCommandLine(['vdi-list', 'name-label=a=b', 'sr-uuid=1', '--multiple', 'name-label='])
  expect(command).toBe('vdi-list')
  expect(params).toEqual([
    ['name-label', 'a=b'],
    ['sr-uuid', '1'],
    ['multiple', 'true'],
    ['name-label', ''],
  ])
})

test('the pool is named before or behind the command', () => {
  const before = readCommandLine(['-s', 'host', '-p', '4443', '-u', 'me', '-pwf', 'file', 'vm-list', '--minimal'])
  const behind = readCommandLine(['vm-list', 'port=4443', 'server=host', '--minimal', '-pwf', 'file', 'username=me'])
  expect(before.reach).toEqual({ server: 'host', port: '4443', username: 'me', passwordFile: 'file' })
  expect(behind.reach).toEqual(before.reach)
  expect(behind.params).toEqual(before.params)
})

test('a password among the arguments is refused, however it is written', () => {
  expect(() => readCommandLine(['-pw', 'secret', 'vm-list'])).toThrow('-pwf <file>')
  expect(() => readCommandLine(['vm-list', 'password=secret'])).toThrow('-pwf <file>')
  expect(() => readCommandLine(['vm-list', 'password=secret'])).not.toThrow('secret"')
})

test('no command is a call for help, and so is --help behind one', () => {
  expect(readCommandLine([]).command).toBe('help')
  expect(readCommandLine(['vdi-export', '--help'])).toMatchObject({ command: 'help', params: [['vdi-export', '']] })
})

test('what is no command line is told as xe tells it', () => {
  expect(() => readCommandLine(['uuid=1'])).toThrow('Syntax error: command name is missing')
  expect(() => readCommandLine(['vm-list', '-x', '1'])).toThrow('Syntax error: Unknown switch: -x')
  expect(() => readCommandLine(['vm-list', '-s'])).toThrow('Switch -s requires a parameter')
})

test('of a name that comes twice the first counts, and maps are read by colon and by dash', () => {
  const params = openParams([
    ['uuid', '1'],
    ['uuid', '2'],
    ['sm-config:type', 'raw'],
    ['sm-config-hint', 'x'],
  ])
  expect(params.need('uuid')).toBe('1')
  expect(params.map('sm-config')).toEqual([
    ['type', 'raw'],
    ['hint', 'x'],
  ])
  expect(() => params.need('filename')).toThrow('Required parameter not found: filename')
})

test('booleans are what xe takes for one', () => {
  const flag = (value: string) => openParams([['force', value]]).flag('force')
  expect(['true', 'T', 'yes', 'y', '1'].map(flag)).toEqual([true, true, true, true, true])
  expect(['false', 'F', 'no', 'n', '0'].map(flag)).toEqual([false, false, false, false, false])
  expect(() => flag('')).toThrow("Error: Failed to parse parameter 'force': Expected 'true'")
})

test('sizes take binary suffixes, with or without the i', () => {
  const size = (text: string) => readSize('virtual-size', text)
  expect(['0', '512b', '512 bytes', '1k', '2KiB', '3 mb', '4GiB', '1T'].map(size)).toEqual([
    0,
    512,
    512,
    1024,
    2048,
    3 * 1024 ** 2,
    4 * 1024 ** 3,
    1024 ** 4,
  ])
  for (const text of ['', '-1', '1.5GiB', '1 QiB', 'GiB', '9007199254740993']) {
    expect(() => size(text), text).toThrow("Failed to parse field 'virtual-size'")
  }
})

test('whatever words come, they are read or refused in a sentence, and no password among them is kept', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('-s', '-p', '-u', '-pw', '-pwf', '--minimal', '--pool', 'uuid=1', 'password=p', '--help', '='),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (words) => {
      try {
        const line = readCommandLine(words)
        expect(line.command).not.toContain('=')
        expect(line.params.map(([name]) => name)).not.toContain('password')
      } catch (error) {
        expect(error).toBeInstanceOf(CliError)
      }
    }),
    { numRuns: 2000 },
  )
})
