import type { SrRef } from '@tidemark/xenapi'
import { LabError } from '../error.ts'
import type { Pool } from '../pool.ts'
import type { Storage } from '../storage/index.ts'

/**
 * The room in each SR: its physical size less what its disks occupy. What they occupy is only measured when the room known
 * of is used up, because space that others give back can only make it larger.
 */
export class Room {
  readonly #storage: Storage
  readonly #pool: () => Pool
  /** Bytes that are free for certain. */
  readonly #free = new Map<SrRef, number>()
  /** Bytes of writes that are under way, and may not be measured yet. */
  readonly #pending = new Map<SrRef, number>()

  constructor(storage: Storage, pool: () => Pool) {
    this.#storage = storage
    this.#pool = pool
  }

  /**
   * Takes room for a disk to grow by so many bytes.
   * @returns to be called when they are written, or not: until then nobody else gets them
   * @throws LabError LAB_STORAGE_FULL
   */
  async take(id: string, growth: number): Promise<() => void> {
    const { db } = this.#pool()
    const vdi = db.findByUuid('VDI', id)
    if (growth === 0 || vdi === undefined) return () => undefined
    const { SR } = db.get('VDI', vdi)
    if ((this.#free.get(SR) ?? 0) < growth) this.#free.set(SR, (await this.#measure(SR)) - this.#pendingOf(SR))
    const free = this.#free.get(SR) ?? 0
    if (free < growth) throw new LabError('LAB_STORAGE_FULL', `${growth} bytes for ${id}, and ${free} are free`)
    this.#free.set(SR, free - growth)
    this.#pending.set(SR, this.#pendingOf(SR) + growth)
    return () => void this.#pending.set(SR, this.#pendingOf(SR) - growth)
  }

  #pendingOf(sr: SrRef): number {
    return this.#pending.get(sr) ?? 0
  }

  async #measure(sr: SrRef): Promise<number> {
    const { db } = this.#pool()
    const disks = db.all('VDI').filter(([, { SR, uuid }]) => SR === sr && this.#storage.has(uuid))
    return db.get('SR', sr).physical_size - (await this.#storage.usedSpace(disks.map(([, { uuid }]) => uuid)))
  }
}
