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

  constructor(storage: Storage, pool: () => Pool) {
    this.#storage = storage
    this.#pool = pool
  }

  /** Takes room for a disk to grow by so many bytes. @throws LabError LAB_STORAGE_FULL */
  async take(id: string, growth: number): Promise<void> {
    if (growth === 0) return
    const { db } = this.#pool()
    const vdi = db.findByUuid('VDI', id)
    if (vdi === undefined) return
    const { SR } = db.get('VDI', vdi)
    if ((this.#free.get(SR) ?? 0) < growth) this.#free.set(SR, await this.#measure(SR))
    const free = this.#free.get(SR) ?? 0
    if (free < growth) throw new LabError('LAB_STORAGE_FULL', `${growth} bytes for ${id}, and ${free} are free`)
    this.#free.set(SR, free - growth)
  }

  async #measure(sr: SrRef): Promise<number> {
    const { db } = this.#pool()
    const disks = db.all('VDI').filter(([, { SR, uuid }]) => SR === sr && this.#storage.has(uuid))
    return db.get('SR', sr).physical_size - (await this.#storage.usedSpace(disks.map(([, { uuid }]) => uuid)))
  }
}
