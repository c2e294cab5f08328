import { createGunzip, createZstdDecompress } from 'node:zlib'
import { apiFailure } from '../calls/failure.ts'
import { pieces, StreamCut, withPieces, type Pieces } from '../streams/pieces.ts'
import { through } from '../streams/through.ts'
import { nextFile, TarDamaged } from '../tar/read.ts'
import { TAR_END, tarFile } from '../tar/write.ts'

const NAME = 'ova.xml'
/** A description of VMs is small; what unpacks to more is an attack. */
const OVA_MAX = 256 * 1024 * 1024

/** The file with which every archive begins. */
export const ovaFile = (ova: string, now: Date): Iterable<Uint8Array> =>
  tarFile(NAME, Buffer.from(ova, 'utf8'), Math.floor(now.getTime() / 1000))

/** A tar with ova.xml and nothing else. */
export const packOva = (ova: string, now: Date): Buffer => Buffer.concat([...ovaFile(ova, now), TAR_END])

/** An opened archive, after its first file. */
export interface Archive {
  /** The text of ova.xml. */
  readonly ova: string
  readonly input: Pieces
}

/**
 * Works on an archive that comes plain, or packed with gzip or zstd.
 * @throws XenApiError IMPORT_ERROR_UNEXPECTED_FILE, IMPORT_ERROR_PREMATURE_EOF, IMPORT_ERROR; what `work` throws
 */
export async function withArchive<Result>(
  body: AsyncIterable<Uint8Array>,
  work: (archive: Archive) => Promise<Result>,
): Promise<Result> {
  try {
    return await withPieces(await unpacked(body), async (input) => {
      const { name, data } = await nextFile(input, OVA_MAX)
      if (name !== NAME) throw apiFailure('IMPORT_ERROR_UNEXPECTED_FILE', NAME, name)
      return work({ ova: Buffer.from(data.buffer, data.byteOffset, data.length).toString('utf8'), input })
    })
  } catch (error) {
    throw importErrorOf(error)
  }
}

/** By its first bytes: gzip, zstd, or as it is. */
async function unpacked(body: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const input = pieces(body)
  const magic = Buffer.from(await input.peek(4)).toString('hex')
  if (magic === '28b52ffd') return through(closing(input), createZstdDecompress())
  return magic.startsWith('1f8b') ? through(closing(input), createGunzip()) : closing(input)
}

async function* closing(input: Pieces): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* input.rest()
  } finally {
    await input.close()
  }
}

function importErrorOf(error: unknown): unknown {
  if (error instanceof StreamCut || isUnpackError(error)) return apiFailure('IMPORT_ERROR_PREMATURE_EOF')
  return error instanceof TarDamaged ? apiFailure('IMPORT_ERROR', error.message) : error
}

/** xapi unpacks by a pipe: what is damaged ends there. */
const isUnpackError = (error: unknown): boolean => /^(?:Z_|ZSTD_)/.test((error as NodeJS.ErrnoException).code ?? '')
