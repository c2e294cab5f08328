import { extent, normalize, type Extent } from '@tidemark/blocks'

/** What was read of one disk over the pool's NBD server. */
export interface NbdReads {
  /** uuid. */
  readonly vdi: string
  /** How much was sent; what was read twice counts twice. */
  readonly bytes: number
  /** What was read at least once: ascending, disjoint, never touching. */
  readonly extents: readonly { readonly offset: number; readonly length: number }[]
}

/** Reads that are kept as they came, before they are joined. */
const JOIN_EVERY = 4096

/** Remembers what was read of each disk: the proof that a backup reads only what it must. */
export class ReadLog {
  readonly #disks = new Map<string, { bytes: number; extents: Extent[] }>()

  add(vdi: string, offset: number, length: number): void {
    const disk = this.#disks.get(vdi) ?? { bytes: 0, extents: [] }
    this.#disks.set(vdi, disk)
    if (length === 0) return
    disk.bytes += length
    disk.extents.push(extent(offset, length))
    if (disk.extents.length % JOIN_EVERY === 0) disk.extents = [...normalize(disk.extents)]
  }

  list(): NbdReads[] {
    return [...this.#disks].map(([vdi, { bytes, extents }]) => ({ vdi, bytes, extents: normalize(extents) }))
  }

  clear(): void {
    this.#disks.clear()
  }
}
