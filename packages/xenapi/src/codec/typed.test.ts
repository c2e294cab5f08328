import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apiClasses, apiEnums } from '../generated/classes.ts'
import { arity, defaultOf, findField, findMessage } from './model.ts'
import { parseType, type ApiType } from './type.ts'
import { decodeTyped, encodeTyped } from './typed.ts'
import { structOf, type WireValue } from './wire.ts'
import { decodeXmlValue, encodeXmlValue } from './xmlrpc.ts'

const decode = (notation: string, wire: WireValue, mode?: 'answer' | 'argument') =>
  decodeTyped(parseType(notation), wire, mode)

test('ints, floats and dates by encoding', () => {
  expect(encodeTyped(parseType('int'), 1_073_741_824, 'xml')).toBe('1073741824')
  expect(encodeTyped(parseType('int'), 1_073_741_824, 'json')).toBe(1_073_741_824)
  expect(encodeTyped(parseType('float'), 30, 'xml')).toBe(30)
  const date = new Date('2025-03-19T04:16:24Z')
  expect(encodeTyped(parseType('datetime'), date, 'xml')).toBe(date)
  expect(encodeTyped(parseType('datetime'), date, 'json')).toBe('20250319T04:16:24Z')
  expect(encodeTyped(parseType('void'), undefined, 'xml')).toBe('')
})

test('an int is a number, a tagged integer or decimal text; a float any of them', () => {
  for (const wire of [42, 42n, '42', ' 42 ']) expect(decode('int', wire)).toBe(42)
  for (const wire of [1.5, '1.5', '15e-1']) expect(decode('float', wire)).toBe(1.5)
  for (const wire of [1.5, 'x', '', '1.0', true, null]) expect(() => decode('int', wire)).toThrow('is no int')
})

test('a limit of 2^63 - 1 is a number for a client, and refused by a server', () => {
  expect(decode('int', '9223372036854775807')).toBe(2 ** 63)
  expect(() => decode('int', '9223372036854775807', 'argument')).toThrow('is no int')
})

test('enum values: a server matches without regard to case, a client keeps what it does not know', () => {
  expect(decode('enum vdi_type', 'USER', 'argument')).toBe('user')
  expect(() => decode('enum vdi_type', 'floppy', 'argument')).toThrow("'floppy' is no value of the enum vdi_type")
  expect(decode('enum vdi_type', 'newer_type')).toBe('newer_type')
  expect(decode('(enum vm_operations -> string) map', structOf([['CLONE', 'x']]), 'argument')).toEqual({ clone: 'x' })
})

test('what is no reference of the pool is the null reference, for a client', () => {
  for (const wire of ['', 'Ref:12', 'OpaqueRef:NULL']) expect(decode('VM ref', wire)).toBe('OpaqueRef:NULL')
  expect(decode('VM ref', 'Ref:12', 'argument')).toBe('Ref:12')
})

test('a record of an older server takes the defaults of the model; one of a newer loses what is unknown', () => {
  const wire = structOf([
    ['uuid', 'u'],
    ['brand_new', 'x'],
  ])
  const record = decode('VDI record', wire) as Record<string, unknown>
  expect(record).toMatchObject({ uuid: 'u', on_boot: 'persist', tags: [], snapshot_time: new Date(0) })
  expect(record).not.toHaveProperty('brand_new')
  expect(record).not.toHaveProperty('virtual_size')
  expect(decode('VDI record', wire, 'argument')).toEqual({ uuid: 'u' })
})

test('an error names the member that does not fit', () => {
  expect(() => decodeTyped(parseType('VDI record'), structOf([['virtual_size', 'big']]), 'argument', 'args')).toThrow(
    "args.virtual_size: 'big' is no int",
  )
  expect(() => encodeTyped(parseType('VDI record'), { virtual_sise: 1 }, 'json')).toThrow(
    "VDI has no field 'virtual_sise'",
  )
})

test('a map may have a member of any name', () => {
  const wire = decodeXmlValue(encodeXmlValue(structOf([['__proto__', 'x']])))
  expect(Object.entries(decode('(string -> string) map', wire) as object)).toEqual([['__proto__', 'x']])
})

test('an event batch carries whole records, and tags its counts as nothing else', () => {
  const batch = {
    events: [
      { id: 5, timestamp: '0.0', class: 'vdi', operation: 'mod', ref: 'OpaqueRef:1', snapshot: { virtual_size: 7 } },
    ],
    valid_ref_counts: { task: 3 },
    token: '00000000000000000001,00000000000000000000',
  }
  const type = parseType('an event batch')
  const xml = encodeXmlValue(encodeTyped(type, batch, 'xml'))
  expect(xml).toContain('<name>task</name><value><i4>3</i4></value>')
  expect(xml).toContain('<name>virtual_size</name><value>7</value>')
  expect(xml).toContain('<name>id</name><value>5</value>')
  expect(decodeTyped(type, decodeXmlValue(xml), 'argument')).toEqual(batch)
})

