import { encodeTarHeader, paddingOf, TAR_BLOCK } from './header.ts'

/** One file. @param mtime seconds */
export function* tarFile(name: string, data: Uint8Array, mtime = 0): Generator<Uint8Array, void, void> {
  yield encodeTarHeader({ name, size: data.length, mtime })
  if (data.length > 0) yield data
  const padding = paddingOf(data.length)
  if (padding > 0) yield new Uint8Array(padding)
}

/** What ends an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * TAR_BLOCK)
