import { StreamCut, type Pieces } from '../streams/pieces.ts'
import { decodeTarHeader, paddingOf, TAR_BLOCK, type TarHeader } from './header.ts'

/** A file of an archive with its content. */
export interface TarFile {
  readonly name: string
  readonly data: Uint8Array
}

/** Why an archive cannot be read on. */
export class TarDamaged extends Error {}

/**
 * The next plain file of an archive. What extended formats put before a file is passed over: no name here needs it.
 * @param most bytes that it may have
 * @throws StreamCut at the end of the archive or of the stream; TarDamaged
 */
export async function nextFile(input: Pieces, most: number): Promise<TarFile> {
  for (;;) {
    const { name, size, type } = headerOf(await input.take(TAR_BLOCK))
    if (type === '0') {
      if (size > most) throw new TarDamaged(`${name} has ${size} bytes, more than ${most}`)
      const data = await input.take(size)
      await input.skip(paddingOf(size))
      return { name, data }
    }
    await input.skip(size + paddingOf(size))
  }
}

function headerOf(block: Uint8Array): TarHeader {
  const header = decodeTarHeader(block)
  if (header !== undefined) return header
  if (block.every((byte) => byte === 0)) throw new StreamCut()
  throw new TarDamaged('a file of the archive has no sound header')
}
