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

test('two lists of a pack agree in whatever order they name its blobs, and contradict each other when one place differs', () => {
  const packs = new PackTable()
  const name = randomBytes(32).toString('hex')
  const ids = randomBytes(64)
  const list = (...places: readonly (readonly [at: number, offset: number])[]) => {
    const pack = packs.packNumber(name)
    for (const [at, offset] of places) packs.add(pack, ids, at, offset, 100, 0)
    return packs.isContradicted(pack)
  }
  expect(list([0, 0], [32, 100])).toBe(false)
  expect(list([32, 100], [0, 0])).toBe(false)
  expect(list([0, 100], [32, 0])).toBe(true)
  expect(list([0, 0], [32, 100])).toBe(true) // a third that agrees with the first changes nothing
})
