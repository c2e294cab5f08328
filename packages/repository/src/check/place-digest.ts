import { ID_LENGTH } from '../id.ts'

const WORD = 4

/**
 * 32 bits of what an index says of a blob. Summed over the blobs of a pack it tells two lists apart, in whatever order they name them: for lists that
 * programs made, not against somebody who looks for a collision.
 * @param plain uncompressed length, with the top bit for a tree
 */
export function placeDigest(ids: Uint8Array, at: number, offset: number, length: number, plain: number): number {
  let digest = 0
  for (let i = at; i < at + ID_LENGTH; i += WORD) {
    const word = (ids[i] ?? 0) | ((ids[i + 1] ?? 0) << 8) | ((ids[i + 2] ?? 0) << 16) | ((ids[i + 3] ?? 0) << 24)
    digest = mix(digest, word)
  }
  return mix(mix(mix(digest, offset), length), plain) >>> 0
}

/** As in a Fibonacci hash: the golden ratio of 2^32, and the high bits back into the low ones. */
function mix(digest: number, word: number): number {
  const product = Math.imul(digest ^ word, 0x9e37_79b1)
  return product ^ (product >>> 15)
}
