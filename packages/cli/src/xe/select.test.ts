import { expect, test } from 'vitest'
import { vdi } from './classes/vdi.ts'
import { vm } from './classes/vm.ts'
import { addressOf } from './select.ts'

const address = (name: string) => {
  const found = addressOf(vdi, name)
  return found.kind === 'value' ? found.field.name : `${found.kind} ${found.field.name} ${found.key}`
}

test('a name is a field, a key of a map, or a question to a set', () => {
  expect(address('name-label')).toBe('name-label')
  expect(address('other-config')).toBe('other-config')
  expect(address('other-config:folder')).toBe('map other-config folder')
  expect(address('other-config:a:b')).toBe('map other-config a:b')
  expect(address('tags:contains')).toBe('set tags contains')
})

test('the dash of older scripts still leads into maps and sets, the longest name first', () => {
  expect(address('sm-config-host')).toBe('map sm-config host')
  expect(address('tags-contains')).toBe('set tags contains')
  expect(addressOf(vm, 'other-config-x')).toMatchObject({ kind: 'map', key: 'x' }) // not the map 'other'
})

test('what leads nowhere is told', () => {
  expect(() => address('colour')).toThrow("Error: Unknown field 'colour'")
  expect(() => address('colour:red')).toThrow("Error: Unknown field 'colour:red'")
  expect(() => address('name-label:x')).toThrow("Error: Field 'name-label' is not a set or map")
})
