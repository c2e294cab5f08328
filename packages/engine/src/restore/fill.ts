import { bytes, changedExtents, extent, normalize, totalLength, type Bytes, type Extents } from '@tidemark/blocks'
import {
  compareContent,
  dataExtents,
  readExtents,
  wholePieces,
  type DiskContent,
  type Repository,
} from '@tidemark/repository'
import { EngineError } from '../error.ts'
import type { OnDisk } from '../events.ts'
import type { DiskSource, Pool, SourceKind } from '../pool.ts'
import type { DiskRecord } from '../vm-record.ts'
import { zeros } from '../zeros.ts'
import { progressOf } from './disks.ts'

/**
 * How disks of a pool are read back after they were written; 'off' trusts the pool, 'auto' takes a VHD stream, which leaves holes out, for
 * those that are large and sparse, and NBD for the others.
 */
export type ReadBack = SourceKind | 'auto' | 'off'

/** A disk of a point, and the disk of a pool that is to become equal to it. */
export interface Filling {
  readonly pool: Pool
  readonly repository: Repository
  readonly onDisk: OnDisk
  readonly record: DiskRecord
  readonly content: DiskContent
  readonly vdiUuid: string
  readonly readBack: ReadBack
}

/** What a disk's restore moved, in bytes of disk. */
export interface Filled {
  /** Sent to the pool: zeros that were there already are not. */
  readonly written: Bytes
  /** Read from the pool and compared with the point, before and after writing. */
  readonly compared: Bytes
  /** Whether the disk was read back as a whole after the last write, or before when nothing had to be written, and is the point's. */
  readonly isVerified: boolean
}

/**
 * Fills a new disk: only what is not zero is sent, where new disks of its storage read as zeros, and is read back.
 * @throws EngineError ENGINE_MISMATCH when the pool holds something else afterwards
 */
export async function fillNewDisk(filling: Filling, isZeroed: boolean, signal?: AbortSignal): Promise<Filled> {
  const { content } = filling
  const written = await write(filling, isZeroed ? dataExtents(content) : whole(content), signal)
  if (filling.readBack === 'off') return done(filling, { written, compared: bytes(0), isVerified: false })
  const wrong = await differing(filling, whole(content), signal)
  if (wrong.length > 0) throw mismatch(filling, wrong)
  return done(filling, { written, compared: content.size, isVerified: true })
}

/**
 * Makes a disk that holds something else equal to the point by writing only what differs.
 * @param suspects where it may differ, as the pool's tracking tells; undefined: anywhere. What tracking hid is found by the
 *   reading back, and written too
 * @param beforeWriting awaited before the first byte of the disk is changed; not called when nothing differs
 * @throws EngineError ENGINE_MISMATCH when it still differs after that
 */
export async function fillOver(
  filling: Filling,
  suspects: Extents | undefined,
  beforeWriting: () => Promise<void>,
  signal?: AbortSignal,
): Promise<Filled> {
  const { content, readBack } = filling
  const all = whole(content)
  let where = suspects === undefined ? all : wholePieces(content, suspects)
  let [written, compared] = [0, 0]
  let isBegun = false
  for (let pass = 1; ; pass++) {
    const wasWhole = totalLength(where) === content.size
    const wrong = where.length === 0 ? [] : await differing(filling, where, signal)
    compared += totalLength(where)
    if (wrong.length === 0 && (wasWhole || readBack === 'off')) {
      return done(filling, { written: bytes(written), compared: bytes(compared), isVerified: wasWhole })
    }
    if (pass > PASSES_MAX) throw mismatch(filling, wrong)
    if (wrong.length > 0) {
      if (!isBegun) await beforeWriting()
      isBegun = true
      written += await write(filling, wrong, signal)
      if (readBack === 'off')
        return done(filling, { written: bytes(written), compared: bytes(compared), isVerified: false })
    }
    where = all
  }
}

/**
 * A VHD stream brings blocks of 2 MiB that hold data and nothing of the others, where NBD brings every byte; for what both bring NBD is
 * faster, having several requests under way. A VHD has no more than 2040 GiB.
 */
