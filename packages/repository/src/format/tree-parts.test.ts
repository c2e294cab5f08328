import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeTree, encodeTree, encodeTreeParts, type TreeNode } from './tree.ts'
import { TreeDecoder } from './tree-parts.ts'

const node = (name: string, content: Uint8Array | undefined): TreeNode => ({
  name,
  type: content === undefined ? 'dir' : 'file',
  mtime: '2026-11-22T10:00:00Z',
  atime: '2026-11-22T10:00:00Z',
  ctime: '2026-11-22T10:00:00Z',
  uid: 0,
  gid: 0,
  content,
})

const lists = fc.array(
  fc.option(
    fc.integer({ min: 0, max: 20 }).map((ids) => Buffer.from(Array.from({ length: ids * 32 }, (_, i) => i * 7))),
    { nil: undefined },
  ),
  { maxLength: 4 },
)

const readable = (each: TreeNode) => ({
  ...each,
  content: each.content === undefined ? undefined : Buffer.from(each.content).toString('hex'),
})

function decodeInParts(tree: Uint8Array, step: number): TreeNode[] | undefined {
  const decoder = new TreeDecoder(tree.length)
  for (let at = 0; at < tree.length; at += step) if (!decoder.push(tree.subarray(at, at + step))) return undefined
  return decoder.finish()
}

test('a tree that comes in parts decodes to the same nodes, however it is cut', () => {
  fc.assert(
    fc.property(lists, fc.integer({ min: 1, max: 400 }), (contents, step) => {
      const tree = encodeTree(contents.map((content, i) => node(`file-${i}`, content)))
      expect(decodeInParts(tree, step)?.map(readable)).toEqual(decodeTree(tree).map(readable))
    }),
  )
})

test('the parts of a long list are the bytes of the whole', () => {
  const content = Buffer.alloc(200_000 * 32, 'any list of identifiers')
  const nodes = [node('disk.raw', content)]
  const parts = Array.from(encodeTreeParts(nodes))
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(5 << 20)
  const tree = Buffer.concat(parts)
  expect(Buffer.compare(tree, encodeTree(nodes))).toBe(0)
  expect(Buffer.compare(decodeInParts(tree, 1 << 20)?.[0]?.content ?? new Uint8Array(), content)).toBe(0)
})

test('a list in an unusual form is left to the parser of whole trees, and one that is cut off is an error', () => {
  const tree = Buffer.from(encodeTree([node('a', Buffer.alloc(96, 1))])).toString()
  expect(decodeInParts(Buffer.from(tree.replace('01","01', '01", "01')), 50)).toBeUndefined()
  expect(decodeInParts(Buffer.from(tree.replace('0101', '01g1')), 50)).toBeUndefined()
  expect(() => decodeInParts(Buffer.from(tree.slice(0, 250)), 50)).toThrow('list')
})
