import { blobId, idBytes, ID_LENGTH, type BlobId } from '../id.ts'
import { goJson, parseJson } from './go-json.ts'
import { nameBytes, quoteName, unquoteName } from './node-name.ts'

export type NodeType = 'file' | 'dir' | 'symlink' | 'dev' | 'chardev' | 'fifo' | 'socket'

/** Whole numbers of 64 bits: a bigint only above 2^53. */
type Whole = number | bigint

/** One entry of a tree, keys in restic's order. restic-format.md §7. Absent keys are those that Go omits when empty. */
export interface TreeNode {
  readonly name: string
  readonly type: NodeType
  /** Go's FileMode, decimal. */
  readonly mode?: number
  /** RFC 3339 as Go writes it; kept as text, since it has nanoseconds. */
  readonly mtime: string
  readonly atime: string
  readonly ctime: string
  readonly uid: number
  readonly gid: number
  readonly user?: string
  readonly group?: string
  readonly inode?: Whole
  readonly device_id?: Whole
  readonly size?: number
  readonly links?: Whole
  readonly linktarget?: string
  readonly linktarget_raw?: string
  readonly extended_attributes?: unknown
  readonly generic_attributes?: unknown
  readonly device?: Whole
  /** Packed IDs of a file; undefined for everything else. */
  readonly content: Uint8Array | undefined
  /** Tree of a directory. */
  readonly subtree?: BlobId
  readonly error?: string
}

/** A directory of mode 0755, in Go's numbers. */
export const DIRECTORY_MODE = 2_147_484_141
/** A file of mode 0600. */
export const PRIVATE_FILE_MODE = 384

const KEYS = [
  'name',
  'type',
  'mode',
  'mtime',
  'atime',
  'ctime',
  'uid',
  'gid',
  'user',
  'group',
  'inode',
  'device_id',
  'size',
  'links',
  'linktarget',
  'linktarget_raw',
  'extended_attributes',
  'generic_attributes',
  'device',
  'content',
  'subtree',
  'error',
] as const satisfies readonly (keyof TreeNode)[]

/** An ID in a list: quotes, 64 digits, comma. */
const STRIDE = 67
export const CONTENT_START = Buffer.from('"content":["')

/**
 * The bytes of a tree blob, newline included: nodes sorted by name, byte for byte as restic writes them.
 * @throws Error when a name appears twice
 */
export function encodeTree(nodes: readonly TreeNode[]): Uint8Array {
  return Buffer.concat(Array.from(encodeTreeParts(nodes)))
}

/**
 * The same bytes in parts of some megabytes: the list of a large disk is never there as a whole.
 * @throws Error when a name appears twice
 */
export function* encodeTreeParts(nodes: readonly TreeNode[]): Generator<Uint8Array> {
  const sorted = nodes.map((node) => ({ node, key: nameBytes(node.name) })).sort((a, b) => Buffer.compare(a.key, b.key))
  yield Buffer.from('{"nodes":[')
  for (const [i, { node, key }] of sorted.entries()) {
    const previous = sorted[i - 1]
    if (previous !== undefined && Buffer.compare(previous.key, key) === 0)
      throw new Error(`two nodes named ${node.name}`)
    if (i > 0) yield Buffer.from(',')
    yield* encodeNode(node)
  }
  yield Buffer.from(']}\n')
}

function* encodeNode(node: TreeNode): Generator<Uint8Array> {
  let text = ''
  for (const key of KEYS) {
    if (key === 'content') {
      yield Buffer.from(`${text},"content":`)
      yield* encodeContent(node.content)
      text = ''
    } else if (node[key] !== undefined) {
      const value = key === 'name' ? quoteName(node.name) : node[key]
      text += `${key === 'name' ? '{' : ','}"${key}":${goJson(value)}`
    }
  }
  yield Buffer.from(`${text}}`)
}

/** IDs to a part of a list: 4 MiB. */
const PART_IDS = 65_536
const HEX = Buffer.from('0123456789abcdef')

