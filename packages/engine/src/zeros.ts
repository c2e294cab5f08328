const CHUNK = new Uint8Array(1 << 20)

/** `length` zero bytes in chunks of at most 1 MiB, all the same memory: a hole may be as long as a disk. Not to be written to. */
export function* zeros(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, Math.min(left, CHUNK.length))
}
