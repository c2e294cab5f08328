import { endOf } from '@tidemark/blocks'
import { VHD_BLOCK, writeVhd } from '@tidemark/xenapi/vhd'
import type { Transfer } from './transfer.ts'
import { asDifference, changedVhdBlocks } from './vhd-difference.ts'

/** A dynamic VHD of a disk, or a differencing one of the blocks that are not as in `base`. */
export async function* vhdOf(
  { pool: { storage, options }, call }: Pick<Transfer, 'pool' | 'call'>,
  uuid: string,
  base: string | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const size = storage.sizeOf(uuid)
  const blocks =
    base === undefined
      ? [...new Set((await storage.allocatedExtents(uuid)).flatMap((each) => blocksOf(each.offset, endOf(each))))]
      : await changedVhdBlocks(storage, { from: base, to: uuid }, call.signal)
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

const blocksOf = (from: number, to: number): number[] => {
  const first = Math.floor(from / VHD_BLOCK)
  return Array.from({ length: Math.ceil(to / VHD_BLOCK) - first }, (_, index) => first + index)
}
