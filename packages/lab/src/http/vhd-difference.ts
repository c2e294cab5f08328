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
