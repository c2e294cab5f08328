import { createHash } from 'node:crypto'
import { extent, normalize, subtract, type Extent } from '@tidemark/blocks'
import { ID_LENGTH } from '../id.ts'
import type { Repository } from '../repository.ts'
import { isZeros, MISSING, type PieceRun } from './pieces.ts'
import type { ContentPlan } from './plan.ts'
import { stepsOf } from './steps.ts'

/** Names what a plan writes, piece by piece: the pieces of a plan with another layout are other pieces. 64 hex characters. */
export function layoutOf(plan: ContentPlan): string {
  const hash = createHash('sha256')
  const place = Buffer.alloc(17)
  for (const { offset, length, from } of stepsOf(plan)) {
    place.writeDoubleLE(offset, 0)
    place.writeDoubleLE(length, 8)
    place[16] = from === undefined ? 1 : 0
    hash.update(place)
  }
  return hash.digest('hex')
}

/**
 * The rest of a plan of which an earlier try wrote pieces. A piece counts as written when the repository's index has its blob now, with
 * the right size: what a prune took meanwhile is read again.
 * @param runs of a plan with the same `layoutOf`; a later run replaces what an earlier one says
 */
export async function continueContent(
  repository: Repository,
  plan: ContentPlan,
  runs: readonly PieceRun[],
  signal?: AbortSignal,
): Promise<ContentPlan> {
  await repository.blobs.ready(signal)
  const ids = gathered(runs)
  const sizes = sizesOf(repository, ids)
  const extents = normalize([...donePlaces(plan, ids, sizes)])
  return { ...plan, reads: subtract(plan.reads, extents), done: { ids, extents } }
}

function gathered(runs: readonly PieceRun[]): Uint8Array {
  const most = Math.max(0, ...runs.map(({ first, ids }) => first + ids.length / ID_LENGTH))
  const all = new Uint8Array(most * ID_LENGTH).fill(0xff)
  for (const { first, ids } of runs) all.set(ids, first * ID_LENGTH)
  return all
}

/** What the index knows of each: 0 for no such blob. */
function sizesOf(repository: Repository, ids: Uint8Array): Uint32Array {
  const sizes = new Uint32Array(ids.length / ID_LENGTH)
  repository.blobs.index().findMany('data', ids, (position, entry, size) => {
    if (entry >= 0) sizes[position] = size
  })
  return sizes
}

/** Places of pieces that need not be written. Strikes the others out of `ids`. */
function* donePlaces(plan: ContentPlan, ids: Uint8Array, sizes: Uint32Array): Generator<Extent> {
  let piece = 0
  for (const { offset, length, from } of stepsOf(plan)) {
    if (from !== undefined) continue
    if (piece === sizes.length) return
    const id = ids.subarray(piece * ID_LENGTH, (piece + 1) * ID_LENGTH)
    if (isZeros(id) || sizes[piece] === length) yield extent(offset, length)
    else id.set(MISSING)
    piece++
  }
}
