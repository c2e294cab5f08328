import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha256Hex } from '../id.ts'
import { isAllZero, SPARSE_MARK, zeroBlobs, zeroBytes, zeroRun } from './zero.ts'

test('the well-known IDs are those of zeros', () => {
  for (const { size, id } of zeroBlobs) expect(sha256Hex(zeroBytes(size))).toBe(Buffer.from(id).toString('hex'))
})

test('a run is covered but for less than 64 KiB, with the mark first where it is needed', () => {
  fc.assert(
    fc.property(fc.nat(1 << 27), fc.boolean(), (length, needsMark) => {
      const blobs = [...zeroRun(length, needsMark)]
      const left = length - blobs.reduce((sum, { size }) => sum + size, 0)
      expect(left).toBeGreaterThanOrEqual(0)
      expect(left).toBeLessThan(65_536)
      if (needsMark && length >= SPARSE_MARK.size) expect(blobs[0]).toBe(SPARSE_MARK)
    }),
  )
})

test('one byte anywhere makes data not zero', () => {
  for (const length of [1, 2, 65_536, (8 << 20) + 3]) {
    const data = new Uint8Array(length)
    expect(isAllZero(data)).toBe(true)
    for (const at of [0, length >> 1, length - 1]) {
      data[at] = 1
      expect(isAllZero(data)).toBe(false)
      data[at] = 0
    }
  }
})
