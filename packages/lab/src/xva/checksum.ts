import { createHash } from 'node:crypto'
import xxhash from 'xxhash-wasm'

/** XXH64 as 16 upper-case hexadecimal digits. WebAssembly, because JavaScript has no fast 64-bit multiplication. */
export async function xxhash64(): Promise<(data: Uint8Array) => string> {
  const hasher = await xxhash()
  return (data) => hasher.h64Raw(data).toString(16).toUpperCase().padStart(16, '0')
}

/** Lower-case hexadecimal digits; in archives of old hosts. */
export const sha1 = (data: Uint8Array): string => createHash('sha1').update(data).digest('hex')
