import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryWire } from '../../test/arbitrary.ts'
import { structOf } from './wire.ts'
import { xmlReader } from './xml.ts'
import {
  answerOf,
  decodeXmlAnswer,
  decodeXmlCall,
  decodeXmlValue,
  encodeDouble,
  encodeXmlAnswer,
  encodeXmlBareAnswer,
  encodeXmlCall,
  encodeXmlValue,
} from './xmlrpc.ts'

test('a success has the exact bytes of xapi: no white space, ints without a tag', () => {
  const value = structOf([
    ['virtual_size', '1073741824'],
    ['read_only', false],
    ['progress', 0.5],
    ['snapshot_time', new Date('2025-03-19T04:16:24Z')],
    ['snapshots', ['OpaqueRef:1']],
    ['name', 'a < b & "c"'],
  ])
  expect(encodeXmlAnswer({ ok: true, value })).toBe(
    '<?xml version="1.0"?><methodResponse><params><param><value><struct>' +
      '<member><name>Status</name><value>Success</value></member>' +
      '<member><name>Value</name><value><struct>' +
      '<member><name>virtual_size</name><value>1073741824</value></member>' +
      '<member><name>read_only</name><value><boolean>0</boolean></value></member>' +
      '<member><name>progress</name><value><double>0.5</double></value></member>' +
      '<member><name>snapshot_time</name><value><dateTime.iso8601>20250319T04:16:24Z</dateTime.iso8601></value></member>' +
      '<member><name>snapshots</name><value><array><data><value>OpaqueRef:1</value></data></array></value></member>' +
      '<member><name>name</name><value>a &lt; b &amp; &quot;c&quot;</value></member>' +
      '</struct></value></member></struct></value></param></params></methodResponse>',
  )
})

test('a failure is a struct with the array of code and parameters', () => {
  const failure = ['VDI_IN_USE', 'OpaqueRef:1', 'destroy']
  const text = encodeXmlAnswer({ ok: false, failure })
  expect(text).toBe(
    '<?xml version="1.0"?><methodResponse><params><param><value><struct>' +
      '<member><name>Status</name><value>Failure</value></member>' +
      '<member><name>ErrorDescription</name><value><array><data>' +
      '<value>VDI_IN_USE</value><value>OpaqueRef:1</value><value>destroy</value>' +
      '</data></array></value></member></struct></value></param></params></methodResponse>',
  )
  expect(decodeXmlAnswer(text)).toEqual({ ok: false, failure })
})

test('an answer without the wrapper is a success: system.listMethods', () => {
  const text = encodeXmlBareAnswer(['VM.start', 'VM.destroy'])
  expect(decodeXmlAnswer(text)).toEqual({ ok: true, value: ['VM.start', 'VM.destroy'] })
})

test('a fault of a foreign server is a failure, not a value', () => {
  const fault =
    '<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>1</int></value></member>' +
    '<member><name>faultString</name><value>no such method</value></member></struct></value></fault></methodResponse>'
  expect(decodeXmlAnswer(fault)).toEqual({ ok: false, failure: ['Fault', 'no such method'] })
})

test('the value of a task result and of ova.xml has no wrapper', () => {
  expect(decodeXmlValue('<value>OpaqueRef:7</value>')).toBe('OpaqueRef:7')
  expect(decodeXmlValue('<value></value>')).toBe('')
  expect(
    decodeXmlValue("<?xml version='1.0'?>\n<value>\n <array><data>\n<value>a</value></data></array>\n</value>"),
  ).toEqual(['a'])
  expect(encodeXmlValue(['OpaqueRef:7'])).toBe('<value><array><data><value>OpaqueRef:7</value></data></array></value>')
  expect(encodeXmlValue('')).toBe('<value></value>')
})

test('a call without params is refused, as xapi refuses it', () => {
  expect(() => decodeXmlCall('<methodCall><methodName>VM.get_all</methodName></methodCall>')).toThrow(
    'without <params>',
  )
})

test.each([
  ['a document type', '<!DOCTYPE x [<!ENTITY e "1">]><value>&e;</value>'],
  ['an entity of its own', '<value>&secret;</value>'],
  ['a half document', '<value><array><data>'],
  ['two contents', '<value><int>1</int><int>2</int></value>'],
  ['text around a type', '<value>x<int>1</int></value>'],
  ['an unknown type', '<value><object>1</object></value>'],
  ['an integer that is none', '<value><int>1.5</int></value>'],
  ['a boolean that is none', '<value><boolean>yes</boolean></value>'],
  ['a double that is none', '<value><double>0x10</double></value>'],
  ['an array without data', '<value><array/></value>'],
  ['a value of another name', '<val>1</val>'],
  ['no XML', 'HTTP/1.1 500 Internal Error'],
  ['nothing', ''],
])('%s is refused', (_, text) => {
  expect(() => decodeXmlValue(text)).toThrow(expect.objectContaining({ code: 'XENAPI_PROTOCOL' }))
})

test('depth and length are bounded', () => {
  const deep = `${'<value><array><data>'.repeat(50)}${'</data></array></value>'.repeat(50)}`
  expect(() => decodeXmlValue(deep)).toThrow('nested elements')
  expect(() => decodeXmlValue(`<value>${'x'.repeat(100)}</value>`, { length: 50 })).toThrow('more than 50 characters')
})

test.each([
  [0, '0'],
  [1, '1'],
  [0.1, '0.1'],
  [1 / 3, '0.3333333333333333'],
  [1e15, '1000000000000000'],
  [1e16, '1e+16'],
  [1.5e-7, '1.5e-07'],
  [-2.5, '-2.5'],
  [123456.789, '123456.789'],
])('%d prints as C does with %%.16g', (value, text) => {
  expect(encodeDouble(value)).toBe(text)
})

test('what was encoded decodes to the same', () => {
  fc.assert(
    fc.property(arbitraryWire, (value) => {
      expect(decodeXmlValue(encodeXmlValue(value))).toEqual(value)
      expect(decodeXmlAnswer(encodeXmlBareAnswer([value]))).toEqual({ ok: true, value: [value] })
      const call = { method: 'VM.create', params: [value, 'x'] }
      expect(decodeXmlCall(encodeXmlCall(call))).toEqual({ method: 'VM.create', params: [value, 'x'] })
    }),
  )
})

test('an answer parses the same however it is cut', () => {
  const text = encodeXmlAnswer({
    ok: true,
    value: structOf([
      ['name é &', ['<', '\r\n', 'ü']],
      ['b', true],
    ]),
  })
  const expected = decodeXmlAnswer(text)
  for (let at = 0; at <= text.length; at++) {
    const reader = xmlReader()
    reader.write(text.slice(0, at))
    reader.write(text.slice(at))
    expect(answerOf(reader.end())).toEqual(expected)
  }
})
