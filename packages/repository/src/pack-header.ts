import type { FileName } from './backends/backend.ts'
import { readPackHeader, type PackedBlob } from './format/pack.ts'
import type { Repository } from './repository.ts'

/** Of the end of a pack, read at first: the header of some 1,700 blobs fits. */
const TAIL = 64 << 10
/** Longest header that is believed: 4 million blobs. */
const HEADER_MAX = 160 << 20

/**
 * What a pack says of itself, from its end.
 * @param size of the file, bytes
 * @throws Error that says what is wrong with the header; what the storage throws
 */
export async function loadPackHeader(
  { backend, sealer }: Pick<Repository, 'backend' | 'sealer'>,
  name: string,
  size: number,
  signal?: AbortSignal,
): Promise<PackedBlob[]> {
  const file: FileName = { type: 'data', name }
  const tail = (length: number) => backend.load(file, { offset: size - length, length }, signal)
  const end = await tail(Math.min(size, TAIL))
  const wanted =
    end.length < 4 ? 0 : Buffer.from(end.buffer, end.byteOffset, end.length).readUInt32LE(end.length - 4) + 4
  const isWithin = wanted <= end.length || wanted > Math.min(size, HEADER_MAX)
  return readPackHeader(isWithin ? end : await tail(wanted), sealer, size)
}
