import { endOf } from '@tidemark/blocks'
import type { NbdExport, NbdExtent } from '@tidemark/nbd'
import { LabError } from '../error.ts'
import type { Storage } from '../storage/index.ts'

/** A disk of the storage as an NBD server serves it, of the size that it has now: read-write unless it is a snapshot. */
export function diskExport(storage: Storage, id: string): NbdExport {
  return {
    size: storage.sizeOf(id),
    readOnly: storage.isFrozen(id),
    read: (offset, length) => storage.read(id, offset, length),
    readInto: (into, offset) => storage.readInto(id, offset, into),
    coherent: true, // the storage is one for all connections
    write: (offset, data) => storage.write(id, offset, data).catch(asErrno),
    flush: () => storage.flush(id),
    trim: (offset, length) => storage.trim(id, offset, length),
    writeZeroes: (offset, length) => storage.writeZeroes(id, offset, length).catch(asErrno),
    extents: (offset, length) => extentsOf(storage, id, offset, length),
  }
}

/** A guest on a full SR is told ENOSPC; everything else is EIO by itself. */
function asErrno(error: unknown): never {
  if (!(error instanceof LabError) || error.code !== 'LAB_STORAGE_FULL') throw error
  throw Object.assign(new Error(error.message, { cause: error }), { code: 'ENOSPC' })
}

/** What is data and what is a hole; a hole always reads as zeros. */
async function extentsOf(storage: Storage, id: string, offset: number, length: number): Promise<NbdExtent[]> {
  const extents: NbdExtent[] = []
  let at = offset
  for (const data of await storage.allocatedExtents(id, offset, offset + length)) {
    if (data.offset > at) extents.push({ length: data.offset - at, hole: true, zero: true })
    extents.push({ length: data.length, hole: false, zero: false })
    at = endOf(data)
  }
  if (at < offset + length) extents.push({ length: offset + length - at, hole: true, zero: true })
  return extents
}
