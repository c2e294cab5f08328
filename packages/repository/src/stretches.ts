/** Blobs nearer than this in a pack are read with what lies between them, in bytes. */
const GAP_MAX = 128 << 10
/** Longest read of several blobs, in bytes; also the most that one sealing thread gets at once. */
export const STRETCH_MAX = 2 << 20

/** Where a blob lies. Without the pack's name all are of the same one. */
interface Place {
  readonly pack?: string
  readonly offset: number
  readonly length: number
}

/** Groups blobs into reads: over small gaps, up to the longest read. @param blobs by pack and offset */
export function* stretches<Blob extends Place>(blobs: Iterable<Blob>): Generator<[Blob, ...Blob[]]> {
  let stretch: [Blob, ...Blob[]] | undefined
  for (const blob of blobs) {
    if (stretch !== undefined && isNear(stretch, blob)) stretch.push(blob)
    else {
      if (stretch !== undefined) yield stretch
      stretch = [blob]
    }
  }
  if (stretch !== undefined) yield stretch
}

/** Bytes from the beginning of the first blob to the end of the last. */
export function stretchLength(stretch: readonly [Place, ...Place[]]): number {
  const last = stretch.at(-1) ?? stretch[0]
  return last.offset + last.length - stretch[0].offset
}

function isNear(stretch: readonly [Place, ...Place[]], { pack, offset, length }: Place): boolean {
  const [first] = stretch
  const end = first.offset + stretchLength(stretch)
  return pack === first.pack && offset - end <= GAP_MAX && offset + length - first.offset <= STRETCH_MAX
}
