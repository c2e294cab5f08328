import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addIndexFile } from '../index-cache/load.ts'
import { MemoryIndex } from '../memory-index.ts'
import { BlobIndex } from '../blob-index.ts'
import { decodeIndex, encodeIndex, encodeIndexedPack } from './index-file.ts'
import { scanIndex } from './index-scanner.ts'
import { idAt, sha256Hex } from '../id.ts'

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const id = fc.uint8Array({ minLength: 32, maxLength: 32 })
const blob = fc.record({
  type: fc.constantFrom('data' as const, 'tree' as const),
  id,
  offset: uint32,
  length: uint32,
  uncompressedLength: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
})
const pack = fc.record({ pack: id.map((bytes) => idAt(bytes)), blobs: fc.array(blob, { minLength: 1, maxLength: 5 }) })

/** What the scanner reads, in the words of the parser. */
function* scanned(json: Uint8Array) {
  for (const { pack, count, ids, fields } of scanIndex(json)) {
    const blobs = Array.from({ length: count }, (_, i) => ({
      type: (fields[i * 3 + 2] ?? 0) >= 2 ** 31 ? 'tree' : 'data',
      id: Buffer.from(ids.slice(i * 32, i * 32 + 32)),
      offset: fields[i * 3],
      length: fields[i * 3 + 1],
      uncompressedLength: (fields[i * 3 + 2] ?? 0) % 2 ** 31,
    }))
    yield { pack, blobs }
  }
}

test('the scanner reads what a JSON parser reads', () => {
  fc.assert(
    fc.property(fc.array(pack, { minLength: 1, maxLength: 5 }), (packs) => {
      const json = encodeIndex(packs.map((each) => encodeIndexedPack(each)))
      expect(Array.from(scanned(json))).toEqual(Array.from(decodeIndex(json)))
    }),
  )
})

test('an index in any other form is read by the parser, from where the scanner stopped', () => {
  const indexed = (n: number) => ({
    pack: sha256Hex(Buffer.of(n)),
    blobs: [{ type: 'data' as const, id: Buffer.alloc(32, n), offset: 0, length: n, uncompressedLength: 0 }],
  })
  const [one, two] = [encodeIndexedPack(indexed(40)), encodeIndexedPack(indexed(50))]
  const forms = [
    `{"packs":[${one},${two}]}`,
    `{"packs":[${one}, ${two}]}`,
    `{"packs":[${one},${two}],"more":1}`,
    `{"supersedes":["${'0'.repeat(64)}"],"packs":[${one},${two}]}`,
    JSON.stringify(JSON.parse(`{"packs":[${one},${two}]}`), undefined, 2),
    `{"packs":[${one},${two.replace('"type":"data","offset":0', '"offset":0,"type":"data"')}]}`,
  ]
  for (const form of forms) {
    const memory = new MemoryIndex()
    addIndexFile(memory, 'name', Buffer.from(form))
    const index = new BlobIndex([], memory)
    expect(index.size, form).toBe(2)
    expect(index.location(index.find('data', Buffer.alloc(32, 50))).length).toBe(50)
  }
  const empty = new MemoryIndex()
  addIndexFile(empty, 'name', Buffer.from('{"packs":[]}'))
  expect(empty.size).toBe(0)
})

test('an index that is cut off or has broken entries is damage', () => {
  const json = Buffer.from(encodeIndex([encodeIndexedPack({ pack: '0'.repeat(64), blobs: [entry] })])).toString()
  const broken = [
    json.slice(0, -4),
    json.replace('"offset":7', '"offset":-7'),
    json.replace('"offset":7', '"offset":4294967296'),
    json.replace('"length":8', '"length":'),
    json.replace('"data"', '"date"'),
    json.replace('0000', '000G'),
  ]
  for (const each of broken) {
    expect(() => addIndexFile(new MemoryIndex(), 'name', Buffer.from(each)), each).toThrow(
      expect.objectContaining({ code: 'REPOSITORY_DAMAGED' }),
    )
  }
})

const entry = { type: 'data' as const, id: Buffer.alloc(32), offset: 7, length: 8, uncompressedLength: 0 }
