import { bytes, endOf, extent, type Bytes, type Extent, type Extents } from '@tidemark/blocks'
import { readContent, type Repository } from '@tidemark/repository'
import { EngineError } from './error.ts'
import type { OnDisk } from './events.ts'
import type { OpenPoint } from './points.ts'
import type { Chunk, DiskSource, Pool, Vm } from './pool.ts'
import { changedSincePoint, contentOf, progressOf } from './restore/disks.ts'
import type { DiskRecord } from './vm-record.ts'
import { zeros } from './zeros.ts'

/** What verifying one disk of a point found. */
export interface DiskVerdict {
  readonly record: DiskRecord
  /** Bytes of the disk that are no zeros and whose blobs were read, decrypted and hashed. */
  readonly checked: Bytes
  /** Where the compared disk differs, merged, in bytes; empty when it is equal or nothing was compared. */
  readonly differences: readonly Extent[]
  /** Whether another disk was read and compared. */
  readonly compared: boolean
}

/** Differences that are listed; a disk that differs everywhere needs no longer list. */
const DIFFERENCES_MAX = 1000

/**
 * Reads every blob that a disk of the point consists of: each must decrypt and have the SHA-256 that its ID says.
 * With `other`, also compares byte for byte what that disk holds now.
 * @throws RepositoryError for a missing or damaged blob, naming the file
 */
export async function verifyDisk(
  context: { readonly repository: Repository; readonly onDisk: OnDisk },
  point: OpenPoint,
  record: DiskRecord,
  other: DiskSource | undefined,
  signal?: AbortSignal,
): Promise<DiskVerdict> {
  const content = await contentOf(point, record, signal)
  if (other !== undefined && other.size !== record.size) {
    throw new EngineError(
      'ENGINE_MISMATCH',
      `disk ${record.position} has ${record.size} bytes in the restore point, but ${other.size} on the pool`,
    )
  }
  const differences: Extent[] = []
  let checked = 0
  await using theirs = other === undefined ? undefined : reader(other.read([extent(0, record.size)], signal))
  for await (const { offset, length, data } of readContent(context.repository, content, { holes: 'zeros' }, signal)) {
    if (data !== 'zero') checked += data.length
    if (theirs !== undefined) await compare(theirs, { offset, length, data }, differences)
    context.onDisk(progressOf(record, offset + length, 'comparing'))
  }
  context.onDisk(progressOf(record, record.size, 'done'))
  return { record, checked: bytes(checked), differences, compared: other !== undefined }
}

/** A disk of the pool that a point's disk is compared with. */
export interface Counterpart extends AsyncDisposable {
  /** `snapshot`: the one that the point was made of; `disk`: the live disk, which may have changed since; `other`: another VM's. */
  readonly kind: 'snapshot' | 'disk' | 'other'
  readonly source: DiskSource
  /** What may differ, as it was written since the point; undefined where nothing tells. */
  readonly since: Extents | undefined
}

/**
 * The disk that a point's disk was made of: its snapshot while the pool still has that with its data, which must be equal whatever the VM
 * writes; else the live disk.
 */
export async function openCounterpart(pool: Pool, record: DiskRecord, signal?: AbortSignal): Promise<Counterpart> {
  if (record.snapshot !== null && (await pool.holdsData(record.snapshot, signal))) {
    return counterpart('snapshot', await pool.openDisk(record.snapshot, 'nbd', signal), [])
  }
  const since = await writtenSince(pool, record, signal) // before a reader holds the disk
  return counterpart('disk', await pool.openDisk(record.vdi, 'nbd', signal), since)
}

/** The disk of another VM at the point's position. @throws EngineError ENGINE_DISK_UNKNOWN */
export async function openOther(pool: Pool, vm: Vm, record: DiskRecord, signal?: AbortSignal): Promise<Counterpart> {
  const disk = vm.disks.find(({ position }) => position === record.position)
  if (disk !== undefined) return counterpart('other', await pool.openDisk(disk.vdiUuid, 'nbd', signal), undefined)
  const message = `VM '${vm.name}' has no disk at position ${record.position} to compare with`
  throw new EngineError('ENGINE_DISK_UNKNOWN', message)
}

const counterpart = (kind: Counterpart['kind'], source: DiskSource, since: Extents | undefined): Counterpart => ({
  kind,
  source,
  since,
  [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
})

/**
 * What was written to a disk since the point's snapshot, by the pool's tracking: a difference elsewhere means that the point or the
 * tracking is wrong. Undefined where the pool cannot tell, as while a VM runs. To be asked before the disk is opened.
 */
async function writtenSince(pool: Pool, record: DiskRecord, signal?: AbortSignal): Promise<Extents | undefined> {
  if (record.snapshot === null) return undefined // nothing to ask the pool
  const state = await pool.restore.diskState(record.vdi, signal)
  return state === undefined || state.usedBy.length > 0 ? undefined : changedSincePoint(pool, record, signal)
}

interface Piece {
  readonly offset: number
  readonly length: number
  readonly data: Uint8Array | 'zero'
}

/** Compares in steps of 64 KiB, so that a difference is named by its block. */
async function compare(theirs: ChunkReader, piece: Piece, differences: Extent[]): Promise<void> {
  for (let at = 0; at < piece.length; at += step.length) {
    const length = Math.min(step.length, piece.length - at)
    const other = await theirs.take(length)
    const own = piece.data === 'zero' ? step.subarray(0, length) : piece.data.subarray(at, at + length)
    if (Buffer.compare(own, other) !== 0) addDifference(differences, extent(piece.offset + at, length))
  }
}

const step = new Uint8Array(65_536)

function addDifference(differences: Extent[], found: Extent): void {
  const last = differences.at(-1)
  if (last !== undefined && endOf(last) === found.offset) {
    differences[differences.length - 1] = extent(last.offset, last.length + found.length)
  } else if (differences.length < DIFFERENCES_MAX) differences.push(found)
}

interface ChunkReader extends AsyncDisposable {
  /** The next `length` bytes, exactly. @throws EngineError ENGINE_SOURCE when the stream ends early */
  take(length: number): Promise<Uint8Array>
}

function reader(chunks: AsyncIterable<Chunk>): ChunkReader {
  const iterator = dataOf(chunks)
  let rest: Uint8Array = new Uint8Array()
  const pull = async (): Promise<Uint8Array> => {
    const next = await iterator.next()
    if (next.done === true)
      throw new EngineError('ENGINE_SOURCE', 'the disk on the pool ended before its size; try again')
    return next.value
  }
  return {
    async take(length) {
      if (rest.length === 0) rest = await pull()
      if (rest.length >= length) {
        const whole = rest.subarray(0, length)
        rest = rest.subarray(length)
        return whole
      }
      const whole = new Uint8Array(length)
      for (let filled = 0; filled < length;) {
        if (rest.length === 0) rest = await pull()
        const part = rest.subarray(0, length - filled)
        whole.set(part, filled)
        filled += part.length
        rest = rest.subarray(part.length)
      }
      return whole
    },
    async [Symbol.asyncDispose]() {
      await iterator.return()
    },
  }
}

/** All bytes, holes as zeros. */
async function* dataOf(chunks: AsyncIterable<Chunk>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) {
    if (chunk.data === 'zero') yield* zeros(chunk.length)
    else yield chunk.data
  }
}
