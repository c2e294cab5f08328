import { blockIndex, bytes, CBT_BLOCK, emptyBitmap, mark, toBitmap } from '@tidemark/blocks'
import { writeQcow2 } from '../qcow2/write.ts'
import { changedBlocks } from './difference.ts'
import type { Transfer } from './transfer.ts'

/**
 * A qcow2 image of a disk, or of the clusters that are not as in `base`. It names no backing file, as xapi's does not: who
 * wants the whole disk writes it over the base.
 */
export async function* qcow2Of(
  { pool: { storage }, call }: Pick<Transfer, 'pool' | 'call'>,
  uuid: string,
  base: string | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const size = storage.sizeOf(uuid)
  const clusters = base === undefined ? toBitmap(await storage.allocatedExtents(uuid), size) : emptyBitmap(size)
  if (base !== undefined) {
    const changed = changedBlocks(storage, { from: base, to: uuid, block: CBT_BLOCK }, call.signal)
    for await (const cluster of changed) mark(clusters, blockIndex(cluster))
  }
  yield* writeQcow2({
    size,
    clusters,
    read: (cluster) => {
      const offset = cluster * CBT_BLOCK
      call.task?.progress(offset / size)
      return storage.read(uuid, offset, Math.min(CBT_BLOCK, bytes(size - offset)))
    },
  })
}
