import { extent, normalize, type Extent, type Extents } from '@tidemark/blocks'
import { ID_LENGTH } from '../id.ts'
import type { DiskContent } from './content.ts'
import { isZeroPiece } from './zero.ts'

/** Where a disk holds anything but zeros, by whole pieces. Known from the list alone: nothing is read. */
export const dataExtents = (content: DiskContent): Extents => normalize([...dataPieces(content)])

function* dataPieces({ length, sizes, ids }: DiskContent): Generator<Extent> {
  let at = 0
  let from = 0 // pieces that touch are one
  for (let piece = 0; piece < length; piece++) {
    const size = sizes[piece] ?? 0
    if (isZeroPiece(size, ids, piece * ID_LENGTH)) {
      if (at > from) yield extent(from, at - from)
      from = at + size
    }
    at += size
  }
  if (at > from) yield extent(from, at - from)
}
