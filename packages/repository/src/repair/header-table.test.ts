import { expect, test } from 'vitest'
import type { PackedBlob } from '../format/pack.ts'
import { HeaderTable } from './header-table.ts'

const blob = (fill: number, offset: number): PackedBlob => ({
  type: 'data',
  id: new Uint8Array(32).fill(fill),
  offset,
  length: 100,
  uncompressedLength: 0,
})

test('an index that names the blobs of a pack in another order is right', () => {
  const headers = new HeaderTable(2)
  headers.add(1, [blob(1, 0), blob(2, 100)])
  expect(headers.compare(1, [blob(2, 100), blob(1, 0)])).toBe(true)
  expect([headers.isWrong(1), headers.decides(1)]).toEqual([false, false])
})

test('a header decides where no index names the pack, or one of several wrongly', () => {
  const headers = new HeaderTable(3)
  headers.add(0, [blob(1, 0)])
  headers.add(1, [blob(1, 0)])
  expect(headers.compare(1, [blob(1, 0)])).toBe(true)
  expect(headers.compare(1, [blob(3, 0)])).toBe(false)
  expect([headers.decides(0), headers.decides(1), headers.isWrong(0), headers.isWrong(1)]).toEqual([
    true,
    true,
    false,
    true,
  ])
})

test('a pack whose header was not read is what the indexes say', () => {
  const headers = new HeaderTable(1)
  expect(headers.compare(0, [blob(1, 0)])).toBe(true)
  expect([headers.decides(0), headers.length]).toEqual([false, 0])
})
