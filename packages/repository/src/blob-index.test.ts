import { expect, test } from 'vitest'
import { BlobIndex } from './blob-index.ts'
import { sha256, type BlobType } from './id.ts'

const id = (n: number) => sha256(Buffer.from(String(n)))
const blob = (n: number, type: BlobType = 'data') =>
  ({ type, id: id(n), offset: n * 10, length: n + 33, uncompressedLength: n % 2 === 0 ? 0 : n * 3 }) as const

test('a hundred thousand blobs are found again, and no other', () => {
  const index = new BlobIndex()
  for (let n = 0; n < 100_000; n += 1000) {
    index.addPack(
      `pack ${n}`,
      Array.from({ length: 1000 }, (_, i) => blob(n + i)),
    )
  }
  expect(index.size).toBe(100_000)
  for (let n = 0; n < 100_000; n += 7) {
    const { offset, length, uncompressedLength } = blob(n)
    const entry = index.find('data', id(n))
    expect(index.location(entry)).toEqual({ pack: `pack ${n - (n % 1000)}`, offset, length, uncompressedLength })
    expect(index.plainSize(entry)).toBe(uncompressedLength || n + 1)
  }
  expect(index.has('data', id(100_000))).toBe(false)
  expect(index.has('tree', id(1))).toBe(false)
})

test('the type is part of the name, and the first place of a blob is kept', () => {
  const index = new BlobIndex()
  index.addPack('one', [blob(1), blob(1, 'tree')])
  index.addPack('two', [blob(1)])
  expect(index.size).toBe(2)
  expect(index.location(index.find('data', id(1))).pack).toBe('one')
  expect(index.location(index.find('tree', id(1))).uncompressedLength).toBe(3)
  expect(index.packs()).toEqual(['one', 'two'])
})
