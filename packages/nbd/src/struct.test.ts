import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hex } from '../test/drive.ts'
import { request, REQUEST_MAGIC } from './wire.ts'

const a = { magic: REQUEST_MAGIC, flags: 1, type: 7, cookie: 0x0102030405060708n, offset: 2 ** 40 + 5, length: 512 }

test('fields follow each other big-endian and without padding', () => {
  expect(request.encode(a)).toEqual(hex('25609513 0001 0007 0102030405060708 0000010000000005 00000200'))
})

test('what is encoded decodes to itself', () => {
  fc.assert(
    fc.property(
      fc.record({
        magic: fc.integer({ min: 0, max: 0xffff_ffff }),
        flags: fc.integer({ min: 0, max: 0xffff }),
        type: fc.integer({ min: 0, max: 0xffff }),
        cookie: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        offset: fc.maxSafeNat(),
        length: fc.integer({ min: 0, max: 0xffff_ffff }),
      }),
      (value) => {
        expect(request.decode(request.encode(value))).toEqual(value)
      },
    ),
  )
})

test('a size of 2^53 or more is an error, never a rounded number', () => {
  const bytes = request.encode({ ...a, offset: Number.MAX_SAFE_INTEGER })
  expect(request.decode(bytes).offset).toBe(Number.MAX_SAFE_INTEGER)
  bytes[17] = 0x20
  expect(() => request.decode(bytes)).toThrow(expect.objectContaining({ code: 'NBD_PROTOCOL' }))
})

test('too few bytes are an error', () => {
  expect(() => request.decode(new Uint8Array(27))).toThrow(expect.objectContaining({ code: 'NBD_PROTOCOL' }))
})
