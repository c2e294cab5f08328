import { isFailure, XenApiError, type Session, type VbdRef, type VdiRef } from '@tidemark/xenapi'
import type { Clock } from '../clock.ts'
import { EngineError } from '../error.ts'

/** How long a busy disk is waited for: the control domain's VBD goes some seconds after the NBD connection does. */
export interface Patience {
  /** In all, from the first refusal on. */
  readonly forMs: number
  /** The longest time between two tries of which nothing is heard meanwhile. */
  readonly pauseMsMost: number
  /** After so long, what control domains hold of the disk is taken down: whoever left it is not coming back for it. */
  readonly releaseAfterMs: number
}

export const patienceDefaults: Patience = { forMs: 5 * 60_000, pauseMsMost: 30_000, releaseAfterMs: 60_000 }

/** A disk of our own that somebody may hold for a while: a snapshot, or a disk that we made. */
export interface BusyDisk {
  readonly session: Session
  readonly clock: Clock
  readonly patience: Patience
  readonly vdi: VdiRef
  /** In a sentence: `the snapshot of disk 0`. */
  readonly what: string
}

/** Codes by which a pool says "not now". */
const BUSY = new Set(['VDI_IN_USE', 'OTHER_OPERATION_IN_PROGRESS', 'TOO_MANY_PENDING_TASKS'])
/** The first pause; it doubles each time. An event of the disk ends it. */
const PAUSE_MS_FIRST = 1000

/** Repeats a call while the pool says that the disk is busy. @throws EngineError ENGINE_BUSY at the end of patience */
export async function whileBusy<Result>(
  disk: BusyDisk,
  call: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const { clock, patience, what } = disk
  let since: number | undefined
  for (
    let pauseMs = Math.min(PAUSE_MS_FIRST, patience.pauseMsMost);
    ;
    pauseMs = Math.min(patience.pauseMsMost, pauseMs * 2)
  ) {
    try {
      return await call()
    } catch (cause) {
      if (!failedWith(cause, BUSY)) throw cause
      const now = clock.now().getTime()
      since ??= now
      const waitedMs = now - since
      if (waitedMs >= patience.forMs) throw stillBusy(what, waitedMs, cause)
      if (waitedMs >= patience.releaseAfterMs) await releaseFromControlDomains(disk)
      await untilChanged(disk, Math.min(pauseMs, patience.forMs - waitedMs), signal)
    }
  }
}

const stillBusy = (what: string, waitedMs: number, cause: unknown): EngineError =>
  new EngineError(
    'ENGINE_BUSY',
    `${what} is still in use after ${Math.round(waitedMs / 1000)} s; run the backup again later`,
    { cause },
  )

/** Waits until something that holds the disk changes, but no longer than a pause. */
async function untilChanged({ session, clock, vdi }: BusyDisk, pauseMs: number, signal?: AbortSignal): Promise<void> {
  try {
    const holders = await holdersOf(session, vdi, signal)
    if (holders.length > 0) {
      const classes = [`vdi/${vdi}`, ...holders.map((vbd) => `vbd/${vbd}`)]
      const { token, events } = await session.event.from(classes, '', 0, { signal })
      const isHeld = events.some((event) => event.class === 'vbd' && event.snapshot?.currently_attached === true)
      if (isHeld) await session.event.from(classes, token, pauseMs / 1000, { signal })
      if (isHeld) return
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof XenApiError)) throw error // no events from this pool, or the disk is gone: trying again tells
  }
  await clock.sleep(pauseMs, signal)
}

const holdersOf = (session: Session, vdi: VdiRef, signal?: AbortSignal): Promise<readonly VbdRef[]> =>
  session.VDI.get_VBDs(vdi, { signal })

/** Takes down the VBDs that an NBD server or a transfer left on control domains. VMs keep theirs. */
async function releaseFromControlDomains({ session, vdi }: BusyDisk): Promise<void> {
  try {
    for (const vbd of await holdersOf(session, vdi)) {
      const { VM, currently_attached: isAttached } = await session.VBD.get_record(vbd)
      if (!(await session.VM.get_is_control_domain(VM))) continue
      if (isAttached) await session.VBD.unplug(vbd)
      await session.VBD.destroy(vbd)
    }
  } catch (error) {
    if (!(error instanceof XenApiError)) throw error // it may be going by itself just now: the next try tells
  }
}

/** Whether the pool answered with one of these codes. */
export const failedWith = (error: unknown, codes: ReadonlySet<string>): boolean =>
  [...codes].some((code) => isFailure(error, code))
