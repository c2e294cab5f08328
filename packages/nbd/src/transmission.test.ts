import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cuts, drive, hex, join } from '../test/drive.ts'
import { NbdError } from './error.ts'
import {
  encodeChunkError,
  dataHead,
  encodeHole,
  encodeRequest,
  encodeSimple,
  encodeStatus,
  readReply,
  readRequest,
  type Expected,
} from './transmission.ts'
import { Command } from './wire.ts'

const read = (offset: number, length: number): Expected => ({
  type: Command.READ,
  offset,
  length,
  into: new Uint8Array(new ArrayBuffer(length + 64), 0, length).fill(0xff),
})
const status: Expected = { type: Command.BLOCK_STATUS, offset: 0, length: 4096, into: new Uint8Array() }
const find = (expected: Expected) => (cookie: bigint) => (cookie === 7n ? expected : undefined)
const protocolError = expect.objectContaining({ code: 'NBD_PROTOCOL' })

describe('replies', () => {
  test('a simple reply parses the same however the bytes are split', () => {
    const wire = hex('67446698 00000000 0000000000000007 414243444546')
    for (const chunks of cuts(wire)) {
      const expected = read(512, 6)
      const { value, rest } = drive(readReply(find(expected)), chunks)
      expect(value).toEqual({ kind: 'data', cookie: 7n, done: true, offset: 512, length: 6 })
      expect(Buffer.from(expected.into).toString()).toBe('ABCDEF')
      expect(rest).toBe(0)
    }
  })

  test('a chunk of data lands at its offset', () => {
    const wire = hex('668e33ef 0000 0001 0000000000000007 0000000a 0000000000000202 4142')
    for (const chunks of cuts(wire)) {
      const expected = read(512, 6)
      const { value } = drive(readReply(find(expected)), chunks)
      expect(value).toEqual({ kind: 'data', cookie: 7n, done: false, offset: 514, length: 2 })
      expect([...expected.into]).toEqual([0xff, 0xff, 0x41, 0x42, 0xff, 0xff])
    }
  })

  test('a hole reads as zeros', () => {
    const wire = hex('668e33ef 0001 0002 0000000000000007 0000000c 0000000000000200 00000004')
    for (const chunks of cuts(wire)) {
      const expected = read(512, 6)
      const { value } = drive(readReply(find(expected)), chunks)
      expect(value).toEqual({ kind: 'hole', cookie: 7n, done: true, offset: 512, length: 4 })
      expect([...expected.into]).toEqual([0, 0, 0, 0, 0xff, 0xff])
    }
  })

  test('a block status lists its stretches', () => {
    const wire = hex('668e33ef 0001 0005 0000000000000007 00000014 00000001 00000400 00000003 00000c00 00000000')
    for (const chunks of cuts(wire)) {
      expect(drive(readReply(find(status)), chunks).value).toEqual({
        kind: 'status',
        cookie: 7n,
        done: true,
        context: 1,
        extents: [
          { length: 1024, flags: 3 },
          { length: 3072, flags: 0 },
        ],
      })
    }
  })

  test('an error chunk carries its number and its sentence, with an offset behind it or without', () => {
    const plain = hex('668e33ef 0001 8001 0000000000000007 00000008 00000005 0002 6869')
    const withOffset = hex('668e33ef 0001 8002 0000000000000007 00000010 00000005 0002 6869 0000000000000200')
    for (const chunks of [...cuts(plain), ...cuts(withOffset)]) {
      expect(drive(readReply(find(read(0, 8))), chunks).value).toMatchObject({ kind: 'error', error: 5, message: 'hi' })
    }
  })

  test('what our server says, our client reads', () => {
    const data = Uint8Array.of(1, 2, 3)
    const one = (parts: readonly Uint8Array[], expected: Expected) =>
      drive(readReply(find(expected)), [join(...parts)]).value
    expect(one([dataHead(7n, 4, data.length, false), data], read(4, 3))).toMatchObject({
      kind: 'data',
      offset: 4,
      done: false,
    })
    expect(one(encodeHole(7n, 4, 3, true), read(4, 3))).toMatchObject({ kind: 'hole', length: 3, done: true })
    expect(one(encodeChunkError(7n, 5, 'no'), read(4, 3))).toMatchObject({ kind: 'error', error: 5, message: 'no' })
    expect(one(encodeStatus(7n, 1, [{ length: 9, flags: 3 }]), status)).toMatchObject({
      extents: [{ length: 9, flags: 3 }],
    })
    expect(one([encodeSimple(7n, 22)], read(4, 3))).toMatchObject({ kind: 'error', error: 22 })
  })
})

describe('what no server should send is an error before memory is taken', () => {
  const malformed: Record<string, [wire: string, expected: Expected]> = {
    'an unknown magic': ['12345678 00000000 0000000000000007', read(0, 8)],
    'a cookie nobody used': ['67446698 00000000 0000000000000009', read(0, 8)],
    'data before the request': ['668e33ef 0001 0001 0000000000000007 0000000a 0000000000000000 4142', read(1, 8)],
    'data past the request': ['668e33ef 0001 0001 0000000000000007 0000000a 0000000000000007 4142', read(0, 8)],
    'four GiB of data': ['668e33ef 0001 0001 0000000000000007 ffffffff 0000000000000000', read(0, 8)],
    'a data chunk without data': ['668e33ef 0001 0001 0000000000000007 00000008 0000000000000000', read(0, 8)],
    'data for a block status': ['668e33ef 0001 0001 0000000000000007 00000009 0000000000000000 41', status],
    'a status for a read': ['668e33ef 0001 0005 0000000000000007 0000000c 00000001 00000400 00000003', read(0, 8)],
    'a status cut in the middle': ['668e33ef 0001 0005 0000000000000007 0000000b 00000001', status],
    'four GiB of status': ['668e33ef 0001 0005 0000000000000007 fffffffc 00000001', status],
    'four GiB of error text': ['668e33ef 0001 8001 0000000000000007 ffffffff', read(0, 8)],
    'an error text longer than its chunk': [
      '668e33ef 0001 8001 0000000000000007 00000008 00000005 0003 6869',
      read(0, 8),
    ],
    'a hole of the wrong size': ['668e33ef 0001 0002 0000000000000007 0000000b 0000000000000000', read(0, 8)],
    'an empty chunk that is not the last': ['668e33ef 0000 0000 0000000000000007 00000000', read(0, 8)],
    'a chunk of an unknown type': ['668e33ef 0001 0042 0000000000000007 00000000', read(0, 8)],
  }
  test.each(Object.entries(malformed))('%s', (_, [wire, expected]) => {
    expect(() => drive(readReply(find(expected)), [hex(wire)])).toThrow(protocolError)
  })

  test('any other bytes: a reply or an NbdError, never anything else', () => {
    const magics = [hex('67446698'), hex('668e33ef'), hex('')]
    fc.assert(
      fc.property(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 200 }), (magic, noise) => {
        const expected = read(0, 64)
        const run = () =>
          drive(
            readReply(() => expected),
            [magic, noise, new Uint8Array(64)],
          )
        try {
          run()
        } catch (error) {
          const incomplete = error instanceof Error && error.message === 'the parser wants more bytes'
          if (!(error instanceof NbdError) && !incomplete) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test('a request parses the same however the bytes are split', () => {
  const fields = { flags: 1, type: Command.WRITE, cookie: 2n ** 63n, offset: 4096, length: 512 }
  for (const chunks of cuts(encodeRequest(fields))) expect(drive(readRequest(), chunks).value).toMatchObject(fields)
  expect(() => drive(readRequest(), [new Uint8Array(28)])).toThrow(protocolError)
})
