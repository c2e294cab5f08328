import { forEachBounded } from '@tidemark/blocks'
import { filePath } from '../backends/backend.ts'
import { MemoryRing } from '../direct-io/aligned-memory.ts'
import { directLength } from '../direct-io/direct-file.ts'
import type { BlobIndex } from '../blob-index.ts'
import { blobName } from '../format/pack.ts'
import { ID_LENGTH, type BlobType } from '../id.ts'
import { unlessUnreadable } from '../error.ts'
import { openBlob } from '../sealing/batch.ts'
import type { VerifyReply } from '../sealing/verify.ts'
import { attempt, type Check } from './context.ts'
import { verifyInParts, WHOLE_MAX } from './large-pack.ts'
import type { PackTable } from './pack-table.ts'
import { choosePacks, type DataSubset } from './subset.ts'

/** Bytes of packs in memory at once, unless a single one is larger. */
const MEMORY_MAX = 56 << 20

/** Loads packs: the hash of each, its header against the indexes, every blob. */
export async function checkData(
  check: Check,
  index: BlobIndex,
  packs: PackTable,
  subset: DataSubset | 'all',
): Promise<{ packs: number; bytes: number }> {
  const chosen = choosePacks(packs, subset)
  let bytes = 0
  let done = 0
  const one = async (pack: number, signal: AbortSignal) => {
    const name = packs.name(pack)
    const file = filePath({ type: 'data', name })
    const unreadable = await attempt(check, 'PACK_DAMAGED', file, async () => {
      const reply = await verify(check, name, packs.size(pack), ring, signal)
      bytes += packs.size(pack)
      const headless = compare(check, file, reply, packs.blobs(pack), index)
      tellDamaged(check, file, reply, index)
      if (headless) await verifyIndexed(check, name, index, signal)
    })
    if (unreadable !== undefined) check.losses.packs.set(name, unreadable)
    check.onProgress({ phase: 'packs', done: ++done, total: chosen.length })
  }
  const largest = chosen.reduce((most, pack) => Math.max(most, Math.min(packs.size(pack), WHOLE_MAX)), 1)
  const ring = new MemoryRing(directLength(0, largest))
  const atOnce = Math.min(check.pool.threads + 2, Math.max(1, Math.floor(MEMORY_MAX / largest)))
  await forEachBounded(chosen, atOnce, one, check.signal)
  return { packs: chosen.length, bytes }
}

async function verify(
  check: Check,
  name: string,
  size: number,
  ring: MemoryRing,
  signal: AbortSignal,
): Promise<VerifyReply> {
  if (size > WHOLE_MAX) return verifyInParts(check, name, size, signal)
  const memory = ring.take()
  try {
    const pack = await check.backend.load({ type: 'data', name }, 'all', signal, memory)
    return await check.pool.verify({ kind: 'verify', name, pack })
  } finally {
    ring.give(memory)
  }
}

/** What a pack says of itself, beside what the indexes say of it. Answers whether it says nothing. */
function compare(check: Check, file: string, reply: VerifyReply, indexed: number, index: BlobIndex): boolean {
  for (const problem of reply.problems) check.report('PACK_DAMAGED', file, problem)
  const count = reply.places.length / 4
  if (count !== indexed && reply.problems.length === 0) {
    check.report('INDEX_DIFFERS', file, `its header names ${count} blobs, the indexes ${indexed}`)
  }
  for (let i = 0; i < count; i++) {
    const entry = index.find(typeAt(reply, i), reply.ids, i * ID_LENGTH)
    if (entry < 0) check.report('INDEX_DIFFERS', file, `${nameAt(reply, i)} is in no index`)
    else if (!isSamePlace(index, entry, file, reply, i)) {
      check.report('INDEX_DIFFERS', file, `${nameAt(reply, i)} is not where the index says`)
    }
  }
  return count === 0
}

/** The blobs of a pack that says nothing of itself, by what the indexes say: they are found by it, and may all be whole. */
async function verifyIndexed(
  { backend, sealer, report, losses }: Check,
  name: string,
  index: BlobIndex,
  signal: AbortSignal,
): Promise<void> {
  const indexed = index.entries().filter(({ pack }) => pack === name)
  for (const { entry, type, id: view, offset, length, uncompressedLength } of indexed) {
    const id = view.slice()
    const sealed = await backend.load({ type: 'data', name }, { offset, length }, signal).catch(unlessUnreadable)
    const plain = sealed === undefined ? 'it cannot be read' : openBlob(sealed, uncompressedLength, id, sealer)
    if (typeof plain !== 'string') continue
    const file = filePath({ type: 'data', name })
    losses.blobs.set(entry, report('BLOB_DAMAGED', file, `${blobName({ type, id })}: ${plain}`))
  }
}

const isIn = (index: BlobIndex, entry: number, file: string): boolean =>
  filePath({ type: 'data', name: index.location(entry).pack }) === file

function isSamePlace(index: BlobIndex, entry: number, file: string, { places }: VerifyReply, i: number): boolean {
  if (!isIn(index, entry, file)) return true // stored more than once
  const { offset, length, uncompressedLength } = index.location(entry)
  return offset === places[i * 4 + 1] && length === places[i * 4 + 2] && uncompressedLength === places[i * 4 + 3]
}

/** A damaged blob that no index has, or has elsewhere, is nobody's loss. */
function tellDamaged(check: Check, file: string, reply: VerifyReply, index: BlobIndex): void {
  for (const { blob, reason } of reply.damaged) {
    const finding = check.report('BLOB_DAMAGED', file, `${nameAt(reply, blob)}: ${reason}`)
    const entry = index.find(typeAt(reply, blob), reply.ids, blob * ID_LENGTH)
    if (entry >= 0 && isIn(index, entry, file)) check.losses.blobs.set(entry, finding)
  }
}

const typeAt = ({ places }: VerifyReply, i: number): BlobType => (places[i * 4] === 1 ? 'tree' : 'data')

const nameAt = (reply: VerifyReply, i: number): string =>
  blobName({ type: typeAt(reply, i), id: reply.ids.subarray(i * ID_LENGTH, (i + 1) * ID_LENGTH) })
