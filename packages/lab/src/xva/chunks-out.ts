import { endOf } from '@tidemark/blocks'
import { isZero } from '../http/zero.ts'
import type { Storage } from '../storage/index.ts'
import { tarFile } from '../tar/write.ts'
import { xxhash64 } from './checksum.ts'

/** Bytes of a disk in one file of an archive. xapi: stream_vdi.ml */
const CHUNK = 1024 * 1024

/** One disk in an archive. */
export interface ChunkedDisk {
  /** The folder of its files. */
  readonly prefix: string
  readonly uuid: string
}

/**
 * A disk as files of an archive, each with its checksum behind it. Chunks of zeros are left out, but for the first and
 * the last one.
 * @param progress is told how many bytes of the disk have gone by
 */
export async function* chunksOf(
  storage: Storage,
  { prefix, uuid }: ChunkedDisk,
  progress: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const checksum = await xxhash64()
  const size = storage.sizeOf(uuid)
  const last = Math.ceil(size / CHUNK) - 1
  for await (const number of candidates(storage, uuid, last)) {
    const data = await storage.read(uuid, number * CHUNK, Math.min(CHUNK, size - number * CHUNK))
    progress(number * CHUNK)
    if (number !== 0 && number !== last && isZero(data)) continue
    const name = `${prefix}/${String(number).padStart(8, '0')}`
    yield* tarFile(name, data)
    yield* tarFile(`${name}.xxhash`, Buffer.from(checksum(data), 'latin1'))
  }
}

/** The first chunk, those that may hold something, and the last one: ascending, each once. */
async function* candidates(storage: Storage, uuid: string, last: number): AsyncGenerator<number, void, void> {
  let next = 0
  if (last >= 0) yield next++
  for (const each of await storage.allocatedExtents(uuid)) {
    const end = Math.ceil(endOf(each) / CHUNK)
    for (next = Math.max(next, Math.floor(each.offset / CHUNK)); next < end; next++) yield next
  }
  if (next <= last) yield last
}