export function sparseReader(content: DiskContent): 'vhd' | 'nbd' {
  const blocks = dataExtents(content).map(({ offset, length }) => {
    const first = Math.floor(offset / VHD_BLOCK) * VHD_BLOCK
    const end = Math.min(Math.ceil((offset + length) / VHD_BLOCK) * VHD_BLOCK, content.size)
    return extent(first, end - first)
  })
  const streamed = totalLength(normalize(blocks))
  const isWorthIt = content.size - streamed >= HOLES_LEAST && streamed <= content.size / 4
  return isWorthIt && content.size <= VHD_MOST ? 'vhd' : 'nbd'
}

const VHD_BLOCK = 2 * 1024 ** 2
const VHD_MOST = 2040 * 1024 ** 3
/** Less is read over NBD in a few seconds. */
const HOLES_LEAST = 1024 ** 3

/** The suspected, what tracking hid of it, and the proof: what differs then was written and did not stay. */
const PASSES_MAX = 2

function done({ onDisk, record }: Filling, filled: Filled): Filled {
  onDisk(progressOf(record, record.size, 'done'))
  return filled
}

const whole = ({ size }: DiskContent): Extents => [extent(0, size)]

async function write(filling: Filling, wanted: Extents, signal: AbortSignal | undefined): Promise<Bytes> {
  const { pool, repository, content, vdiUuid, onDisk, record } = filling
  const extents = pool.restore.writesParts ? wanted : whole(content)
  if (extents.length === 0) return bytes(0)
  const report = (moved: number) => onDisk(progressOf(record, moved, 'writing'))
  const body = () => bytesOf(repository, content, extents, report, signal)
  await pool.restore.writeDisk(vdiUuid, { extents, body }, signal)
  return totalLength(extents)
}

async function* bytesOf(
  repository: Repository,
  content: DiskContent,
  extents: Extents,
  onMoved: (moved: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of readExtents(repository, content, extents, signal)) {
    if (piece.data === 'zero') yield* zeros(piece.length)
    else yield piece.data
    onMoved(piece.offset + piece.length)
  }
}

/** Where the pool's disk is not what the point holds, in blocks of 64 KiB. @param extents whole pieces */
async function differing(
  { pool, repository, content, vdiUuid, onDisk, record, readBack }: Filling,
  extents: Extents,
  signal: AbortSignal | undefined,
): Promise<Extents> {
  const isWhole = totalLength(extents) === content.size
  const chosen = readBack === 'auto' && isWhole ? sparseReader(content) : 'nbd'
  const kind = readBack === 'auto' || readBack === 'off' ? chosen : readBack
  await using source = await openBack(pool, vdiUuid, kind, readBack === 'auto', signal)
  const report = (moved: number) => onDisk(progressOf(record, moved, 'comparing'))
  const bitmap = await compareContent(repository, content, extents, source.read(extents, signal), report, signal)
  return changedExtents(bitmap, content.size)
}

/** A pool without an NBD network can still be read as a stream, and one that gives no VHD of a disk over NBD, where that was our choice. */
async function openBack(
  pool: Pool,
  vdiUuid: string,
  kind: SourceKind,
  isOurChoice: boolean,
  signal: AbortSignal | undefined,
): Promise<DiskSource> {
  try {
    return await pool.openDisk(vdiUuid, kind, signal)
  } catch (error) {
    if (kind === 'vhd' && isOurChoice && signal?.aborted !== true) return openBack(pool, vdiUuid, 'nbd', true, signal)
    if (kind !== 'nbd' || !(error instanceof EngineError) || error.code !== 'ENGINE_NO_NBD') throw error
    return pool.openDisk(vdiUuid, 'raw', signal)
  }
}

const mismatch = ({ record, vdiUuid }: Filling, wrong: Extents): EngineError =>
  new EngineError(
    'ENGINE_MISMATCH',
    `disk ${record.position} was written, but reads back differently in ${totalLength(wrong)} bytes, the first at ` +
      `${wrong[0]?.offset ?? 0} (VDI ${vdiUuid}): the storage does not keep what it is given, or somebody else writes to it`,
  )
