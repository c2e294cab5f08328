import type { FileHandle } from 'node:fs/promises'
import { reopenDirect } from '../direct-io/direct-file.ts'
import { ID_LENGTH } from '../id.ts'
import type { Repository } from '../repository.ts'
import { idsOfPieces, type DiskContent } from './content.ts'
import { isZeroPiece } from './zero.ts'

/** Pieces whose packs are read in order, each pack once. 64 GiB of a disk at 1 MiB each, and some 20 MB of plans. */
const SECTION_PIECES = 65_536
/** Written bytes are sent on to the disk as they come: at the end there would be all of them to wait for. */
const SYNC_EVERY = 64 << 20

/**
 * Writes a disk into a file that is new, or a block device of only zeros: what is zero is left out. Durable when it resolves.
 * @param onWritten told how many bytes of the disk are done so far, holes included
 * @throws RepositoryError REPOSITORY_MISSING_BLOB, REPOSITORY_DAMAGED (naming the pack); the system's errors; the signal's reason
 */
export async function writeToFile(
  repository: Repository,
  content: DiskContent,
  file: FileHandle,
  onWritten: (done: number) => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  await repository.blobs.ready(signal)
  const { reader } = repository.blobs
  if ((await file.stat()).isFile()) await file.truncate(content.size)
  await using direct = await reopenDirect(file)
  const target = { file: file.fd, ...(direct !== undefined && { direct: direct.fd }) }
  const behind = new SyncBehind(file)
  let done = 0
  try {
    for (const { ids, offsets, zeros } of sectionsOf(content)) {
      const written = (length: number) => {
        onWritten((done += length))
        behind.wrote(length)
      }
      await reader.writeMany('data', ids, { offsets, ...target }, written, signal)
      if (zeros > 0) onWritten((done += zeros))
    }
  } finally {
    await behind.end()
  }
  behind.throwIfFailed()
  await file.sync()
}

/** A stretch of a disk's pieces. */
interface Section {
  /** Of the pieces that are not zero, packed. */
  readonly ids: Uint8Array
  /** Where they begin on the disk. */
  readonly offsets: Float64Array
  /** Bytes of the others. */
  readonly zeros: number
}

function* sectionsOf(content: DiskContent): Generator<Section> {
  let at = 0
  for (let first = 0; first < content.length; first += SECTION_PIECES) {
    const pieces: number[] = []
    const offsets: number[] = []
    let zeros = 0
    for (let i = first; i < Math.min(first + SECTION_PIECES, content.length); i++) {
      const size = content.sizes[i] ?? 0
      if (isZeroPiece(size, content.ids, i * ID_LENGTH)) zeros += size
      else {
        pieces.push(i)
        offsets.push(at)
      }
      at += size
    }
    yield { ids: idsOfPieces(content, pieces), offsets: Float64Array.from(offsets), zeros }
  }
}

/** Asks the system to write out what it holds, once in a while and beside other work. */
class SyncBehind {
  readonly #file: FileHandle
  #running: Promise<void> | undefined
  #failure: { readonly reason: unknown } | undefined
  #unsynced = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  wrote(length: number): void {
    this.#unsynced += length
    if (this.#unsynced < SYNC_EVERY || this.#running !== undefined) return
    this.#unsynced = 0
    this.#running = this.#sync()
  }

  async end(): Promise<void> {
    await this.#running
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.reason
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.datasync()
    } catch (reason) {
      this.#failure ??= { reason } // the system tells of it once: the last sync may know nothing any more
    }
    this.#running = undefined
  }
}
