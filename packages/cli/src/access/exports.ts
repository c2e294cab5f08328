import type { DiskRecord, WritableImage } from '@tidemark/engine'
import type { ExportSource, NbdExport } from '@tidemark/nbd'
import type { DiskImage } from '@tidemark/repository'

/** One disk of a restore point, to be served. */
export interface ServedDisk {
  readonly record: DiskRecord
  readonly image: DiskImage | WritableImage
}

/**
 * The disks of a point as NBD exports, each by its position and by its VDI's uuid; where there is only one, also under the
 * empty name.
 */
export function pointExports(disks: readonly ServedDisk[]): ExportSource {
  const [first] = disks
  const names = new Map<string, NbdExport>()
  for (const { record, image } of disks) {
    const served = exportOf({ record, image })
    names.set(record.vdi, served)
    names.set(String(record.position), served)
  }
  if (first !== undefined && disks.length === 1) names.set('', exportOf(first))
  return {
    open: async (name) => names.get(name),
    list: async () => disks.map(({ record }) => String(record.position)),
  }
}

function exportOf({ record, image }: ServedDisk): NbdExport {
  const readable = {
    size: image.size,
    description: record.name,
    read: (offset: number, length: number) => image.read(offset, length),
    extents: (offset: number, length: number) =>
      image.extents(offset, length).map((each) => ({ length: each.length, hole: each.zero, zero: each.zero })),
  }
  if (!('write' in image)) {
    return { ...readable, readOnly: true, readInto: (into, offset) => image.readInto(into, offset) }
  }
  return {
    ...readable,
    coherent: true, // every connection has the same overlay
    zeroesFast: true,
    write: (offset, data) => image.write(offset, data),
    writeZeroes: (offset, length) => image.writeZeroes(offset, length),
    trim: (offset, length) => image.writeZeroes(offset, length),
    flush: () => image.flush(),
  }
}
