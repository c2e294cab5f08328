import { bytes, complement, endOf } from '@tidemark/blocks'
import type { Storage } from '../storage/index.ts'

const PIECE = 1024 * 1024
const ZEROS = new Uint8Array(PIECE)

/** The whole disk, zeros included. What was never written is not read. */
export async function* rawOf(
  storage: Storage,
  uuid: string,
  progress: (fraction: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const size = storage.sizeOf(uuid)
  const data = await storage.allocatedExtents(uuid)
  const all = [
    ...data.map((each) => ({ ...each, zero: false })),
    ...complement(data, bytes(size)).map((each) => ({ ...each, zero: true })),
  ].sort((a, b) => a.offset - b.offset)
  for (const each of all) {
    for (let at: number = each.offset; at < endOf(each); at += PIECE) {
      const length = Math.min(PIECE, endOf(each) - at)
      yield each.zero ? ZEROS.subarray(0, length) : await storage.read(uuid, at, length)
      progress(at / size)
    }
  }
}
