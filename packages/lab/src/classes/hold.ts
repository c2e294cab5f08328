import { setTimeout as sleep } from 'node:timers/promises'
import type { VbdMode, VbdRef, VdiRef } from '@tidemark/xenapi'
import { ownCall, type Call } from '../calls/call.ts'
import type { Refusal } from '../calls/failure.ts'
import { controlDomain, type Pool } from '../pool.ts'
import { attached, attachRefusal, slotFor } from './vbd.ts'

/** Who holds a disk: a call, or a host that serves a reader. */
export type Holder = Pick<Call, 'pool' | 'host' | 'signal'> & Partial<Pick<Call, 'task' | 'session'>>

/**
 * Attaches a disk to the control domain of a host. Who is at work on the disk is waited for.
 * @throws XenApiError VDI_IN_USE when `mode` is RW and a VM writes to the disk
 */
export async function attachToHost(holder: Holder, VDI: VdiRef, mode: VbdMode): Promise<VbdRef> {
  const { pool, host } = holder
  const { db } = pool
  const VM = controlDomain(pool, host)
  const userdevice = slotFor(pool, VM, 'autodetect')
  const vbd = db.insert('VBD', { VM, VDI, userdevice, mode, type: 'Disk' })
  const refusal = (): Refusal | undefined => {
    // a disk that goes while it is waited for takes its drives along
    if (db.find('VBD', vbd) === undefined) return ['HANDLE_INVALID', 'VDI', VDI]
    return attachRefusal(db, vbd)
  }
  const call: Call = { ...ownCall(pool), ...holder }
  try {
    await pool.operations.during(call, [{ class: 'VBD', ref: vbd, operation: 'plug', refusal }], async () => {
      db.update('VBD', vbd, attached(userdevice))
    })
    return vbd
  } catch (error) {
    if (db.find('VBD', vbd) !== undefined) db.remove('VBD', vbd)
    throw error
  }
}

/** The disks that a host itself uses for a transfer or an NBD reader: VBDs of the control domain. */
export class Holds {
  readonly #leaving = new Set<Promise<void>>()

  /**
   * Attaches a disk to the control domain of a host. What it resolves to gives the disk back, a moment later, as a real
   * host does, and once: to call it again does nothing.
   * @throws XenApiError as `attachToHost`
   */
  async hold(holder: Holder, VDI: VdiRef, mode: VbdMode): Promise<() => void> {
    const vbd = await attachToHost(holder, VDI, mode)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const leaving = release(holder.pool, vbd).finally(() => this.#leaving.delete(leaving))
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