test('methods are found by every name they have on the wire', () => {
  expect(findMessage('VDI.snapshot')).toMatchObject({ isAsync: false, message: { name: 'snapshot', async: true } })
  expect(findMessage('Async.VDI.snapshot')).toMatchObject({ isAsync: true, class: { name: 'VDI' } })
  expect(findMessage('task_set_status')).toMatchObject({ isAsync: false, class: { name: 'task' } })
  expect(findMessage('VM_guest_metrics.get_record')).toMatchObject({ class: { name: 'VM_guest_metrics' } })
  for (const name of ['Async.VDI_snapshot', 'VDI.no_such', 'constructor', 'VDI'])
    expect(findMessage(name)).toBeUndefined()
  expect(findMessage('system.listMethods')?.message.session).toBe(false)
  expect(findMessage('VDI.checksum')?.message.async).toBe(true)
})

test('how many parameters a message needs', () => {
  const of = (method: string) => {
    const found = findMessage(method)
    return found === undefined ? undefined : arity(found.message)
  }
  expect(of('VDI.snapshot')).toEqual({ required: 1, all: 2 })
  expect(of('VDI.copy')).toEqual({ required: 1, all: 4 })
  expect(of('VM.snapshot')).toEqual({ required: 2, all: 3 })
  expect(of('session.login_with_password')).toEqual({ required: 2, all: 4 })
  expect(of('VM.get_all')).toEqual({ required: 0, all: 0 })
})

test('defaults have the type of their field', () => {
  const of = (cls: string, field: string) => {
    const found = findField(cls, field)
    return found === undefined ? 'no such field' : defaultOf(found)
  }
  expect(of('VDI', 'snapshot_time')).toEqual(new Date(0))
  expect(of('VDI', 'xenstore_data')).toEqual({})
  expect(of('task', 'subtask_of')).toBe('OpaqueRef:NULL')
  expect(of('VM', 'domain_type')).toBe('unspecified')
  expect(of('host', 'license_server')).toEqual({ address: 'localhost', port: '27000' })
  expect(of('VDI', 'virtual_size')).toBeUndefined()
})

test('every type in the model can be read, and every enum it names exists', () => {
  const visit = (type: ApiType): void => {
    if (type.kind === 'enum') expect(apiEnums[type.name], type.name).toBeDefined()
    if (type.kind === 'set') visit(type.of)
    if (type.kind === 'map') for (const part of [type.key, type.value]) visit(part)
  }
  for (const { fields, messages } of Object.values(apiClasses)) {
    for (const { type } of Object.values(fields)) visit(parseType(type))
    for (const { params, result } of Object.values(messages)) {
      visit(parseType(result))
      for (const [, notation] of params) visit(parseType(notation))
    }
  }
})

test.each(['', 'strings', 'VDI', '(string -> int)', '(string int) map', 'enum'])('%j is no type', (notation) => {
  expect(() => parseType(notation)).toThrow(expect.objectContaining({ code: 'XENAPI_PROTOCOL' }))
})

const printable = fc.string({ unit: 'grapheme' }).filter((text) => !/[\uFFFE\uFFFF]/.test(text))

/** Values of a type, as a pool would hold them. */
function valuesOf(type: ApiType): fc.Arbitrary<unknown> {
  if (type.kind === 'bool') return fc.boolean()
  if (type.kind === 'int') return fc.maxSafeInteger()
  if (type.kind === 'float') return fc.integer().map((n) => n / 8)
  if (type.kind === 'datetime') return fc.nat(4_000_000_000).map((seconds) => new Date(seconds * 1000))
  if (type.kind === 'ref') return fc.uuid().map((uuid) => `OpaqueRef:${uuid}`)
  if (type.kind === 'enum') return fc.constantFrom(...(apiEnums[type.name] ?? ['']))
  if (type.kind === 'set') return fc.array(valuesOf(type.of), { maxLength: 3 })
  if (type.kind === 'map')
    return fc.dictionary(
      type.key.kind === 'enum' ? (valuesOf(type.key) as fc.Arbitrary<string>) : printable,
      valuesOf(type.value),
      { maxKeys: 3, noNullPrototype: true },
    )
  if (type.kind === 'record') {
    const fields = Object.values(apiClasses[type.class]?.fields ?? {})
    return fc.record(Object.fromEntries(fields.map((field) => [field.name, valuesOf(parseType(field.type))])), {
      noNullPrototype: true,
    })
  }
  return printable
}

test.each(['VM', 'VDI', 'task', 'host', 'SM', 'VBD', 'pool'])('a whole %s record survives both encodings', (cls) => {
  const type = parseType(`${cls} record`)
  fc.assert(
    fc.property(valuesOf(type), (record) => {
      expect(decodeTyped(type, decodeXmlValue(encodeXmlValue(encodeTyped(type, record, 'xml'))), 'argument')).toEqual(
        record,
      )
      const json = JSON.parse(JSON.stringify(encodeTyped(type, record, 'json'))) as WireValue
      expect(decodeTyped(type, json, 'argument')).toEqual(record)
    }),
    { numRuns: 20 },
  )
})
