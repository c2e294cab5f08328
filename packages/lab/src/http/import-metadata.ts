import { encodeXmlValue } from '@tidemark/xenapi/codec'
import { withArchive } from '../metadata/archive.ts'
import { findDisks } from '../metadata/disks.ts'
import { xapiVersion } from '../metadata/export.ts'
import { importVms } from '../metadata/import.ts'
import { decodeOva } from '../metadata/ova.ts'
import { OvaSource } from '../metadata/source.ts'
import { bodyOf } from './body.ts'
import { flag } from './parameters.ts'
import type { Transfer } from './transfer.ts'

/**
 * PUT /import_metadata: makes VMs of a description, on disks that exist. `check_cpu` asks for nothing here: all hosts are
 * alike, and so there is memory for every VM that comes `live`. contract/xenapi.md §5.5
 */
export async function importMetadata(transfer: Transfer): Promise<string> {
  const { pool, query, request, call, task } = transfer
  transfer.begin({ status: 200, headers: { 'Content-Type': 'application/octet-stream' } })
  const [restore, force, dryRun] = [flag(query, 'restore'), flag(query, 'force'), flag(query, 'dry_run')]
  const mayBeMissing = flag(query, 'live') && dryRun
  const told = await withArchive(bodyOf(request, call.signal), async ({ ova }) => {
    const source = new OvaSource(decodeOva(ova, xapiVersion(pool)))
    const disks = findDisks(pool, source, { map: diskMap(query), force, mayBeMissing })
    return importVms(pool, source, { disks, restore, force, dryRun, mayBeMissing, task }).told
  })
  return encodeXmlValue(told)
}

/** Of every `vdi:<uuid>=<uuid>` in the query. */
function diskMap(query: URLSearchParams): ReadonlyMap<string, string> {
  const pairs = [...query].flatMap(([name, value]): [string, string][] =>
    name.startsWith('vdi:') ? [[name.slice('vdi:'.length), value]] : [],
  )
  return new Map(pairs)
}
