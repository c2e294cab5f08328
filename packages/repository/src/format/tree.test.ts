import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blobId, sha256Hex } from '../id.ts'
import { goJson, goTime } from './go-json.ts'
import { quoteName, unquoteName } from './node-name.ts'
import { decodeTree, DIRECTORY_MODE, encodeTree, type TreeNode } from './tree.ts'

const EMPTY = 'ac08ce34ba4f8123618661bef2425f7028ffb9ac740578a3ee88684d2523fee8'
const time = '2026-11-22T10:00:00Z'
const times = { mtime: time, atime: time, ctime: time, uid: 0, gid: 0 }
const text = (tree: Uint8Array) => Buffer.from(tree).toString()

test('the empty tree has the ID of the vector', () => {
  expect(sha256Hex(encodeTree([]))).toBe(EMPTY)
})

test('a directory node is written with the keys in order', () => {
  const node: TreeNode = {
    subtree: blobId(EMPTY),
    content: undefined,
    ...times,
    mode: DIRECTORY_MODE,
    type: 'dir',
    name: 'sub',
  }
  expect(text(encodeTree([node]))).toBe(
    `{"nodes":[{"name":"sub","type":"dir","mode":2147484141,"mtime":"${time}","atime":"${time}","ctime":"${time}",` +
      `"uid":0,"gid":0,"content":null,"subtree":"${EMPTY}"}]}\n`,
  )
})

test('a name is quoted as Go does, then as JSON', () => {
  const node: TreeNode = { name: 'a"b\\c <é>.raw', type: 'file', ...times, content: new Uint8Array() }
  expect(text(encodeTree([node]))).toContain(String.raw`"name":"a\\\"b\\\\c \u003cé\u003e.raw"`)
  expect(quoteName('\u00a0\u{1f600}\x01\u200b')).toBe(String.raw`\u00a0😀\x01\u200b`)
})

test('any name survives quoting, bytes that are no UTF-8 included', () => {
  expect(unquoteName(String.raw`a\xffb`)).toBe('a\udcffb')
  expect(quoteName('a\udcffb')).toBe(String.raw`a\xffb`)
  expect(unquoteName(String.raw`\xc3\xa9`)).toBe('é')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(unquoteName(quoteName(name))).toBe(name)
    }),
  )
})

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const nodes = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1, unit: 'grapheme' }),
    type: fc.constant('file' as const),
    mode: fc.integer({ min: 1, max: 511 }),
    mtime: fc.constant(time),
    atime: fc.constant('2026-11-22T10:00:00.123456789+01:00'),
    ctime: fc.constant(time),
    uid: fc.nat(),
    gid: fc.nat(),
    inode: fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    content: fc.array(hash, { maxLength: 5 }).map((ids) => new Uint8Array(Buffer.concat(ids))),
  }),
  { selector: (node) => node.name, maxLength: 8 },
)

test('a tree that is decoded and encoded again has the same bytes', () => {
  fc.assert(
    fc.property(nodes, (list) => {
      const tree = encodeTree(list)
      const decoded = decodeTree(tree)
      expect(text(encodeTree(decoded))).toBe(text(tree))
      for (const node of list) {
        const same = decoded.find(({ name }) => name === node.name)
        expect(Buffer.from(same?.content ?? [])).toEqual(Buffer.from(node.content))
        expect(same?.inode).toBe(node.inode)
      }
    }),
  )
})

test('nodes are sorted by the bytes of their names, and a name cannot appear twice', () => {
  const node = (name: string): TreeNode => ({ name, type: 'file', ...times, content: new Uint8Array() })
  const names = decodeTree(encodeTree([node('\u{1f600}'), node('b'), node('\uff5e'), node('B')])).map(
    ({ name }) => name,
  )
  expect(names).toEqual(['B', 'b', '\uff5e', '\u{1f600}']) // UTF-16 would put the last two the other way round
  expect(() => encodeTree([node('x'), node('x')])).toThrow(/two nodes/)
})

test('lists in an unusual form are read as well', () => {
  const odd = `{"nodes": [ {"name":"f","type":"file","content": ["${EMPTY}" ] }, {"name":"g","type":"file","content":["${EMPTY}", "${EMPTY}"]} ]}`
  const [f, g] = decodeTree(Buffer.from(odd))
  expect(Buffer.from(f?.content ?? []).toString('hex')).toBe(EMPTY)
  expect(g?.content).toHaveLength(64)
})

test('times and numbers are written as Go writes them', () => {
  expect(goTime(new Date('2026-11-22T10:00:10.500Z'))).toBe('2026-11-22T10:00:10.5Z')
  expect(goTime(new Date('2026-11-22T10:00:00.000Z'))).toBe('2026-11-22T10:00:00Z')
  expect(goTime(new Date('2026-11-22T10:00:00.050Z'))).toBe('2026-11-22T10:00:00.05Z')
  expect(goJson({ a: 2n ** 64n - 1n, b: '\u2028<&>\b', c: undefined, d: [null, true] })).toBe(
    String.raw`{"a":18446744073709551615,"b":"\u2028\u003c\u0026\u003e\u0008","d":[null,true]}`,
  )
})
