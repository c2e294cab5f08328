import { expect, test } from 'vitest'
import * as wire from './wire.ts'

test('every struct has the size the protocol gives it', () => {
  expect(wire.greeting.size).toBe(18)
  expect(wire.clientFlags.size).toBe(4)
  expect(wire.optionHead.size).toBe(16)
  expect(wire.optionReply.size).toBe(20)
  expect(wire.exportReply.size).toBe(10)
  expect(wire.infoExport.size).toBe(12)
  expect(wire.infoBlockSize.size).toBe(14)
  expect(wire.request.size).toBe(28)
  expect(wire.simpleReply.size).toBe(16)
  expect(wire.structuredReply.size).toBe(20)
  expect(wire.offsetData.size).toBe(8)
  expect(wire.offsetHole.size).toBe(12)
  expect(wire.chunkError.size).toBe(6)
  expect(wire.blockStatusHead.size).toBe(4)
  expect(wire.blockStatusDescriptor.size).toBe(8)
})

test('the magics spell what they should', () => {
  const text = (magic: bigint) => Buffer.from(magic.toString(16), 'hex').toString('latin1')
  expect(text(wire.GREETING_MAGIC)).toBe('NBDMAGIC')
  expect(text(wire.OPTION_MAGIC)).toBe('IHAVEOPT')
})

test('an error number the protocol does not know counts as EINVAL', () => {
  expect(wire.errnoName(28)).toBe('ENOSPC')
  expect(wire.errnoName(9999)).toBe('EINVAL')
})
