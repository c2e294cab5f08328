import { randomUUID } from 'node:crypto'
import type { OpenPoint } from './points.ts'
import type { Vm } from './pool.ts'
import { restoreAsNewVm, type RestoreContext } from './restore/new-vm.ts'

/** How a boot test is done. */
export interface BootTestOptions {
  /** Name or UUID of the SR for the temporary disks; without it each goes to the SR that it came from. */
  readonly storage: string | undefined
  /** How long the guest may take from its start on, in milliseconds. */
  readonly limitMs: number
  /**
   * What shows that the guest is up. `drivers`: it reports as an agent does (VM_guest_metrics.PV_drivers_detected). `data`: it
   * writes this key below `vm-data/` of its xenstore. `check`: this resolves, asked once the VM runs.
   */
  readonly sign: BootSign
}

export type BootSign =
  | { readonly kind: 'drivers' }
  | { readonly kind: 'data'; readonly key: string }
  | { readonly kind: 'check'; readonly check: (vm: Vm, signal: AbortSignal) => Promise<void> }

/** What a restored guest said of itself. */
export interface BootReport {
  /** From its start to the sign, in milliseconds. */
  readonly tookMs: number
  /** VM_guest_metrics.os_version and .networks; empty where no agent reported. */
  readonly system: Readonly<Record<string, string>>
  readonly networks: Readonly<Record<string, string>>
  /** What it wrote below `vm-data/`, without that prefix. */
  readonly data: Readonly<Record<string, string>>
}

/** Boot tests are over in minutes; a guest that checks a big file system takes longer. */
export const bootTestDefaults = {
  limitMs: 10 * 60_000,
  sign: { kind: 'drivers' },
  storage: undefined,
} as const satisfies BootTestOptions

/**
 * Restores a point to a temporary VM without network cards, starts it, waits for a sign of its guest, and removes all that it
 * made. What a crash leaves, the journal and the marks on the pool tell the next run of, or `tidemark doctor`.
 * @throws EngineError ENGINE_BOOT when the guest gives no sign in time, or switches itself off; what a restore throws
 */
export async function bootTest(
  context: RestoreContext,
  point: OpenPoint,
  { storage, limitMs, sign }: BootTestOptions,
  signal?: AbortSignal,
): Promise<BootReport> {
  const { pool, repository } = context
  let report: BootReport | undefined
  const name = `${point.record.vm.name} (boot test ${randomUUID().slice(0, 8)})`
  const trial = async (vm: Vm) => {
    report = await pool.trials.boot(vm, { repository: repository.id, limitMs, sign }, signal)
  }
  await restoreAsNewVm(context, point, { name, storage, withoutNetworks: true, trial }, signal)
  if (report === undefined) throw new Error('the restored VM was not tried')
  return report
}
