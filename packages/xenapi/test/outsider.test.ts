import { expect, test } from 'vitest'
import {
  decodeXmlAnswer,
  decodeXmlCall,
  decodeXmlValue,
  encodeTyped,
  encodeXmlAnswer,
  encodeXmlCall,
  encodeXmlValue,
  parseType,
  structOf,
} from '../src/codec/index.ts'
import { program } from './programs.ts'

/** Runs a script with Python's own XML-RPC at hand; `text` is what we send it. */
const python = (script: string, input = '') =>
  program(
    'python3',
    ['-c', `import sys, json, datetime, xmlrpc.client as x\ntext = sys.stdin.read()\n${script}`],
    input,
  )

test("Python's client reads our answers: ints are strings, dates are dates, failures are structs", async () => {
  const record = {
    virtual_size: 1_073_741_824,
    name_label: 'a < "b" & é \u{1F600}',
    read_only: false,
    snapshot_time: new Date('2025-03-19T04:16:24Z'),
    other_config: { 'a b': 'c' },
    snapshots: ['OpaqueRef:1', 'OpaqueRef:2'],
    parent: 'OpaqueRef:NULL',
  }
  const value = encodeTyped(parseType('VDI record'), record, 'xml')
  const read = await python(
    '(answer,), _ = x.loads(text)\nanswer["Value"]["snapshot_time"] = str(answer["Value"]["snapshot_time"])\nprint(json.dumps(answer))',
    encodeXmlAnswer({ ok: true, value }),
  )
  expect(JSON.parse(read)).toEqual({
    Status: 'Success',
    Value: { ...record, virtual_size: '1073741824', snapshot_time: '20250319T04:16:24Z' },
  })
  const failure = ['HANDLE_INVALID', 'VDI', 'OpaqueRef:1']
  const failed = await python('print(json.dumps(x.loads(text)[0][0]))', encodeXmlAnswer({ ok: false, failure }))
  expect(JSON.parse(failed)).toEqual({ Status: 'Failure', ErrorDescription: failure })
})

test("Python's client reads floats, counts and nothing", async () => {
  const value = structOf([
    ['progress', 0.1],
    ['task', 3n],
    ['void', ''],
    ['none', []],
  ])
  const read = await python('print(json.dumps(x.loads(text)[0][0]["Value"]))', encodeXmlAnswer({ ok: true, value }))
  expect(JSON.parse(read)).toEqual({ progress: 0.1, task: 3, void: '', none: [] })
})

test("we read the calls of Python's client", async () => {
  const text = await python(
    'print(x.dumps(("OpaqueRef:s", {"size": "2199023255552", "n": 5, "ok": True, "x": [1.5, None], "b": x.Binary(b"\\x00\\xff"), ' +
      '"when": x.DateTime(datetime.datetime(2025, 3, 19, 4, 16, 24)), "name": "é <&>"}), "VDI.create", allow_none=True))',
  )
  expect(decodeXmlCall(text)).toEqual({
    method: 'VDI.create',
    params: [
      'OpaqueRef:s',
      structOf([
        ['size', '2199023255552'],
        ['n', 5n],
        ['ok', true],
        ['x', [1.5, null]],
        ['b', new Uint8Array([0, 255])],
        ['when', new Date('2025-03-19T04:16:24Z')],
        ['name', 'é <&>'],
      ]),
    ],
  })
})

test("we read the answers and faults of Python's server", async () => {
  const answer = await python('print(x.dumps(({"Status": "Success", "Value": ["a", ""]},), methodresponse=True))')
  expect(decodeXmlAnswer(answer)).toEqual({ ok: true, value: ['a', ''] })
  const fault = await python('print(x.dumps(x.Fault(1, "no such method"), methodresponse=True))')
  expect(decodeXmlAnswer(fault)).toEqual({ ok: false, failure: ['Fault', 'no such method'] })
})

test('Python reads our calls, and our bare values as XML', async () => {
  const call = encodeXmlCall({ method: 'VM.snapshot', params: ['s', 'vm', ['a', 'b']] })
  expect(JSON.parse(await python('print(json.dumps(x.loads(text)))', call))).toEqual([
    ['s', 'vm', ['a', 'b']],
    'VM.snapshot',
  ])
  const bare = encodeXmlValue(['OpaqueRef:1', 'a\r\nb'])
  const script =
    'import xml.etree.ElementTree as e\nprint(json.dumps([v.text for v in e.fromstring(text).iter("value")][1:]))'
  expect(JSON.parse(await python(script, bare))).toEqual(['OpaqueRef:1', 'a\r\nb'])
  expect(decodeXmlValue(bare)).toEqual(['OpaqueRef:1', 'a\r\nb'])
})
