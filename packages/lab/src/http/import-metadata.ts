import { buffer } from 'node:stream/consumers'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { encodeXmlValue } from '@tidemark/xenapi/codec'
import { apiFailure } from '../calls/failure.ts'
import { unpackOva } from '../metadata/archive.ts'
import { importVms } from '../metadata/import.ts'
import { decodeOva } from '../metadata/ova.ts'
import { bodyOf, BodyCut } from './body.ts'
import type { Transfer } from './transfer.ts'

/** PUT /import_metadata: makes VMs of a description, on disks that exist. contract/xenapi.md §5.5 */
export async function importMetadata(transfer: Transfer): Promise<string> {
  const { pool, query } = transfer
  transfer.begin({ status: 200 })
  const archive = decompressed(await wholeBody(transfer))
  const ova = decodeOva(await unpackOva(archive))
  const disks = [...query].flatMap(([name, value]): [string, string][] =>
    name.startsWith('vdi:') ? [[name.slice('vdi:'.length), value]] : [],
  )
  const vms = importVms(pool, ova, {
    disks: new Map(disks),
    restore: query.get('restore') === 'true',
    force: query.get('force') === 'true',
    dryRun: query.get('dry_run') === 'true',
  })
  return encodeXmlValue(vms)
}

async function wholeBody({ request, call }: Transfer): Promise<Buffer> {
  try {
    return await buffer(bodyOf(request, call.signal))
  } catch (error) {
    throw error instanceof BodyCut ? apiFailure('IMPORT_ERROR_PREMATURE_EOF') : error
  }
}

/** A description of VMs is small; what unpacks to more is an attack. */
const limits = { maxOutputLength: 256 * 1024 * 1024 }

/** By its first bytes: gzip, zstd, or as it is. */
function decompressed(body: Buffer): Buffer {
  if (body.subarray(0, 2).equals(Buffer.from('1f8b', 'hex'))) return gunzipSync(body, limits)
  if (body.subarray(0, 4).equals(Buffer.from('28b52ffd', 'hex'))) return zstdDecompressSync(body, limits)
  return body
}
