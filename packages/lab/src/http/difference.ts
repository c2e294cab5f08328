import { endOf, union } from '@tidemark/blocks'
import type { Storage } from '../storage/index.ts'

interface Pair {
  /** uuid of the older disk. */
  readonly from: string
  readonly to: string
  /** Bytes of a block. */
  readonly block: number
}

/** The blocks in which two disks differ, ascending. A longer disk differs in what it holds behind the end of the shorter. */
export async function* changedBlocks(
  storage: Storage,
  { from, to, block }: Pair,
  signal: AbortSignal,
): AsyncGenerator<number, void, void> {
  const [older, newer] = [storage.sizeOf(from), storage.sizeOf(to)]
  let next = 0
  for (const each of union(await storage.allocatedExtents(from), await storage.allocatedExtents(to))) {
    const end = Math.ceil(Math.min(endOf(each), newer) / block)
    for (next = Math.max(next, Math.floor(each.offset / block)); next < end; next++) {
      signal.throwIfAborted()
      const start = next * block
      const length = Math.min(block, newer - start)
      const shared = Math.max(0, Math.min(length, older - start))
      const [a, b] = await Promise.all([storage.read(from, start, shared), storage.read(to, start, length)])
      if (shared < length || Buffer.compare(a, b) !== 0) yield next
    }
  }
}
