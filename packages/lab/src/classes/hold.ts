import { setTimeout as sleep } from 'node:timers/promises'
import type { HostRef, VbdMode, VbdRef, VdiRef } from '@tidemark/xenapi'
import { controlDomain, type Pool } from '../pool.ts'
import { assertAttachable, attached, slotFor } from './vbd.ts'

/** The host that holds a disk. */
export interface Holder {
  readonly pool: Pool
  readonly host: HostRef
}

/** The disks that a host itself uses for a transfer or an NBD reader: VBDs of the control domain. */
export class Holds {
  readonly #leaving = new Set<Promise<void>>()

  /**
   * Attaches a disk to the control domain of a host. What it returns gives the disk back, a moment later, as a real
   * host does, and once: to call it again does nothing.
   * @throws XenApiError VDI_IN_USE when `mode` is RW and a VM writes to the disk
   */
  hold({ pool, host }: Holder, VDI: VdiRef, mode: VbdMode): () => void {
    const VM = controlDomain(pool, host)
    const userdevice = slotFor(pool, VM, 'autodetect')
    const vbd = pool.db.change((draft) => {
      const made = draft.insert('VBD', { VM, VDI, userdevice, mode, type: 'Disk' })
      assertAttachable(pool, made)
      draft.update('VBD', made, attached(userdevice))
      return made
    })
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const leaving = release(pool, vbd).finally(() => this.#leaving.delete(leaving))
      this.#leaving.add(leaving)
    }
  }

  /** Resolves when every disk that was given back is detached. */
  async settled(): Promise<void> {
    await Promise.all(this.#leaving)
  }
}

async function release({ db, options, closing, faults }: Pool, vbd: VbdRef): Promise<void> {
  // a lab that stops does not wait
  await sleep(options.detachDelayMs, undefined, { signal: closing }).catch(() => undefined)
  if (await faults.stays(vbd)) return
  if (db.find('VBD', vbd) !== undefined) db.remove('VBD', vbd)
}
