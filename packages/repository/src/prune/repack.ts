import { forEachBounded, mapInOrder } from '@tidemark/blocks'
import { filePath } from '../backends/backend.ts'
import { compress, DATA_LEVEL, METADATA_LEVEL } from '../format/compression.ts'
import { SEAL_OVERHEAD } from '../format/crypto.ts'
import { encodeIndexedPack } from '../format/index-file.ts'
import { blobName, type PackedBlob } from '../format/pack.ts'
import { release } from '../garbage.ts'
import type { BlobType } from '../id.ts'
import { PackBuilder, packsAtOnce, type FinishedPack } from '../pack-builder.ts'
import type { ProvenStretch } from '../reader.ts'
import type { Repository } from '../repository.ts'
import { openBlob } from '../sealing/batch.ts'
import { stretches } from '../stretches.ts'
import { damaged } from '../unpacked.ts'
import { UNUSED } from './mark.ts'
import { packsOf } from './pack-tally.ts'
import type { PrunePlan } from './plan.ts'

/** A new pack, as an index has it. */
export interface NewPack {
  readonly name: string
  readonly blobs: number
  readonly json: string
}

/** Stretches that are read and proven ahead of the one that is copied. */
const STRETCHES_AHEAD = 4

/**
 * Writes the used blobs of the packs to be repacked into new packs, each opened and compared before: read ahead, proven in the sealing threads, saved
 * beside. Sealed bytes are taken over as they are, but for what shall be compressed.
 * @param onPack told how many of the old packs are through
 * @param onSaving told of a new pack before it is saved
 * @throws RepositoryError REPOSITORY_DAMAGED, naming the pack
 */
export async function repackBlobs(
  repository: Repository,
  plan: PrunePlan,
  onPack: (done: number) => void,
  onSaving: (pack: NewPack) => void,
  signal: AbortSignal,
): Promise<void> {
  if (plan.repack.size === 0) return
  const { backend } = repository
  await leaveKept(repository, plan, signal)
  const save = async ({ id, bytes, blobs }: FinishedPack, stop: AbortSignal) => {
    onSaving({ name: id, blobs: blobs.length, json: encodeIndexedPack({ pack: id, blobs }) })
    await backend.save({ type: 'data', name: id }, bytes, stop)
    release(bytes)
  }
  const packs = newPacks(repository, plan, onPack, signal)
  await forEachBounded(packs, packsAtOnce(backend, plan.options.packSize), save, signal)
}

/** What lies in a pack that stays needs no copy. */
async function leaveKept(repository: Repository, plan: PrunePlan, signal: AbortSignal): Promise<void> {
  const index = repository.blobs.index()
  for await (const { packs } of packsOf(repository, plan.tallies, signal)) {
    for (const { pack, blobs } of packs) {
      if (plan.repack.has(pack) || plan.remove.has(pack)) continue
      for (const { type, id } of blobs) plan.marks[index.find(type, id)] = UNUSED
    }
  }
}

/** Old blobs in new packs. */
async function* newPacks(
  repository: Repository,
  plan: PrunePlan,
  onPack: (done: number) => void,
  signal: AbortSignal,
): AsyncGenerator<FinishedPack, void, void> {
  const builders: { [Type in BlobType]?: PackBuilder } = {}
  const prove = async (job: Job, stop: AbortSignal) =>
    job.kind === 'end' ? job : { ...job, stretch: await repository.blobs.reader.prove(job.pack, job.blobs, stop) }
  let done = 0
  for await (const job of mapInOrder(jobsOf(repository, plan, signal), STRETCHES_AHEAD, prove, signal)) {
    if (job.kind === 'end') {
      onPack(++done)
      continue
    }
    using stretch = soundStretch(job)
    for (const blob of job.blobs) {
      const at = blob.offset - job.blobs[0].offset
      const copy = recompressed(repository, plan, job.pack, blob, stretch.bytes.subarray(at, at + blob.length))
      const builder = (builders[blob.type] ??= new PackBuilder(blob.type))
      builder.add(blob.id, copy.sealed, copy.uncompressedLength)
      if (builder.length < plan.options.packSize) continue
      delete builders[blob.type]
      yield builder.finish(repository.sealer)
    }
  }
  for (const builder of [builders.data, builders.tree])
    if (builder !== undefined) yield builder.finish(repository.sealer)
}

/** Blobs that lie near each other in an old pack. */
interface Stretch {
  readonly kind: 'stretch'
  readonly pack: string
  readonly blobs: readonly [PackedBlob, ...PackedBlob[]]
}

/** What is to be done, in order: the stretches of a pack, and its end. */
type Job = Stretch | { readonly kind: 'end' }

async function* jobsOf(repository: Repository, plan: PrunePlan, signal: AbortSignal): AsyncGenerator<Job, void, void> {
  const index = repository.blobs.index()
  for await (const { packs } of packsOf(repository, plan.tallies, signal)) {
    for (const { pack, blobs } of packs) {
      if (!plan.repack.has(pack)) continue
      const wanted = blobs.filter((blob) => {
        const entry = index.find(blob.type, blob.id)
        const isWanted = plan.marks[entry] !== UNUSED
        plan.marks[entry] = UNUSED // no second copy from another pack
        return isWanted
      })
      for (const stretch of stretches(wanted.sort((a, b) => a.offset - b.offset))) {
        yield { kind: 'stretch', pack, blobs: stretch }
      }
      yield { kind: 'end' }
    }
  }
}

function soundStretch({ pack, blobs, stretch }: Stretch & { readonly stretch: ProvenStretch }): ProvenStretch {
  const { flaw } = stretch
  if (flaw === undefined) return stretch
  throw unsound(pack, blobs[flaw.blob] ?? blobs[0], flaw.reason)
}

function recompressed(repository: Repository, plan: PrunePlan, pack: string, blob: PackedBlob, sealed: Uint8Array) {
  const { uncompressedLength } = blob
  const isWanted = blob.type === 'tree' || plan.options.repackUncompressed
  if (uncompressedLength !== 0 || !isWanted || sealed.length <= SEAL_OVERHEAD) return { sealed, uncompressedLength }
  const plain = openBlob(sealed, uncompressedLength, blob.id, repository.sealer)
  if (typeof plain === 'string') throw unsound(pack, blob, plain)
  const frame = compress(plain, blob.type === 'tree' ? METADATA_LEVEL : DATA_LEVEL)
  return { sealed: repository.sealer.seal(frame), uncompressedLength: plain.length }
}

const unsound = (pack: string, blob: PackedBlob, reason: string) =>
  damaged(filePath({ type: 'data', name: pack }), `${blobName(blob)}: ${reason}; nothing was pruned`)
