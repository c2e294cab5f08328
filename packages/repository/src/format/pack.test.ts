import { expect, test } from 'vitest'
import { sha256, sha256Hex } from '../id.ts'
import { PackBuilder } from '../pack-builder.ts'
import { Sealer, type MasterKey } from './crypto.ts'
import { packSize, readPackHeader } from './pack.ts'

const range = (from: number, length: number) => Uint8Array.from({ length }, (_, i) => from + i)
const key: MasterKey = { encrypt: range(0, 32), k: range(0x20, 16), r: range(0x30, 16) }

/** IVs 50..5f, 60..6f, 70..7f, as restic-format.md §16 has them. */
const ivs = (length: number) => Uint8Array.from({ length }, (_, i) => 0x50 + (i % 48))

function vectorPack() {
  const sealer = new Sealer(key, ivs)
  const pack = new PackBuilder('data')
  for (const text of ['abc', 'defg'])
    pack.add(Uint8Array.from(sha256(Buffer.from(text))), sealer.seal(Buffer.from(text)), 0)
  return { sealer, ...pack.finish(sealer) }
}

test('a pack of two raw blobs is the one of the vector', () => {
  const { bytes, id } = vectorPack()
  expect(bytes.length).toBe(181)
  expect(Buffer.from(bytes.subarray(-4)).toString('hex')).toBe('6a000000')
  expect(id).toBe('059203ca97bdeaf75991b3f0d366af6b92b008a7891f2682a4f2a5d6e843e885')
  expect(sha256Hex(bytes)).toBe(id)
})

test('the header gives back types, lengths, offsets and IDs, and adds up to the size', () => {
  const { bytes, blobs, sealer } = vectorPack()
  expect(readPackHeader(bytes, sealer)).toEqual(blobs)
  expect(packSize(blobs)).toBe(bytes.length)
  expect(blobs.map(({ offset, length }) => [offset, length])).toEqual([
    [0, 35],
    [35, 36],
  ])
})

test('compressed blobs and trees keep their kind', () => {
  const sealer = new Sealer(key)
  const pack = new PackBuilder('tree')
  pack.add(range(1, 32), sealer.seal(range(0, 40)), 511)
  const { bytes } = pack.finish(sealer)
  expect(readPackHeader(bytes, sealer)).toEqual([
    { type: 'tree', id: range(1, 32), offset: 0, length: 72, uncompressedLength: 511 },
  ])
})

test('a pack that was cut anywhere has no header', () => {
  const { bytes, sealer } = vectorPack()
  for (let length = 0; length < bytes.length; length++) {
    expect(() => readPackHeader(bytes.subarray(0, length), sealer)).toThrow(/header/)
  }
})
