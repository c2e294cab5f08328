import { apiFailure } from '../calls/failure.ts'
import { withPieces, type Pieces } from '../streams/pieces.ts'
import type { DiskSink } from './sink.ts'

const PIECE = 1024 * 1024

export const ioError = () => apiFailure('VDI_IO_ERROR', 'Device I/O errors')

/**
 * Exactly as many bytes as announced. Fewer than the disk has leave the rest as it was; more are an error.
 * @param length bytes; undefined: as many as the disk has
 */
export async function takeRaw(
  body: AsyncIterable<Uint8Array>,
  sink: DiskSink,
  length: number | undefined,
): Promise<void> {
  if (length === 0) throw ioError()
  const wanted = Math.min(length ?? sink.size, sink.size)
  await withPieces(body, async (input) => {
    for (let at = 0; at < wanted; at += PIECE) {
      await sink.write(at, await input.take(Math.min(PIECE, wanted - at)))
      sink.progress(at / wanted)
    }
  })
  if (length !== undefined && length > sink.size) throw ioError()
}

/** Frames of a 12-byte little-endian head, offset (u64) and length (u32), and data; 0, 0 ends. */
export function takeFramed(body: AsyncIterable<Uint8Array>, sink: DiskSink): Promise<void> {
  return withPieces(body, async (input) => {
    for (;;) {
      const head = await input.take(12)
      const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
      const [offset, length] = [Number(view.getBigUint64(0, true)), view.getUint32(8, true)]
      if (length === 0) return
      if (offset + length > sink.size) throw ioError()
      await takeFrame(input, sink, { offset, length })
    }
  })
}

async function takeFrame(
  input: Pieces,
  sink: DiskSink,
  { offset, length }: { readonly offset: number; readonly length: number },
): Promise<void> {
  for (let done = 0; done < length; done += PIECE) {
    await sink.write(offset + done, await input.take(Math.min(PIECE, length - done)))
  }
}
