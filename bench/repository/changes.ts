import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { CBT_BLOCK } from '@tidemark/blocks'

const SHARE = 0.02
/** Of the disk: where most writes go, day after day. */
const HOT_SHARE = 0.1
/** Of the writes of a later day. */
const HOT_WRITES = 0.9
/** Longest stretch of the disk that is hot as a whole, in blocks: 4 MiB, as databases and logs are. */
const HOT_RUN = 64

/**
 * The 64 KiB blocks that change on one day, a fiftieth of the disk, in runs of 1 to 4, ascending. On day 0 anywhere: the
 * worst for a grid. Later nine of ten in the hot tenth of the disk, which stays the same.
 */
export function changesOf(size: number, day: number): number[] {
  const count = Math.floor(size / CBT_BLOCK)
  const blocks = new Set<number>()
  for (let i = 0; blocks.size < count * SHARE; i++) {
    const hash = createHash('sha256').update(`${day}:${i}`).digest()
    const [place, run, heat] = [hash.readUInt32BE(0), (hash[4] ?? 0) % 4, (hash[5] ?? 0) / 256]
    const first = day > 0 && heat < HOT_WRITES ? hotBlock(place, count) : place % count
    for (let n = 0; n <= run; n++) blocks.add((first + n) % count)
  }
  return [...blocks].toSorted((a, b) => a - b)
}

/** The hot tenth lies in stretches at even distances. */
function hotBlock(place: number, count: number): number {
  const hot = place % Math.max(1, Math.floor(count * HOT_SHARE))
  return (Math.floor(hot / HOT_RUN) * (HOT_RUN / HOT_SHARE) + (hot % HOT_RUN)) % count
}

/** Overwrites blocks of a file with random bytes. Answers how to undo it. */
export function overwrite(path: string, blocks: readonly number[], seed: string): () => void {
  const file = openSync(path, 'r+')
  const before = blocks.map((block) => {
    const old = Buffer.alloc(CBT_BLOCK)
    readSync(file, old, 0, CBT_BLOCK, block * CBT_BLOCK)
    const data = createHash('shake128', { outputLength: CBT_BLOCK }).update(`${seed}:${block}`).digest()
    writeSync(file, data, 0, CBT_BLOCK, block * CBT_BLOCK)
    return { block, old }
  })
  closeSync(file)
  return () => {
    const again = openSync(path, 'r+')
    for (const { block, old } of before) writeSync(again, old, 0, CBT_BLOCK, block * CBT_BLOCK)
    closeSync(again)
  }
}
