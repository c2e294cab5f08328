import type { NodeType, TreeNode } from '../format/tree.ts'

const BLOCK = 512
/** Go's FileMode bits that a tar archive has elsewhere. */
const GO_SETUID = 1 << 23
const GO_SETGID = 1 << 22
const GO_STICKY = 1 << 20
/** What eleven octal digits hold. */
const SIZE_MAX = 8 ** 11 - 1
const ID_MAX = 8 ** 7 - 1

const KINDS = {
  file: '0',
  symlink: '2',
  chardev: '3',
  dev: '4',
  dir: '5',
  fifo: '6',
  socket: '0',
} as const satisfies Record<NodeType, string>

/** Two blocks of zeros. */
export const tarEnd: Uint8Array = new Uint8Array(2 * BLOCK)

/** What fills the last block of a file of `size` bytes. */
export const tarPadding = (size: number): Uint8Array => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)

/** POSIX.1-2001: a ustar header, after an extended one for what does not fit it (long or foreign names, sizes from 8 GiB). */
export function tarHeader(name: string, node: TreeNode): Uint8Array {
  const path = node.type === 'dir' ? `${name}/` : name
  const size = node.type === 'file' ? (node.size ?? 0) : 0
  const link = node.linktarget ?? ''
  const records = [
    ...(isPlain(path) ? [] : [record('path', path)]),
    ...(isPlain(link) ? [] : [record('linkpath', link)]),
    ...(size <= SIZE_MAX ? [] : [record('size', String(size))]),
    ...(node.uid <= ID_MAX ? [] : [record('uid', String(node.uid))]),
    ...(node.gid <= ID_MAX ? [] : [record('gid', String(node.gid))]),
  ]
  const seconds = Math.max(0, Math.floor(Date.parse(node.mtime) / 1000)) || 0
  const fields = { path, link, size, seconds, mode: modeOf(node.mode ?? 0), kind: KINDS[node.type], ...ids(node) }
  const header = ustar(fields)
  if (records.length === 0) return header
  const extended = Buffer.concat(records)
  const lead = ustar({ ...fields, path: 'PaxHeaders/entry', link: '', size: extended.length, kind: 'x' })
  return Buffer.concat([lead, extended, tarPadding(extended.length), header])
}

interface UstarFields {
  readonly path: string
  readonly link: string
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly seconds: number
  readonly kind: string
}

function ustar({ path, link, size, mode, uid, gid, seconds, kind }: UstarFields): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(path.slice(0, 100), 0, 100)
  block.write(octal(mode, 7), 100)
  block.write(octal(uid, 7), 108)
  block.write(octal(gid, 7), 116)
  block.write(octal(size <= SIZE_MAX ? size : 0, 11), 124)
  block.write(octal(seconds, 11), 136)
  block.write('        ', 148)
  block.write(kind, 156)
  block.write(link.slice(0, 100), 157, 100)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148)
  return block
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')

const ids = ({ uid, gid }: TreeNode) => ({ uid: uid <= ID_MAX ? uid : 0, gid: gid <= ID_MAX ? gid : 0 })

const isPlain = (text: string): boolean => text.length <= 100 && /^[\x20-\x7e]*$/.test(text)

function modeOf(mode: number): number {
  const special = (bit: number, unix: number) => ((mode & bit) === 0 ? 0 : unix)
  return (mode & 0o777) | special(GO_SETUID, 0o4000) | special(GO_SETGID, 0o2000) | special(GO_STICKY, 0o1000)
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function record(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + 1
  while (length !== rest + String(length).length) length = rest + String(length).length
  return Buffer.from(`${length} ${key}=${value}\n`)
}
