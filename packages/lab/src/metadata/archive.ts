import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { extract, pack } from 'tar-stream'
import { apiFailure } from '../calls/failure.ts'

const NAME = 'ova.xml'

/** A tar with ova.xml and nothing else. */
export async function packOva(ova: string): Promise<Buffer> {
  const archive = pack()
  archive.entry({ name: NAME, mode: 0o644, mtime: new Date(0) }, ova)
  archive.finalize()
  return buffer(archive)
}

/** The text of ova.xml, which must be the first file. @throws XenApiError IMPORT_ERROR_UNEXPECTED_FILE, …_PREMATURE_EOF */
export async function unpackOva(archive: Buffer): Promise<string> {
  try {
    for await (const entry of Readable.from([archive]).pipe(extract())) {
      const { name } = entry.header
      if (name !== NAME) throw apiFailure('IMPORT_ERROR_UNEXPECTED_FILE', NAME, name)
      return (await buffer(entry)).toString('utf8')
    }
  } catch (error) {
    if ((error as { failure?: unknown }).failure !== undefined) throw error
    throw apiFailure('IMPORT_ERROR_PREMATURE_EOF')
  }
  throw apiFailure('IMPORT_ERROR_PREMATURE_EOF')
}
