import type { OnBackup } from './events.ts'
import type { Vm, VmSnapshot } from './pool.ts'

/** What somebody else does around the snapshot of a VM: bring its applications to rest, and wake them. */
export interface SnapshotHooks {
  /**
   * Right before the snapshot. What it throws ends the run of this VM, without a snapshot.
   * @returns what went wrong, and is no reason not to go on
   */
  before(vm: Vm, signal: AbortSignal): Promise<readonly Error[]>
  /**
   * Right after it; also when it was not taken, and when `before` failed or was cancelled. The signal may be aborted by then: the work
   * is to be done all the same, and not to be waited for any longer.
   * @param snapshot undefined when none was taken
   * @returns what went wrong
   */
  after(vm: Vm, snapshot: VmSnapshot | undefined, signal: AbortSignal): Promise<readonly Error[]>
}

export const noHooks: SnapshotHooks = { before: () => Promise.resolve([]), after: () => Promise.resolve([]) }

/** Takes a snapshot between the hooks. What the one behind it cannot do calls for attention: the snapshot is taken, and good. */
export async function takeBetween(
  hooks: SnapshotHooks,
  vm: Vm,
  take: () => Promise<VmSnapshot>,
  on: OnBackup,
  signal: AbortSignal,
): Promise<VmSnapshot> {
  let taken: VmSnapshot | undefined
  try {
    for (const cause of await hooks.before(vm, signal))
      on({ type: 'attention', message: `what was to come before the snapshot failed; it is taken all the same`, cause })
    signal.throwIfAborted()
    taken = await take()
    return taken
  } finally {
    for (const cause of await hooks.after(vm, taken, signal).catch((error: unknown) => [error]))
      on({ type: 'attention', message: `what was to come after the snapshot failed: look at the VM`, cause })
  }
}
