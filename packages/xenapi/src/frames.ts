/** A stretch of a disk, in bytes. */
export interface Stretch {
  readonly offset: number
  readonly length: number
}

/** Bytes of data in one frame: vhd-tool's buffer, and far below the signed 32 bits that it counts with. */
const FRAME_MAX = 2 << 20
/** Offset (u64) and length (u32) of what follows, little-endian; a length of 0 ends. */
const HEAD = 12

/** Bytes that stretches take on the wire. */
export const framedLength = (stretches: readonly Stretch[]): number =>
  stretches.reduce((sum, { length }) => sum + length + Math.ceil(length / FRAME_MAX) * HEAD, HEAD)

/**
 * The framing of `import_raw_vdi?chunked`: data with the places where they go. vhd-tool writes each frame at its offset, zeros too,
 * and touches nothing else of the disk.
 * @param body the bytes of the stretches, one after the other, split anyhow; ends early or late at the upload's own check of length
 */
export async function* framed(
  stretches: readonly Stretch[],
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const heads = headsOf(stretches)
  let left = 0 // of the frame that was begun
  for await (let data of body) {
    while (data.length > 0) {
      if (left === 0) {
        const next = heads.next().value
        if (next === undefined) break
        left = next.length
        yield headOf(next)
      }
      const part = data.subarray(0, left)
      yield part
      left -= part.length
      data = data.subarray(part.length)
    }
    if (data.length > 0) yield data // more than was announced: the upload refuses it
  }
  yield headOf({ offset: 0, length: 0 })
}

function* headsOf(stretches: readonly Stretch[]): Generator<Stretch, undefined> {
  for (const { offset, length } of stretches) {
    for (let done = 0; done < length; done += FRAME_MAX) {
      yield { offset: offset + done, length: Math.min(FRAME_MAX, length - done) }
    }
  }
}

function headOf({ offset, length }: Stretch): Uint8Array {
  const head = new Uint8Array(HEAD)
  const view = new DataView(head.buffer)
  view.setBigUint64(0, BigInt(offset), true)
  view.setUint32(8, length, true)
  return head
}
