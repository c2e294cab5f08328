const ZERO_BLOCK = Buffer.alloc(64 * 1024)

/** Whether there is nothing but zeros. Compares whole blocks, which is some hundred times faster than a loop over bytes. */
export function isZero(data: Uint8Array): boolean {
  for (let at = 0; at < data.length; at += ZERO_BLOCK.length) {
    const part = data.subarray(at, at + ZERO_BLOCK.length)
    if (ZERO_BLOCK.compare(part, 0, part.length, 0, part.length) !== 0) return false
  }
  return true
}
