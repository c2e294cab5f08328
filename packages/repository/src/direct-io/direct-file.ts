import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { forEachBounded } from '@tidemark/blocks'
import type { FileSystem, OpenFile } from '../backends/file-system.ts'
import { MemoryRing } from './aligned-memory.ts'

/*
 * Transfers past the page cache. Packs and restored disks are written once and seldom read soon: in the cache they push out what
 * others need, and making room for them costs ten times the processor time of the transfer itself (docs/benchmarks.md).
 */

/** Places, lengths and memory of a direct transfer are multiples of this: pages and the blocks of all disks divide it. */
export const DIRECT_BLOCK = 4096

/** Bytes of one transfer, and how many are under way for one file. */
const TRANSFER_BYTES = 1 << 20
const TRANSFERS_MAX = 2

/** Undefined on systems that have no such flag. */
const O_DIRECT: number | undefined = constants.O_DIRECT

/**
 * Opens a file for direct transfers, or for usual ones where the file system has no others.
 * @param flags `fs.constants` of `open`
 * @throws the system's errors
 */
export async function openDirect(
  fs: Pick<FileSystem, 'open' | 'rm'>,
  path: string,
  flags: number,
  mode?: number,
): Promise<{ file: OpenFile; isDirect: boolean }> {
  if (O_DIRECT === undefined) return { file: await fs.open(path, flags, mode), isDirect: false }
  try {
    return { file: await fs.open(path, flags | O_DIRECT, mode), isDirect: true }
  } catch (error) {
    if (!isRefusal(error)) throw error
    const isCreated = (flags & constants.O_EXCL) !== 0 // some systems refuse after they have made the file
    if (isCreated) await fs.rm(path, { force: true })
    return { file: await fs.open(path, flags, mode), isDirect: false }
  }
}

/** Opens a file that is open for writing once more, for direct writes. Undefined where that cannot be had. */
export async function reopenDirect(file: FileHandle): Promise<FileHandle | undefined> {
  if (O_DIRECT === undefined) return undefined
  try {
    return await open(`/proc/self/fd/${file.fd}`, constants.O_WRONLY | O_DIRECT)
  } catch {
    return undefined // usual writes do the same, only dearer
  }
}

/** Whether a failed direct transfer is worth a usual one: this file system or disk wants other multiples, or has none. */
export const isRefusal = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EINVAL'

/**
 * Writes a whole new file that `openDirect` made.
 * @throws the system's errors, EINVAL when the disk wants other multiples; the signal's reason
 */
export async function writeDirect(file: OpenFile, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  const write = async (start: number, inner: AbortSignal) => {
    const memory = ring.take()
    try {
      const part = bytes.subarray(start, start + TRANSFER_BYTES)
      memory.set(part)
      await writeBlocks(file, memory, blocksUp(part.length), start, inner)
    } finally {
      ring.give(memory)
    }
  }
  await forEachBounded(stretches(bytes.length), TRANSFERS_MAX, write, signal)
  await file.truncate(bytes.length) // the last block was written as a whole
}

/** Bytes of memory that a direct read of a stretch needs: whole blocks. */
export const directLength = (offset: number, length: number): number =>
  (offset % DIRECT_BLOCK) + blocksUp(length) + DIRECT_BLOCK

/**
 * Reads a stretch of a file that `openDirect` opened.
 * @param memory aligned, of `directLength` bytes or more
 * @returns the bytes, in `memory`; fewer when the file ends before
 * @throws the system's errors, EINVAL when the disk wants other multiples; the signal's reason
 */
export async function readDirect(
  file: OpenFile,
  memory: Uint8Array,
  { offset, length }: { readonly offset: number; readonly length: number },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const skip = offset % DIRECT_BLOCK
  let end = skip + length
  const read = async (start: number) => {
    const wanted = blocksUp(Math.min(TRANSFER_BYTES, skip + length - start))
    const { bytesRead } = await file.read(memory, start, wanted, offset - skip + start)
    if (bytesRead < wanted) end = Math.min(end, start + bytesRead)
  }
  await forEachBounded(stretches(skip + length), TRANSFERS_MAX, read, signal)
  return memory.subarray(skip, Math.max(skip, end))
}

const ring = new MemoryRing(TRANSFER_BYTES)

const stretches = (length: number): number[] =>
  Array.from({ length: Math.ceil(length / TRANSFER_BYTES) }, (_, i) => i * TRANSFER_BYTES)

async function writeBlocks(file: OpenFile, memory: Uint8Array, length: number, start: number, signal: AbortSignal) {
  for (let done = 0; done < length;) {
    signal.throwIfAborted()
    const { bytesWritten } = await file.write(memory, done, length - done, start + done)
    // A short write ends anywhere; the next begins at a block, and at the end of the disk answers why.
    done += bytesWritten - ((done + bytesWritten) % DIRECT_BLOCK)
  }
}

const blocksUp = (length: number): number => Math.ceil(length / DIRECT_BLOCK) * DIRECT_BLOCK
