import { open, type FileHandle } from 'node:fs/promises'
import { bytes, endOf, extent, mapInOrder, type Extent, type Extents } from '@tidemark/blocks'
import { RepositoryError } from '../error.ts'

/** Bytes of a file on their way into the repository. Good until the next ones are asked for: their memory is used again. */
export interface FileChunk {
  readonly offset: number
  readonly data: Uint8Array
}

/** Longest read: a base piece, so that it is taken over as it lies. */
const READ_MAX = 1 << 20
const READS_AHEAD = 4

/**
 * Reads stretches of a raw image or a block device, ascending, ahead of who takes them: a source for `writeContent`.
 * @throws RepositoryError REPOSITORY_INPUT when the file ends before an extent does; the system's errors; the signal's reason
 */
export async function* readFileExtents(
  path: string,
  extents: Extents,
  signal?: AbortSignal,
): AsyncGenerator<FileChunk, void, void> {
  await using file = await open(path, 'r')
  const spare: Uint8Array[] = []
  const read = async (each: Extent): Promise<FileChunk> => {
    const memory = spare.pop() ?? new Uint8Array(READ_MAX)
    await readWhole(file, path, memory, each)
    return { offset: each.offset, data: memory.subarray(0, each.length) }
  }
  for await (const chunk of mapInOrder(readsOf(extents), READS_AHEAD, read, signal)) {
    yield chunk
    spare.push(new Uint8Array(chunk.data.buffer))
  }
}

/** Stretches of at most `READ_MAX` bytes that cross no multiple of it. */
function* readsOf(extents: Extents): Generator<Extent> {
  for (const each of extents) {
    for (let at = each.offset; at < endOf(each);) {
      const end = Math.min((Math.floor(at / READ_MAX) + 1) * READ_MAX, endOf(each))
      yield extent(at, end - at)
      at = bytes(end)
    }
  }
}

async function readWhole(
  file: FileHandle,
  path: string,
  memory: Uint8Array,
  { offset, length }: Extent,
): Promise<void> {
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(memory, done, length - done, offset + done)
    if (bytesRead === 0)
      throw new RepositoryError('REPOSITORY_INPUT', `${path} ends at ${offset + done}, inside what was to be read`)
    done += bytesRead
  }
}
