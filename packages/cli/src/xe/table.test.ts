import { apiClasses, findMessage } from '@tidemark/xenapi/codec'
import { expect, test } from 'vitest'
import { xeClasses } from './classes/index.ts'
import { failureTexts } from './failure-texts.ts'
import { mark } from './field.ts'
import { xeCommands } from './table.ts'
import { typeOf } from './value.ts'

const every = xeClasses.flatMap((cls) => cls.fields.map((field) => ({ cls, field, api: cls.api })))

test('every parameter is a field of the data model, of the kind that its mark says', () => {
  for (const { api, field, cls } of every) {
    const name = `${cls.name} ${field.name}`
    if (field.compute !== undefined) continue
    const { kind } = typeOf(api, field)
    expect(kind, name).not.toBe('record')
    if (field.kind === 'map') expect(kind, name).toBe('map')
    if (field.kind === 'set') expect(['set', 'map'], name).toContain(kind)
  }
})

test('every parameter that can be changed has its calls in the data model', () => {
  const verbs = { value: ['set'], set: ['add', 'remove'], map: ['add_to', 'remove_from'] }
  const methods = every.flatMap(({ api, field }) => {
    const wanted = [...(field.isWritable ? verbs[field.kind] : []), ...(field.whole === undefined ? [] : ['set'])]
    return wanted.map((verb) => `${api}.${verb}_${field.from}`)
  })
  const beyond = new Set(methods.filter((method) => findMessage(method) === undefined))
  expect([...beyond]).toEqual(['VM.set_is_default_template']) // newer than our model: sent as it is
})

test('names of parameters are unique in their class', () => {
  for (const { name, fields } of xeClasses) {
    const names = fields.map((field) => field.name)
    expect(new Set(names).size, name).toBe(names.length)
  }
})

test('the marks are those of xe', () => {
  const marks = (name: string) =>
    xeClasses.find((cls) => cls.name === name)?.fields.map((field) => `${field.name}${mark(field)}`) ?? []
  expect(marks('vdi')).toEqual(
    expect.arrayContaining([
      'uuid ( RO)',
      'name-label ( RW)',
      'allowed-operations (SRO)',
      'tags (SRW)',
      'sm-config (MRO)',
      'other-config (MRW)',
      'parent ( RO) [DEPRECATED]',
      'cbt-enabled ( RO)',
    ]),
  )
})

test('the commands of the changed block tracking guide and those around them are there', () => {
  const wanted = [
    ...'enable-cbt disable-cbt data-destroy list-changed-blocks snapshot clone copy resize create destroy'.split(' '),
    ...'export import list param-list param-get param-set param-add param-remove param-clear nbd-info'.split(' '),
  ].map((verb) => `vdi-${verb}`)
  const others =
    'network-list network-param-add network-param-remove vm-list vm-param-get vm-param-set vm-snapshot vm-checkpoint vm-start ' +
    'vm-shutdown vm-reboot vm-clone vm-copy vm-destroy vm-uninstall vm-export vm-import vbd-list vbd-create vbd-plug vbd-unplug ' +
    'vbd-destroy vif-list snapshot-list snapshot-destroy snapshot-revert snapshot-uninstall sr-list sr-param-set sr-scan pbd-list ' +
    'task-list task-cancel pool-list pool-param-set host-list host-param-list message-list vtpm-list'
  for (const name of [...wanted, ...others.split(' ')]) expect(xeCommands.has(name), name).toBe(true)
})

test('classes of references that are shown are known, or say that they are not in the database', () => {
  const classes = every.flatMap(({ api, field }) => {
    const type = field.compute === undefined ? typeOf(api, field) : undefined
    return type?.kind === 'ref' ? [type.class] : []
  })
  const unknown = [...new Set(classes)].filter((api) => apiClasses[api] === undefined)
  expect(unknown.sort()).toEqual(['Bond', 'DR_task', 'VLAN', 'VMSS', 'VM_appliance'])
})

test('each failure text has the names of its parameters', () => {
  expect(Object.keys(failureTexts).length).toBeGreaterThan(60)
  expect(failureTexts['UUID_INVALID']).toEqual({
    text: 'The uuid you supplied was invalid.',
    params: ['type', 'uuid'],
  })
})
