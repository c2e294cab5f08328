import { VHD_BLOCK } from '@tidemark/xenapi/vhd'
import type { Storage } from '../storage/index.ts'

/** The 2 MiB blocks in which two disks differ, ascending. A longer disk differs in what the shorter one lacks. */
export async function changedVhdBlocks(
  storage: Storage,
  { from, to }: { readonly from: string; readonly to: string },
  signal: AbortSignal,
): Promise<number[]> {
  const [older, newer] = [storage.sizeOf(from), storage.sizeOf(to)]
  const changed: number[] = []
  for (let block = 0; block * VHD_BLOCK < newer; block++) {
    signal.throwIfAborted()
    const start = block * VHD_BLOCK
    const length = Math.min(VHD_BLOCK, newer - start)
    const shared = Math.max(0, Math.min(length, older - start))
    const allocated = await Promise.all([
      storage.allocatedExtents(from, start, start + shared),
      storage.allocatedExtents(to, start, start + length),
    ])
    if (allocated.every(({ length }) => length === 0)) continue
    const [a, b] = await Promise.all([storage.read(from, start, shared), storage.read(to, start, length)])
    if (shared < length || Buffer.compare(a, b) !== 0) changed.push(block)
  }
  return changed
}

/** Offsets in a VHD's footer and header. VHD specification, "Hard Disk Footer Format", "Dynamic Disk Header Format". */
const FOOTER_BYTES = 512
const FOOTER_TYPE = 60
const FOOTER_CHECKSUM = 64
const HEADER_BYTES = 1024
const HEADER_CHECKSUM = 36
const HEADER_PARENT = 40
const DIFFERENCING = 4

/** Makes a differencing VHD of a dynamic one: what it lacks is as in the parent. */
export async function* asDifference(
  body: AsyncIterable<Uint8Array>,
  parentUuid: string,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of body) {
    if (startsWith(piece, 'conectix') && piece.length === FOOTER_BYTES) yield differencingFooter(piece)
    else if (startsWith(piece, 'cxsparse') && piece.length === HEADER_BYTES) yield withParent(piece, parentUuid)
    else yield piece
  }
}

const startsWith = (piece: Uint8Array, cookie: string): boolean =>
  Buffer.from(piece.buffer, piece.byteOffset, Math.min(8, piece.length)).toString('latin1') === cookie

function differencingFooter(footer: Uint8Array): Uint8Array {
  const changed = Buffer.from(footer)
  changed.writeUInt32BE(DIFFERENCING, FOOTER_TYPE)
  return withChecksum(changed, FOOTER_CHECKSUM)
}

function withParent(header: Uint8Array, uuid: string): Uint8Array {
  const changed = Buffer.from(header)
  Buffer.from(uuid.replaceAll('-', ''), 'hex').copy(changed, HEADER_PARENT)
  return withChecksum(changed, HEADER_CHECKSUM)
}

/** One's complement of the sum of all bytes, the checksum itself taken as zero. */
function withChecksum(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt32BE(0, at)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.writeUInt32BE(~sum >>> 0, at)
  return bytes
}
