import { filePath } from '../backends/backend.ts'
import { compress, DATA_LEVEL, METADATA_LEVEL } from '../format/compression.ts'
import { SEAL_OVERHEAD } from '../format/crypto.ts'
import { encodeIndexedPack } from '../format/index-file.ts'
import { blobName, type PackedBlob } from '../format/pack.ts'
import type { BlobType } from '../id.ts'
import { PackBuilder } from '../pack-builder.ts'
import type { Repository } from '../repository.ts'
import { openBlob } from '../sealing/batch.ts'
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

/** Blobs nearer than this are read with what lies between them. */
const GAP_MAX = 128 << 10
const READ_MAX = 8 << 20

/**
 * Writes the used blobs of the packs to be repacked into new packs, each opened and compared before. Sealed bytes are taken over as they are, but for what
 * shall be compressed.
 * @throws RepositoryError REPOSITORY_DAMAGED, naming the pack
 */
export async function repackBlobs(
  repository: Repository,
  plan: PrunePlan,
  onPack: (done: number) => void,
  onSaved: (pack: NewPack) => void,
  signal: AbortSignal,
): Promise<void> {
  if (plan.repack.size === 0) return
  const index = repository.blobs.index()
  await leaveKept(repository, plan, signal)
  const builders: { [Type in BlobType]?: PackBuilder } = {}
  const save = async (type: BlobType) => {
    const builder = builders[type]
    if (builder === undefined) return
    delete builders[type]
    const { id, bytes, blobs } = builder.finish(repository.sealer)
    onSaved({ name: id, blobs: blobs.length, json: encodeIndexedPack({ pack: id, blobs }) })
    await repository.backend.save({ type: 'data', name: id }, bytes, signal)
  }
  let done = 0
  for await (const { packs } of packsOf(repository, plan.tallies, signal)) {
    for (const { pack, blobs } of packs) {
      if (!plan.repack.has(pack)) continue
      const wanted = blobs.filter((blob) => {
        const entry = index.find(blob.type, blob.id)
        const isWanted = plan.marks[entry] !== UNUSED
        plan.marks[entry] = UNUSED // no second copy from another pack
        return isWanted
      })
      for await (const { blob, sealed } of readBlobs(repository, pack, wanted, signal)) {
        const copy = recompressed(repository, plan, pack, blob, sealed)
        const builder = (builders[blob.type] ??= new PackBuilder(blob.type))
        builder.add(blob.id, copy.sealed, copy.uncompressedLength)
        if (builder.length >= plan.options.packSize) await save(blob.type)
      }
      onPack(++done)
    }
  }
  await save('data')
  await save('tree')
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

/** The sealed blobs of a pack, by stretches that hold several. */
async function* readBlobs(repository: Repository, pack: string, blobs: readonly PackedBlob[], signal: AbortSignal) {
  const file = { type: 'data', name: pack } as const
  for (const group of stretches(blobs.toSorted((a, b) => a.offset - b.offset))) {
    const [first, last] = [group[0], group.at(-1)]
    if (first === undefined || last === undefined) continue
    const range = { offset: first.offset, length: last.offset + last.length - first.offset }
    const bytes = await repository.backend.load(file, range, signal)
    for (const blob of group) {
      const at = blob.offset - first.offset
      yield { blob, sealed: bytes.subarray(at, at + blob.length) }
    }
  }
}

function* stretches(blobs: readonly PackedBlob[]): Generator<PackedBlob[]> {
  let group: PackedBlob[] = []
  for (const blob of blobs) {
    const [first, last] = [group[0], group.at(-1)]
    const isNear =
      first !== undefined &&
      last !== undefined &&
      blob.offset - last.offset - last.length <= GAP_MAX &&
      blob.offset + blob.length - first.offset <= READ_MAX
    if (isNear) group.push(blob)
    else {
      yield group
      group = [blob]
    }
  }
  yield group
}

function recompressed(repository: Repository, plan: PrunePlan, pack: string, blob: PackedBlob, sealed: Uint8Array) {
  const { uncompressedLength } = blob
  const plain = openBlob(sealed, uncompressedLength, blob.id, repository.sealer)
  if (typeof plain === 'string') {
    throw damaged(filePath({ type: 'data', name: pack }), `${blobName(blob)}: ${plain}; nothing was pruned`)
  }
  const isWanted = blob.type === 'tree' || plan.options.repackUncompressed
  if (uncompressedLength !== 0 || !isWanted || sealed.length <= SEAL_OVERHEAD) return { sealed, uncompressedLength }
  const frame = compress(plain, blob.type === 'tree' ? METADATA_LEVEL : DATA_LEVEL)
  return { sealed: repository.sealer.seal(frame), uncompressedLength: plain.length }
}
