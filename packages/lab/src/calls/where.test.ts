import { apiClasses } from '@tidemark/xenapi/codec'
import { expect, test } from 'vitest'
import { predicate } from './where.ts'

const VM = apiClasses['VM']
if (VM === undefined) throw new Error('the model has no VMs')

const record = {
  name_label: 'web 1',
  power_state: 'Running',
  is_a_template: false,
  VCPUs_max: 4,
  VBDs: ['OpaqueRef:a', 'OpaqueRef:b'],
  other_config: { owner: 'me' },
  snapshot_time: new Date(0),
}
const holds = (text: string): boolean => predicate(VM, text)(record)

test('fields are compared as texts, whatever they hold', () => {
  expect(holds('field "name_label" = "web 1"')).toBe(true)
  expect(holds('field "name__label" = "web 1"')).toBe(true)
  expect(holds('"Running" = field "power_state"')).toBe(true)
  expect(holds('field "is_a_template"="false"')).toBe(true)
  expect(holds('field "VCPUs_max" = "4"')).toBe(true)
  expect(holds('field "VBDs" = "(\'OpaqueRef:a\' \'OpaqueRef:b\')"')).toBe(true)
  expect(holds('field "other_config" = "((\'owner\' \'me\'))"')).toBe(true)
  expect(holds('field "snapshot_time" = "19700101T00:00:00Z"')).toBe(true)
  expect(holds('field "name_label" = field "power_state"')).toBe(false)
})

test('and, or and not nest; not takes all that follows it, and the others bind alike', () => {
  expect(['true', 'false', 'not false', '(true)', ' ( not ( false ) ) '].map(holds)).toEqual([
    true,
    false,
    true,
    true,
    true,
  ])
  expect(holds('true or false and false')).toBe(false)
  expect(holds('true or (false and false)')).toBe(true)
  expect(holds('not false and false')).toBe(true)
  expect(holds('false and not false or true')).toBe(false)
})

test('what is no expression, or names no field, is an error', () => {
  for (const text of [
    '',
    '"a"',
    'field = "a"',
    'true true',
    '(true',
    'true and',
    'yes',
    'field "power_state" = Running',
  ]) {
    expect(() => holds(text), text).toThrow(/not an expression/)
  }
  expect(() => holds('field "colour" = "blue"')).toThrow(/missing column colour/)
})
