import { endOf, type Extents } from '@tidemark/blocks'
import { VHD_BLOCK, writeVhd } from '@tidemark/xenapi/vhd'
import { changedBlocks } from './difference.ts'
import type { Transfer } from './transfer.ts'
import { asDifference } from './vhd-difference.ts'

/** A dynamic VHD of a disk, or a differencing one of the blocks that are not as in `base`. */
export async function* vhdOf(
  { pool: { storage, options }, call }: Pick<Transfer, 'pool' | 'call'>,
  uuid: string,
  base: string | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const size = storage.sizeOf(uuid)
  const blocks: number[] = []
  if (base === undefined) blocks.push(...blocksIn(await storage.allocatedExtents(uuid)))
  else {
    const pair = { from: base, to: uuid, block: VHD_BLOCK }
    for await (const block of changedBlocks(storage, pair, call.signal)) blocks.push(block)
  }
  const { body } = writeVhd({
    size,
    blocks,
    uuid,
    created: options.clock.now(),
    read: (block) => {
      call.task?.progress((block * VHD_BLOCK) / size)
      return storage.read(uuid, block * VHD_BLOCK, Math.min(VHD_BLOCK, size - block * VHD_BLOCK))
    },
  })
  yield* base === undefined ? body : asDifference(body, base)
}

/** The blocks in which extents lie, ascending, each once. */
function* blocksIn(extents: Extents): Generator<number, void, void> {
  let next = 0
  for (const each of extents) {
    const end = Math.ceil(endOf(each) / VHD_BLOCK)
    for (next = Math.max(next, Math.floor(each.offset / VHD_BLOCK)); next < end; next++) yield next
  }
}