/** Written straight into bytes: a string of 4 million IDs would be 280 MB. */
function* encodeContent(content: Uint8Array | undefined): Generator<Uint8Array> {
  const count = (content?.length ?? 0) / ID_LENGTH
  if (content === undefined || count === 0) {
    yield Buffer.from(content === undefined ? 'null' : '[]')
    return
  }
  yield Buffer.from('[')
  for (let from = 0; from < count; from += PART_IDS) {
    const part = encodeIds(content, from, Math.min(PART_IDS, count - from))
    if (from + PART_IDS >= count) part[part.length - 1] = 0x5d // instead of the last comma
    yield part
  }
}

function encodeIds(ids: Uint8Array, from: number, count: number): Uint8Array {
  const list = new Uint8Array(count * STRIDE)
  for (let i = 0; i < count; i++) {
    const at = i * STRIDE
    list[at] = 0x22
    for (let byte = 0; byte < ID_LENGTH; byte++) {
      const value = ids[(from + i) * ID_LENGTH + byte] ?? 0
      list[at + 1 + byte * 2] = HEX[value >> 4] ?? 0
      list[at + 2 + byte * 2] = HEX[value & 15] ?? 0
    }
    list[at + 65] = 0x22
    list[at + 66] = 0x2c
  }
  return list
}

/**
 * Nodes of a tree blob.
 * @throws Error when it is no tree
 */
export function decodeTree(tree: Uint8Array): TreeNode[] {
  const { skeleton, contents } = withoutContents(Buffer.from(tree.buffer, tree.byteOffset, tree.length))
  return decodeNodes(skeleton, contents)
}

/** Nodes of a tree whose lists were taken out: a number in place of one is its position in `contents`. */
export function decodeNodes(skeleton: string, contents: readonly Uint8Array[]): TreeNode[] {
  const { nodes } = parseJson(skeleton) as { nodes?: unknown }
  if (!Array.isArray(nodes)) throw new Error('no list of nodes')
  return nodes.map((node) => decodeNode(node as Record<string, unknown>, contents))
}

/**
 * Takes the long lists out before the JSON is parsed: `"content":[…]` becomes `"content":7`, a position in `contents`.
 * The sequence cannot be inside a string, where the quotes would be escaped. Lists not in the usual form stay.
 */
function withoutContents(tree: Buffer): { skeleton: string; contents: Uint8Array[] } {
  const contents: Uint8Array[] = []
  const rest: string[] = []
  let done = 0
  for (let found = tree.indexOf(CONTENT_START); found >= 0; found = tree.indexOf(CONTENT_START, done)) {
    const start = found + CONTENT_START.length - 2
    const list = parseIds(tree, start)
    const end = list === undefined ? start : start + 1 + (list.length / ID_LENGTH) * STRIDE
    rest.push(tree.toString('utf8', done, start))
    if (list === undefined) {
      rest.push('[')
      done = start + 1
    } else {
      rest.push(String(contents.push(list) - 1))
      done = end
    }
  }
  rest.push(tree.toString('utf8', done))
  return { skeleton: rest.join(''), contents }
}

/** IDs of a list that begins at `start` with `[`, or undefined when it is not in the form Go writes. */
function parseIds(tree: Buffer, start: number): Uint8Array | undefined {
  const end = tree.indexOf(0x5d, start)
  const count = (end - start) / STRIDE
  if (end < 0 || !Number.isInteger(count)) return undefined
  const ids = Buffer.alloc(count * ID_LENGTH)
  for (let i = 0; i < count; i++) {
    const written = ids.write(
      tree.toString('latin1', start + 2 + i * STRIDE, start + 66 + i * STRIDE),
      i * ID_LENGTH,
      'hex',
    )
    if (written !== ID_LENGTH) return undefined
  }
  return ids
}

function decodeNode(node: Record<string, unknown>, contents: readonly Uint8Array[]): TreeNode {
  const { name, type, content, subtree } = node
  if (typeof name !== 'string' || typeof type !== 'string') throw new Error('a node without name or type')
  return {
    ...(node as unknown as TreeNode),
    name: unquoteName(name),
    content: decodeContent(content, contents),
    ...(typeof subtree === 'string' && { subtree: blobId(subtree) }),
  }
}

function decodeContent(value: unknown, contents: readonly Uint8Array[]): Uint8Array | undefined {
  if (typeof value === 'number') return contents[value]
  if (!Array.isArray(value)) return undefined
  return Buffer.concat(value.map((id) => idBytes(blobId(String(id)))))
}
