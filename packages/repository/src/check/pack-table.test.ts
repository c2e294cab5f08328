import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { packSize } from '../format/pack.ts'
import { TREE_BIT } from '../index-cache/records.ts'
import { PackTable } from './pack-table.ts'

test('a pack is as long as the blobs that the last index lists of it, raw and compressed, data and trees', () => {
  const packs = new PackTable()
  const name = randomBytes(32).toString('hex')
  const blobs = [0, 300, 7].map((uncompressedLength, i) => ({ length: 100 + i, uncompressedLength }))
  for (let round = 0; round < 2; round++) {
    const pack = packs.packNumber(name)
    for (const [i, { length, uncompressedLength }] of blobs.entries()) {
      packs.add(
        pack,
        new Uint8Array(32),
        0,
        i * 100,
        length,
        i > 0 ? uncompressedLength | TREE_BIT : uncompressedLength,
      )
    }
    expect([packs.length, packs.size(pack), packs.blobs(pack)]).toEqual([1, packSize(blobs), 3])
  }
})

test('ten thousand packs are found by their names, and nothing else is', () => {
  const packs = new PackTable()
  const ids = Array.from({ length: 10_000 }, () => randomBytes(32))
  for (const id of ids) packs.packNumber(id.toString('hex'))
  expect(ids.every((id, i) => packs.find(id) === i && packs.name(i) === id.toString('hex'))).toBe(true)
  expect(packs.find(randomBytes(32))).toBe(-1)
})
