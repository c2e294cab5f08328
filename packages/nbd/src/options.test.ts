import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cuts, drive, hex } from '../test/drive.ts'
import { encodeExport, parseInfoRequest, parseMetaRequest, parseName, readOption } from './options.ts'

test('an option parses the same however the bytes are split', () => {
  for (const chunks of cuts(hex('49484156454f5054 00000007 00000004 01020304'))) {
    expect(drive(readOption(), chunks).value).toEqual({ option: 7, data: hex('01020304') })
  }
})

test('an option of four GiB is refused before memory is taken for it', () => {
  const run = () => drive(readOption(), [hex('49484156454f5054 00000007 ffffffff')])
  expect(run).toThrow(expect.objectContaining({ code: 'NBD_PROTOCOL' }))
})

test('the data of GO are a name and what the client wants to know', () => {
  expect(parseInfoRequest(hex('00000002 6162 0002 0001 0003'))).toEqual({ name: 'ab', wanted: [1, 3] })
  for (const wrong of [
    '',
    '00000002 6162',
    '00000003 6162 0000',
    '00000000 0001',
    '00000000 0000 00',
    '00000001 ff 0000',
  ]) {
    expect(parseInfoRequest(hex(wrong))).toBeUndefined()
  }
})

test('the data of a metadata query are a name and queries', () => {
  expect(parseMetaRequest(hex('00000001 61 00000002 00000001 62 00000000'))).toEqual({ name: 'a', queries: ['b', ''] })
  for (const wrong of [
    '',
    '00000001 61',
    '00000001 61 ffffffff',
    '00000000 00000001 00000002 61',
    '00000000 00000000 00',
  ]) {
    expect(parseMetaRequest(hex(wrong))).toBeUndefined()
  }
})

test('any bytes are parsed or refused, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      parseInfoRequest(bytes)
      parseMetaRequest(bytes)
      parseName(bytes)
    }),
    { numRuns: 2000 },
  )
})

test('the answer to EXPORT_NAME is 10 bytes, or 134 with the zeroes', () => {
  expect(encodeExport(4096, 3, false)).toEqual(hex('0000000000001000 0003'))
  expect(encodeExport(4096, 3, true)).toHaveLength(134)
})
