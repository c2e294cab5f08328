import type { SrRef, VdiRecord, VdiRef } from '@tidemark/xenapi'
import { failure } from '../calls/failure.ts'
import type { Pool } from '../pool.ts'
import type { OvaSource } from './source.ts'

/** Where the disks of a description are. */
export interface DiskSearch {
  /** uuid in the description to uuid of the disk that takes its place. */
  readonly map: ReadonlyMap<string, string>
  /** Leaves out disks that are not found. */
  readonly force: boolean
  /** What is not found may come later: a migration that is only tried. */
  readonly mayBeMissing: boolean
}

/**
 * The disks of a description that exist here, by `Ref:<n>`: by the caller's map, else at the same place of the same SR.
 * Media are looked for in every library, and a drive whose medium is not found is empty.
 * @throws XenApiError VDI_LOCATION_MISSING, VDI_CONTENT_ID_MISSING
 */
export function findDisks(pool: Pool, source: OvaSource, search: DiskSearch): Map<string, VdiRef> {
  const found = new Map<string, VdiRef>()
  for (const { id, record } of source.all('VDI')) {
    const force = search.force || isMedium(source, id)
    const disk = isInLibrary(source, record)
      ? findMedium(pool, record)
      : findDisk(pool, source, record, { ...search, force })
    if (disk !== undefined) found.set(id, disk)
  }
  return found
}

function findDisk(
  { db }: Pool,
  source: OvaSource,
  { uuid, SR, location }: VdiRecord,
  { map, force, mayBeMissing }: DiskSearch,
): VdiRef | undefined {
  const mapped = db.findByUuid('VDI', map.get(uuid) ?? '')
  if (mapped !== undefined) return mapped
  const sr = srOf({ db }, source, SR)
  const same = db.all('VDI').find(([, each]) => each.SR === sr && each.location === location)
  if (same !== undefined) return same[0]
  if (force || mayBeMissing) return undefined
  return sr === undefined ? failure('VDI_CONTENT_ID_MISSING') : failure('VDI_LOCATION_MISSING', sr, location)
}

function srOf({ db }: Pick<Pool, 'db'>, source: OvaSource, id: string): SrRef | undefined {
  const sr = source.find('SR', id)
  return sr === undefined ? undefined : db.findByUuid('SR', sr.uuid)
}

function findMedium({ db }: Pool, { location }: VdiRecord): VdiRef | undefined {
  const isLibrary = (sr: SrRef): boolean => {
    const { content_type, type } = db.get('SR', sr)
    return content_type === 'iso' && type !== 'udev'
  }
  return db.all('VDI').find(([, each]) => each.location === location && isLibrary(each.SR))?.[0]
}

const isInLibrary = (source: OvaSource, { SR }: VdiRecord): boolean => source.find('SR', SR)?.content_type === 'iso'

/** Whether a disk of the file is a medium: from a library, or only in CD drives. */
export function isMedium(source: OvaSource, id: string): boolean {
  if (isInLibrary(source, source.get('VDI', id))) return true
  const users = source.all('VBD').filter(({ record }) => record.VDI === id)
  return users.length > 0 && users.every(({ record }) => record.type === 'CD')
}
