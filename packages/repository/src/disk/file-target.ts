import type { FileHandle } from 'node:fs/promises'
import type { Repository } from '../repository.ts'
import type { DiskContent } from './content.ts'
import { readContent } from './read.ts'

/**
 * Writes a disk into a file that is new, or a block device of only zeros: what is zero is left out. Not durable before the file's `sync`.
 * @param onWritten told the bytes of the disk that are done so far, holes included
 * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED (naming the pack); the system's errors; the signal's reason
 */
export async function writeToFile(
  repository: Repository,
  content: DiskContent,
  file: FileHandle,
  onWritten: (done: number) => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  await file.truncate(content.size)
  for await (const piece of readContent(repository, content, { holes: 'skip' }, signal)) {
    if (piece.data !== 'zero') await writeWhole(file, piece.data, piece.offset)
    onWritten(piece.offset + piece.length)
  }
}

/** Writes all of `data`, however many writes the system makes of it. */
async function writeWhole(file: FileHandle, data: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    done += (await file.write(data, done, data.length - done, offset + done)).bytesWritten
  }
}
