import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeJsonAnswer, decodeJsonCall, encodeJsonAnswer, encodeJsonCall } from './jsonrpc.ts'
import { structOf, type Answer } from './wire.ts'

const failed: Answer = { ok: false, failure: ['VDI_IN_USE', 'OpaqueRef:1', 'destroy'] }

test('version 1 has the exact bytes of xapi', () => {
  const call = { version: 1, id: 7 } as const
  expect(encodeJsonAnswer({ ok: true, value: ['a', 5n, 0.5, true] }, call)).toBe(
    '{"result":["a",5,0.5,true],"error":null,"id":7}',
  )
  expect(encodeJsonAnswer(failed, call)).toBe('{"result":null,"error":["VDI_IN_USE","OpaqueRef:1","destroy"],"id":7}')
})

test('version 2 has the exact bytes of xapi', () => {
  const call = { version: 2, id: 'x' } as const
  const value = structOf([['when', new Date('2025-03-19T04:16:24Z')]])
  expect(encodeJsonAnswer({ ok: true, value }, call)).toBe(
    '{"jsonrpc":"2.0","result":{"when":"20250319T04:16:24Z"},"id":"x"}',
  )
  expect(encodeJsonAnswer(failed, call)).toBe(
    '{"jsonrpc":"2.0","error":{"code":1,"message":"VDI_IN_USE","data":["OpaqueRef:1","destroy"]},"id":"x"}',
  )
})

test('a call is told its version by the member jsonrpc', () => {
  expect(decodeJsonCall('{"method":"VM.get_all","params":["s"],"id":0}')).toEqual({
    version: 1,
    method: 'VM.get_all',
    params: ['s'],
    id: 0,
  })
  expect(decodeJsonCall('{"jsonrpc":"2.0","method":"VM.get_all","id":"a"}')).toEqual({
    version: 2,
    method: 'VM.get_all',
    params: [],
    id: 'a',
  })
})

test.each([
  ['no JSON', '<methodCall/>'],
  ['a batch', '[{"method":"a","id":1}]'],
  ['no id', '{"method":"a","params":[]}'],
  ['a null id', '{"method":"a","params":[],"id":null}'],
  ['a fractional id', '{"method":"a","params":[],"id":1.5}'],
  ['no method', '{"params":[],"id":1}'],
  ['named parameters', '{"method":"a","params":{"x":1},"id":1}'],
])('a call with %s is refused', (_, text) => {
  expect(() => decodeJsonCall(text)).toThrow(expect.objectContaining({ code: 'XENAPI_PROTOCOL' }))
})

test.each(['', '[]', '{"id":1}', '{"error":5,"id":1}', 'null'])('%j is no reply', (text) => {
  expect(() => decodeJsonAnswer(text)).toThrow(expect.objectContaining({ code: 'XENAPI_PROTOCOL' }))
})

test('whole numbers beyond 2^53 arrive exactly', () => {
  expect(decodeJsonAnswer('{"result":[9007199254740993,1,0.1234567890123456789],"error":null,"id":1}')).toMatchObject({
    value: [9_007_199_254_740_993n, 1, 0.123_456_789_012_345_68],
  })
})

test('a number that JSON cannot hold is not written as null', () => {
  expect(() => encodeJsonAnswer({ ok: true, value: Number.NaN }, { version: 1, id: 1 })).toThrow('cannot be written')
})

test('what was encoded decodes to the same, in both versions', () => {
  const inRange = (_: string, value: unknown) => (typeof value === 'number' && Math.abs(value) > 1e15 ? 1 : value)
  const values = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value), inRange) as string)
  fc.assert(
    fc.property(values, fc.constantFrom(1, 2), fc.array(fc.string(), { minLength: 1 }), (value, version, failure) => {
      fc.pre(value !== null)
      const call = { version, id: 3 } as const
      expect(decodeJsonAnswer(encodeJsonAnswer({ ok: true, value }, call))).toEqual({ ok: true, value, id: 3 })
      expect(decodeJsonAnswer(encodeJsonAnswer({ ok: false, failure }, call))).toEqual({ ok: false, failure, id: 3 })
      expect(decodeJsonCall(encodeJsonCall({ ...call, method: 'a.b', params: [value] }))).toEqual({
        ...call,
        method: 'a.b',
        params: [value],
      })
    }),
  )
})
